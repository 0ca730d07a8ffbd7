//! The first and the last word of a runner.

use crate::{Assignment, Exit};
use firesteel_core::id::{HostId, Mark, WorkerId};
use serde::{Deserialize, Serialize};

/// The first call of a runner. Repeating it with the same mark gives the same assignment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Who the runner is.
    pub worker: WorkerId,
    /// Random mark of this very process.
    pub mark: Mark,
    /// Where it lives.
    pub host: HostId,
    /// Its address, for the other workers of the run.
    pub address: String,
    /// A free port of that address: if the worker is a driver, its Spark UI listens there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ui_port: Option<u16>,
}

/// The answer. The runner may start a JVM only after `Assigned`: its hello is then a committed event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Greeting {
    /// Do this.
    Assigned(Box<Assignment>),
    /// Exit at once, start nothing.
    Refused(RefusedHello),
}

/// Why a hello is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedHello {
    /// No such worker, or it ended already.
    Unknown,
    /// Another process has said hello as this worker.
    OtherMark,
    /// The worker is no longer wanted.
    Released,
}

/// The last call, repeated until acknowledged (after the logs are in S3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Who.
    pub worker: WorkerId,
    /// Which process.
    pub mark: Mark,
    /// Fence of the attempt.
    pub fence: u64,
    /// How.
    pub exit: Exit,
}

/// The answer to `End`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Committed (or had been already): the runner may exit.
    Acknowledged,
    /// This process is not that worker, or its attempt is over: exit, nothing you say counts.
    Stale,
}
