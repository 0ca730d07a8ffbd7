//! What a driver and an executor each need before they start, and what a driver's runner does while it runs.
//!
//! This room must not know the order of a life, nor how processes are started.

mod driver;
mod executor;
mod sightings;
mod wanted;

use crate::jvm::{Command, Heap};
use crate::life::Ending;
use crate::life::work::Bench;
use crate::pod_api::PodApi;
use firesteel_protocol::Assignment;
use tokio::task::JoinHandle;

/// A job that can be started.
pub(crate) struct Prepared {
    pub(crate) command: Command,
    pub(crate) heap: Heap,
    pub(crate) executors: Option<Executors>,
}

/// A driver's executors: the loopback API and the tasks that carry its words.
pub(crate) struct Executors {
    api: std::sync::Arc<PodApi>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Executors {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Prepared {
    /// Waits until executors die at their start again and again, and says so; for ever if they do not.
    pub(crate) async fn hopeless(&mut self) -> String {
        match &self.executors {
            Some(executors) => driver::hopeless(executors.api.wanted()).await,
            None => std::future::pending().await,
        }
    }
}

/// Brings everything that the job needs to this worker.
pub(crate) async fn prepare(assignment: &Assignment, bench: &Bench<'_>) -> Result<Prepared, Ending> {
    match assignment {
        Assignment::Driver(assignment) => driver::prepare(assignment, bench).await,
        Assignment::Executor(assignment) => executor::prepare(assignment, bench),
    }
}
