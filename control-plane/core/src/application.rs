//! An application: its settings, its state, its runs and workers. One value, one consistency domain.

use crate::history::History;
use crate::id::{ApplicationId, JobRunId, WorkerId};
use crate::job_run::JobRun;
use crate::quota::Held;
use crate::release::ReleaseLabel;
use crate::runs::Runs;
use crate::size::Size;
use crate::time::{MINUTE, Millis};
use crate::worker::Worker;
use imbl::OrdMap;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// Idle time after which an application stops by itself, unless it says otherwise (EMR: 15 minutes).
pub const DEFAULT_AUTO_STOP: i64 = 15 * MINUTE;

/// Minutes that a run may be QUEUED, unless the application says otherwise (service model).
pub const DEFAULT_QUEUE_TIMEOUT: i64 = 360;
/// Runs that go at once, unless the application says otherwise (service model).
pub const DEFAULT_CONCURRENT_RUNS: i64 = 15;

/// States of an application, as the API names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApplicationState {
    /// Being prepared.
    #[default]
    Creating,
    /// Exists, holds nothing.
    Created,
    /// Getting ready for runs.
    Starting,
    /// Takes runs.
    Started,
    /// Letting go.
    Stopping,
    /// Holds nothing, may be started again.
    Stopped,
    /// Deleted: nothing is accepted any more.
    Terminated,
}

impl ApplicationState {
    /// True if the API's graph has an arrow from here to `next` (user guide, "application states"). From CREATED to
    /// STOPPING is ours: orchestrators stop what they delete, started or not.
    pub fn may_become(self, next: Self) -> bool {
        use ApplicationState::*;
        matches!(
            (self, next),
            (Creating, Created)
                | (Created, Stopping)
                | (Created | Stopped, Starting | Terminated)
                | (Starting, Started | Stopping)
                | (Started, Stopping)
                | (Stopping, Stopped)
        )
    }

    /// The API's word.
    pub fn as_str(self) -> &'static str {
        use ApplicationState::*;
        match self {
            Creating => "CREATING",
            Created => "CREATED",
            Starting => "STARTING",
            Started => "STARTED",
            Stopping => "STOPPING",
            Stopped => "STOPPED",
            Terminated => "TERMINATED",
        }
    }
}

/// `maximumCapacity`: an upper bound over all workers of all runs. No disk means no bound on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// vCPU.
    pub cpu: u32,
    /// GB.
    pub memory: u32,
    /// GB.
    pub disk: Option<u32>,
}

impl Capacity {
    /// As a size; an absent disk bound is as large as can be.
    pub fn as_size(self) -> Size {
        Size { cpu: self.cpu, memory: self.memory, disk: self.disk.unwrap_or(u32::MAX) }
    }
}

/// What its owner has said about an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Release label.
    pub release: ReleaseLabel,
    /// Upper bound of capacity.
    pub maximum_capacity: Option<Capacity>,
    /// Started by a job run.
    pub auto_start: bool,
    /// Stopped after so many idle milliseconds.
    pub auto_stop: Option<i64>,
    /// Members as the wire normalised them, by their name in the API. Of these the rules read the scheduler's alone.
    pub echo: Map<String, Value>,
}

/// How many runs go at once, and how long the others wait (user guide, "concurrency and queuing").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduler {
    /// Runs at once.
    pub concurrent_runs: usize,
    /// Milliseconds that a run may be QUEUED.
    pub queue_timeout: i64,
}

impl Settings {
    /// The scheduler's settings; none if runs are not held back.
    pub fn scheduler(&self) -> Option<Scheduler> {
        let given = self.echo.get("schedulerConfiguration")?;
        let member = |name: &str| given.get(name).and_then(Value::as_i64);
        let concurrent_runs = member("maxConcurrentRuns").and_then(|runs| usize::try_from(runs).ok())?;
        let minutes = member("queueTimeoutMinutes").unwrap_or(DEFAULT_QUEUE_TIMEOUT);
        Some(Scheduler { concurrent_runs, queue_timeout: minutes.saturating_mul(MINUTE) })
    }
}

/// A changed copy of some settings; `None` leaves a member as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Patch {
    /// Release label.
    pub release: Option<ReleaseLabel>,
    /// Upper bound of capacity.
    pub maximum_capacity: Option<Capacity>,
    /// Auto-start.
    pub auto_start: Option<bool>,
    /// Auto-stop: `Some(None)` switches it off, and is stored as null; `None` is stored as nothing.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub auto_stop: Option<Option<i64>>,
    /// Echoed members; `Null` removes one.
    pub echo: Map<String, Value>,
}

/// A member that is there, even if it is null.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<i64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Who and what an application is; never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Id.
    pub id: ApplicationId,
    /// Name, if it has one.
    pub name: Option<String>,
    /// Architecture, as the API writes it.
    pub architecture: String,
    /// Creation time.
    pub created: Millis,
}

/// An application and everything in it: the fold of its journal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// None until its first event.
    pub identity: Option<Identity>,
    /// None until its first event.
    pub settings: Option<Arc<Settings>>,
    /// Where it stands.
    pub state: ApplicationState,
    /// Why, in words; may be empty.
    pub state_details: String,
    /// Last change visible in the API.
    pub updated: Millis,
    /// Tags of the application.
    pub tags: BTreeMap<String, String>,
    /// Runs that are not archived.
    pub runs: Runs,
    /// Client token → run, of the runs above.
    pub tokens: OrdMap<Arc<str>, JobRunId>,
    /// Workers that are not forgotten.
    pub workers: OrdMap<WorkerId, Arc<Worker>>,
    /// Fence of the youngest attempt.
    pub last_fence: u64,
    /// What it holds of the installation's quota and of the hosts' heap.
    #[serde(default)]
    pub grant: Held,
    /// Since when nothing is active, while started.
    pub idle_since: Option<Millis>,
    /// How many runs have left the state: a StartJobRun that did not see this number must look for its token again.
    pub removals: u64,
    /// Settled runs that have left.
    #[serde(default)]
    pub history: History,
    /// As `history.retagged`, from before there was that.
    pub archived_tags: OrdMap<JobRunId, BTreeMap<String, String>>,
}

impl Application {
    /// The run, if it is in the state.
    pub fn run(&self, id: &JobRunId) -> Option<&Arc<JobRun>> {
        self.runs.get(id)
    }

    /// Workers of a run: their names begin with its id.
    pub fn workers_of<'a>(
        &'a self,
        run: &'a JobRunId,
    ) -> impl Iterator<Item = (&'a WorkerId, &'a Arc<Worker>)> {
        self.workers.range(WorkerId::all_of(run)).filter(move |(_, worker)| worker.run == *run)
    }

    /// True if any worker of the run has not ended.
    pub fn has_live_workers(&self, run: &JobRunId) -> bool {
        self.workers_of(run).any(|(_, worker)| worker.is_live())
    }

    /// The first run that may have a driver now, room provided: no worker of an earlier attempt of it is left.
    pub fn next_for_a_driver(&self, after: Option<&JobRunId>) -> Option<&JobRunId> {
        let later = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        self.runs.pending().range::<_, JobRunId>(later).find(|id| !self.has_live_workers(id))
    }

    /// Tags of the application or of a run, if the state says them: those of an archived run stand in history until
    /// they are changed.
    pub fn tags_of(&self, run: Option<&JobRunId>) -> Option<&BTreeMap<String, String>> {
        let Some(id) = run else { return Some(&self.tags) };
        self.runs
            .get(id)
            .map(|run| &run.request.tags)
            .or_else(|| self.history.retagged.get(id).map(|retagged| &retagged.tags))
            .or_else(|| self.archived_tags.get(id))
    }

    /// True if any run is not terminal.
    pub fn has_active_runs(&self) -> bool {
        self.runs.active() > 0
    }

    /// True if the application may still change anything.
    pub fn is_alive(&self) -> bool {
        self.identity.is_some() && self.state != ApplicationState::Terminated
    }
}

#[cfg(test)]
mod tests {
    use super::ApplicationState::*;
    use super::*;

    const ALL: [ApplicationState; 7] = [Creating, Created, Starting, Started, Stopping, Stopped, Terminated];

    #[test]
    fn terminated_is_final_and_nothing_returns_to_creating() {
        for state in ALL {
            assert!(!Terminated.may_become(state));
            assert!(!state.may_become(Creating));
            assert!(!state.may_become(state));
        }
    }

    #[test]
    fn the_graph_has_exactly_ten_arrows() {
        let arrows =
            ALL.iter().flat_map(|a| ALL.iter().map(move |b| a.may_become(*b))).filter(|b| *b).count();
        assert_eq!(arrows, 10);
    }

    #[test]
    fn a_patch_that_switches_auto_stop_off_survives_the_journal() {
        for auto_stop in [None, Some(None), Some(Some(60_000))] {
            let patch = Patch { auto_stop, ..Patch::default() };
            let text = serde_json::to_string(&patch).expect("JSON");
            assert_eq!(serde_json::from_str::<Patch>(&text).ok(), Some(patch), "{text}");
        }
    }

    #[test]
    fn the_words_are_the_apis() {
        for state in ALL {
            assert_eq!(serde_json::to_value(state).ok(), Some(Value::from(state.as_str())));
        }
    }
}
