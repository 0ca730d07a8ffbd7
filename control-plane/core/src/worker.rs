//! A worker: one driver or executor with a size, from its admission to its end.

use crate::exit::Exit;
use crate::id::{HostId, JobRunId, Mark};
use crate::size::Size;
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a worker is there for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The driver of its attempt.
    Driver,
    /// An executor.
    Executor {
        /// The pod's uid in Spark's dialect.
        uid: String,
        /// Number of its log folder.
        ordinal: u32,
        /// Hash of the part of its launch that it shares with others.
        launch: String,
        /// The part of its launch that is its own; opaque.
        own: Value,
    },
}

/// The one process that has said hello as this worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeted {
    /// Its random mark.
    pub mark: Mark,
    /// Its address.
    pub address: String,
    /// Where on it a driver's Spark UI listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ui_port: Option<u16>,
    /// When the hello was committed.
    pub at: Millis,
}

/// An order to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// When it was given.
    pub at: Millis,
    /// Hand over blocks first.
    pub decommission: bool,
    /// Milliseconds until it is killed.
    pub grace: i64,
    /// Why.
    pub reason: String,
}

impl Release {
    /// The moment from which the worker may be killed from outside: its grace, and time to ship its logs.
    pub fn kill_after(&self) -> Millis {
        self.at.plus(self.grace + SHIPPING_TIME)
    }
}

/// Milliseconds that a runner gets after its job's end to bring the logs to S3 before it is killed from outside.
pub const SHIPPING_TIME: i64 = 60_000;

/// The end of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How.
    pub exit: Exit,
    /// When it was committed.
    pub at: Millis,
}

/// A worker: admitted (this value exists), greeted, started, released, ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Whose.
    pub run: JobRunId,
    /// Of which attempt.
    pub attempt: u32,
    /// The attempt's fence.
    pub fence: u64,
    /// What for.
    pub role: Role,
    /// Size as accounted and billed.
    pub size: Size,
    /// Heap that its JVM really gets on its host, MiB.
    pub heap_mib: u64,
    /// Where.
    pub host: HostId,
    /// When it was admitted.
    pub admitted: Millis,
    /// Its process.
    pub greeted: Option<Greeted>,
    /// When its job's process started.
    pub started: Option<Millis>,
    /// Order to end.
    pub released: Option<Release>,
    /// Its end.
    pub ended: Option<Ended>,
    /// Expiry of the last credentials that it was given.
    pub credentials_until: Option<Millis>,
}

impl Worker {
    /// True until its end is committed.
    pub fn is_live(&self) -> bool {
        self.ended.is_none()
    }

    /// True if it is its attempt's driver.
    pub fn is_driver(&self) -> bool {
        matches!(self.role, Role::Driver)
    }

    /// The pod's uid, if it is an executor.
    pub fn uid(&self) -> Option<&str> {
        match &self.role {
            Role::Driver => None,
            Role::Executor { uid, .. } => Some(uid),
        }
    }

    /// True if `mark` is the process that this worker is.
    pub fn is_process(&self, mark: &Mark) -> bool {
        self.greeted.as_ref().is_some_and(|greeted| greeted.mark == *mark)
    }
}
