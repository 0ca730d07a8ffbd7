//! What was decided. Events are facts: they carry everything that `apply` needs and nothing that it must look up.

use crate::application::{ApplicationState, Identity, Patch, Settings};
use crate::history::Head;
use crate::id::{JobRunId, WorkerId};
use crate::job_run::{JobRunState, NewRun, Outcome, Stop};
use crate::quota::Amounts;
use crate::time::Millis;
use crate::worker::{Ended, Greeted, Release, Worker};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One fact in an application's journal. The names are stored: never rename one, add new ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first event of every application.
    ApplicationCreated {
        /// Who.
        identity: Identity,
        /// What.
        settings: Settings,
        /// Tags.
        tags: BTreeMap<String, String>,
    },
    /// Settings changed.
    ApplicationUpdated {
        /// What changed.
        patch: Patch,
        /// When.
        at: Millis,
    },
    /// The application moved along its graph.
    ApplicationMoved {
        /// To.
        state: ApplicationState,
        /// Why.
        details: String,
        /// When.
        at: Millis,
    },
    /// Nothing is active since then, or something is again.
    IdleChanged {
        /// Since when.
        since: Option<Millis>,
    },
    /// Tags of the application or of a run were replaced.
    Tagged {
        /// The run; none for the application.
        run: Option<JobRunId>,
        /// All its tags now.
        tags: BTreeMap<String, String>,
    },
    /// A run was accepted.
    JobRunSubmitted {
        /// What was asked.
        run: Arc<NewRun>,
        /// When.
        at: Millis,
    },
    /// A run moved along its graph (not to a terminal state).
    JobRunMoved {
        /// Which.
        run: JobRunId,
        /// To.
        state: JobRunState,
        /// Why.
        details: String,
        /// When.
        at: Millis,
    },
    /// A run is being stopped.
    JobRunStopping {
        /// Which.
        run: JobRunId,
        /// Why and how.
        stop: Stop,
    },
    /// The newest attempt of a run failed and another one is to follow: the run is PENDING again.
    AttemptFailed {
        /// Which.
        run: JobRunId,
        /// How the attempt ended.
        outcome: Outcome,
        /// The run's `stateDetails` until its next driver is admitted.
        details: String,
        /// When.
        at: Millis,
    },
    /// A run's end is known; its workers are still ending.
    JobRunConcluded {
        /// Which.
        run: JobRunId,
        /// Its end.
        outcome: Outcome,
    },
    /// A run reached its terminal state: all its workers have ended and the bill is whole.
    JobRunEnded {
        /// Which.
        run: JobRunId,
        /// Success, Failed or Cancelled.
        state: JobRunState,
        /// `stateDetails`.
        details: String,
        /// When.
        at: Millis,
    },
    /// A run is archived and leaves the state.
    JobRunArchived {
        /// Which.
        run: JobRunId,
    },
    /// Settled runs, or segments of them, now lie in a segment.
    HistoryPacked {
        /// The segment.
        head: Box<Head>,
        /// Ids of the runs, or names of the segments.
        names: Vec<String>,
    },
    /// Changed tags of archived runs now lie in objects of their own.
    TagsMoved {
        /// Which runs, and the version of their tags.
        runs: Vec<(JobRunId, u64)>,
    },
    /// A worker was admitted.
    WorkerAdmitted {
        /// Its id.
        id: WorkerId,
        /// The worker.
        worker: Box<Worker>,
        /// The set of wanted executors that called for it; 0 for a driver.
        wanted_version: u64,
    },
    /// A process is now that worker.
    WorkerGreeted {
        /// Which.
        id: WorkerId,
        /// Its process.
        greeted: Greeted,
    },
    /// A worker's job has started.
    WorkerStarted {
        /// Which.
        id: WorkerId,
        /// When.
        at: Millis,
    },
    /// A worker is to end.
    WorkerReleased {
        /// Which.
        id: WorkerId,
        /// How.
        release: Release,
    },
    /// A worker ended.
    WorkerEnded {
        /// Which.
        id: WorkerId,
        /// How.
        ended: Ended,
    },
    /// Ended workers leave the state, their use stays on the bill: Spark has deleted the pods of these executors, or the
    /// attempt that they belong to is over.
    WorkersForgotten {
        /// Which.
        ids: Vec<WorkerId>,
        /// The set of wanted executors that no longer had them: an older one must not ask for them again.
        wanted_version: u64,
    },
    /// The application has taken what the registry grants it.
    GrantTaken {
        /// All that it holds now.
        amounts: Amounts,
        /// The registry's version of it.
        version: u64,
    },
    /// The application gives back what it does not use.
    GrantLowered {
        /// What it keeps.
        amounts: Amounts,
        /// No version up to this one is taken any more.
        seen: u64,
    },
    /// A worker was given credentials that end then.
    CredentialsGranted {
        /// Which.
        id: WorkerId,
        /// Expiry.
        until: Millis,
    },
}
