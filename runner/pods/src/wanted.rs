//! The executors Spark wants now, as a whole set with a rising version.

use serde::{Deserialize, Serialize};

use crate::backoff::Hopeless;
use crate::launch::Launch;

/// All executors wanted now. The version rises exactly when anything else in here changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wanted {
    /// Rises with every change; the empty set at the beginning is version 0.
    pub version: u64,
    /// In the order in which Spark asked.
    pub executors: Vec<WantedExecutor>,
    /// Set once executors die at their start again and again and none lives: the run should fail and say so.
    pub hopeless: Option<Hopeless>,
}

/// One executor wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedExecutor {
    /// Uid of the pod: the executor's identity, with the attempt.
    pub uid: String,
    /// Name of the pod.
    pub pod_name: String,
    /// Spark's number of the executor, a label only: it begins again with each SparkContext.
    pub executor_id: String,
    /// CPU asked for, in millicores.
    pub cpu_millis: u64,
    /// Memory asked for (heap and overhead), in bytes.
    pub memory_bytes: u64,
    /// Whether it is to run or to end.
    pub state: WantedState,
    /// How it is started.
    pub launch: Launch,
}

/// Whether an executor is to run or to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WantedState {
    /// To run.
    Running,
    /// To end, and to be kept in sight until it has.
    Stopping {
        /// SIGKILL after this many milliseconds.
        grace_ms: u64,
        /// SIGPWR first and wait: Spark moves the executor's blocks away, then the process ends by itself. Without it,
        /// SIGTERM first.
        decommission: bool,
    },
}
