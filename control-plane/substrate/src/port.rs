//! The port: what every substrate can do, and the values that go in and out.
//!
//! It must not know any implementation. Its meaning is fixed by the conformance suite in `tests/`.

use async_trait::async_trait;
use firesteel_core::id::{HostId, WorkerId};
use firesteel_core::size::Size;
use firesteel_protocol::Exit;
use std::fmt;

/// A place where workers live, as one installation sees it on one host.
#[async_trait]
pub trait Substrate: Send + Sync {
    /// Starts the worker's runner. Idempotent by worker id: a worker that was ever started here is not started
    /// again, not even after its end; the call then says `Ok` and does nothing.
    async fn launch(&self, order: &LaunchOrder) -> Result<(), LaunchError>;

    /// Kills the worker as a whole, at once: `Ok` means that nothing of it runs any more. Idempotent; a worker that
    /// is unknown, ended or another installation's is left alone with `Ok`.
    async fn kill(&self, worker: &WorkerId) -> Result<(), SubstrateError>;

    /// Every worker of this installation and host that is not forgotten, as seen now, ordered by id.
    async fn sightings(&self) -> Result<Vec<Sighting>, SubstrateError>;

    /// Forgets an ended worker: it is not sighted any more and its folder goes. Idempotent; refused with
    /// [`SubstrateError::Alive`] while the worker lives.
    async fn forget(&self, worker: &WorkerId) -> Result<(), SubstrateError>;

    /// What this host can bear.
    fn host(&self) -> HostFacts;

    /// Resolves when the state of some worker changed since this last resolved: a hint to look, nothing more. A
    /// change that comes while nobody waits is kept for the next call.
    async fn changed(&self);
}

/// What is needed to start a worker.
#[derive(Clone, PartialEq, Eq)]
pub struct LaunchOrder {
    /// The worker's name for ever.
    pub worker: WorkerId,
    /// Bearer token of this worker; never logged.
    pub token: String,
    /// Control planes that the runner is to speak to, tried in turn: base URLs without a trailing slash.
    pub endpoints: Vec<String>,
    /// The worker's size as accounted.
    pub size: Size,
}

impl fmt::Debug for LaunchOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaunchOrder")
            .field("worker", &self.worker)
            .field("endpoints", &self.endpoints)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// One worker as seen on its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Which.
    pub worker: WorkerId,
    /// How it stands.
    pub state: Sighted,
    /// Its own address (loopback, or the pod's).
    pub address: String,
}

/// How a sighted worker stands. `Exited` and `Gone` are final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighted {
    /// Its runner lives (or is just being started).
    Alive {
        /// The runner's process id, where there is one to tell.
        pid: Option<u32>,
    },
    /// Its runner is dead and left word of how the job ended.
    Exited(Exit),
    /// Its runner is dead (or never came to life) and left no word.
    Gone,
}

impl Sighted {
    /// True while the runner lives.
    pub fn is_alive(&self) -> bool {
        matches!(self, Self::Alive { .. })
    }
}

/// What a host can bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// The host's name for ever.
    pub id: HostId,
    /// Processors that this process may use.
    pub cpus: u32,
    /// Memory that this process may use, MiB.
    pub memory_mib: u64,
}

/// Why a launch is not known to have succeeded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// Certain: the worker was not started. The same order may be tried again.
    #[error("worker {worker} was not started: {reason}")]
    NotStarted {
        /// Which.
        worker: WorkerId,
        /// Why.
        reason: String,
    },
    /// Certain: the worker was not started, and the same order will never succeed here.
    #[error("worker {worker} cannot be started here: {reason}")]
    Refused {
        /// Which.
        worker: WorkerId,
        /// Why.
        reason: String,
    },
    /// The worker may live or may not: look for it, or launch again (which does nothing if it was started).
    #[error("it is unknown whether worker {worker} was started: {reason}")]
    Unknown {
        /// Which.
        worker: WorkerId,
        /// Why.
        reason: String,
    },
}

/// What went wrong when a substrate was asked to look, kill or forget.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubstrateError {
    /// The substrate does not answer; what was asked may or may not have been done.
    #[error("the substrate does not answer: {0}")]
    Unreachable(String),
    /// A folder or file of the substrate cannot be used.
    #[error("{0}")]
    Storage(String),
    /// The worker lives: it can be killed, not forgotten.
    #[error("worker {0} is alive and cannot be forgotten")]
    Alive(WorkerId),
    /// Processes of the worker still run although they were killed (stuck in the kernel, or another user's).
    #[error("processes {pids:?} of worker {worker} do not die")]
    Unkillable {
        /// Which.
        worker: WorkerId,
        /// Process ids that are left.
        pids: Vec<u32>,
    },
}
