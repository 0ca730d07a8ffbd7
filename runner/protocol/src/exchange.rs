//! The one exchange between hello and end: whole sets in both directions, as a long poll.

use crate::Credentials;
use firesteel_core::id::{Mark, WorkerId};
use firesteel_core::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Sent by every runner: at least every `Common::contact_every_ms`, and at once when something changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// Who.
    pub worker: WorkerId,
    /// Which process.
    pub mark: Mark,
    /// Fence of the attempt.
    pub fence: u64,
    /// When the job's process started; none while staging.
    pub started: Option<Millis>,
    /// Only a driver's runner: the executors wanted now.
    pub wanted: Option<Wanted>,
    /// Digest of the last answer seen (`Answer::digest`, 0 at first): the server may hold the call until it would answer otherwise.
    pub seen: u64,
    /// How long the server may hold the call, milliseconds; 0 for an answer at once.
    pub wait_ms: u64,
    /// Expiry of the credentials in hand: new ones come with the answer when they are past half life.
    pub credentials_expire: Option<Millis>,
}

/// The whole set of executors that Spark wants now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    /// Rises with every change; an older set than one already seen is ignored.
    pub version: u64,
    /// All of them, in the order in which Spark asked.
    pub executors: Vec<WantedExecutor>,
    /// What the hashes in `WantedExecutor::launch` stand for: sent when first used and whenever the server asks.
    pub launches: BTreeMap<String, Value>,
}

/// One executor that Spark wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WantedExecutor {
    /// The pod's uid: with the attempt it is the worker's identity.
    pub uid: String,
    /// Cores.
    pub cpu: u32,
    /// Memory in MiB, overhead included.
    pub memory_mib: u64,
    /// Heap asked, MiB.
    pub heap_mib: u64,
    /// SHA-256 (hex) of the part of the launch that executors of one profile share.
    pub launch: String,
    /// The part that is this executor's own (executor id, pod name); opaque to the control plane.
    pub own: Value,
    /// Set when Spark has asked for this pod's deletion: the worker is to end.
    pub stopping: Option<StopOrder>,
}

/// How a worker is to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopOrder {
    /// Let it hand over its blocks first (SIGPWR), if it is an executor.
    pub decommission: bool,
    /// Milliseconds until it is killed.
    pub grace_ms: u64,
    /// Why, for `stateDetails` and the log.
    pub reason: String,
}

/// The control plane's answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Digest of everything below but credentials.
    pub digest: u64,
    /// For a driver: every executor of its attempt that was ever wanted and is not forgotten.
    pub executors: Vec<ExecutorSighting>,
    /// End now, in this way.
    pub stop: Option<StopOrder>,
    /// Launch hashes that the control plane does not know: send them again.
    pub unknown_launches: Vec<String>,
    /// Fresh credentials.
    pub credentials: Option<Credentials>,
    /// True if this process is not (or no longer) the worker: kill the job and exit.
    pub stale: bool,
    /// Where the control planes that are there now can be reached, as in `Errand`; empty says nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<String>,
}

/// What the control plane knows of one wanted executor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExecutorSighting {
    /// The pod's uid.
    pub uid: String,
    /// How it stands.
    pub status: ExecutorStatus,
}

/// How a wanted executor stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutorStatus {
    /// Not admitted, and why. `exceeded` lists the exceeded dimensions in EMR's words, e.g. `cpu: 4 vCPU`; empty if
    /// the reason is not the application's maximum capacity.
    Waiting {
        /// The reason in words.
        reason: String,
        /// Exceeded dimensions of maximumCapacity.
        exceeded: Vec<String>,
    },
    /// Admitted; its runner has not said hello yet or is staging.
    Starting,
    /// Its JVM runs at this address.
    Running {
        /// Host address of the executor.
        address: String,
    },
    /// It ended.
    Ended {
        /// Exit code (see `ExitCode`).
        code: i32,
        /// Why.
        summary: String,
        /// True if the platform ended it (not the job's fault).
        evicted: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As control planes of the first form write it, and as those of today do.
    const FIRST: &str = include_str!("../tests/golden/answer-1.json");
    const TODAY: &str = include_str!("../tests/golden/answer-2.json");

    #[test]
    fn answers_of_every_form_are_read_and_written_as_they_were() {
        let first: Answer = serde_json::from_str(FIRST).unwrap();
        assert_eq!((first.digest, first.endpoints.len()), (7, 0));
        assert_eq!(serde_json::to_string(&first).unwrap(), FIRST.trim_end());
        let today: Answer = serde_json::from_str(TODAY).unwrap();
        assert_eq!(today.endpoints, ["http://127.0.0.1:9400", "https://spark.example.org:9400"]);
        assert_eq!(serde_json::to_string(&today).unwrap(), TODAY.trim_end());
    }
}
