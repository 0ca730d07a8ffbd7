//! A job run: what was asked, how far it is, how it ended.

use crate::bill::Bill;
use crate::id::{JobRunId, WorkerId};
use crate::opaque::Opaque;
use crate::release::ReleaseLabel;
use crate::size::Size;
use crate::time::{MINUTE, Millis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A run ends after so long unless it says otherwise (EMR: 720 minutes).
pub const DEFAULT_TIMEOUT: i64 = 720 * MINUTE;

/// States of a job run, as the API names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobRunState {
    /// Accepted and durable.
    Submitted,
    /// Held back by the application's concurrency limit.
    Queued,
    /// The scheduler looks for room.
    Pending,
    /// Its driver is admitted.
    Scheduled,
    /// Its driver's process runs.
    Running,
    /// Ended well.
    Success,
    /// Ended badly.
    Failed,
    /// Being cancelled.
    Cancelling,
    /// Cancelled.
    Cancelled,
}

impl JobRunState {
    /// Success, Failed and Cancelled are final.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Cancelled)
    }

    /// True if the API's graph has an arrow from here to `next` (user guide, "job states" and "job resiliency").
    pub fn may_become(self, next: Self) -> bool {
        use JobRunState::*;
        let ends = matches!(next, Failed | Cancelling);
        match self {
            Submitted => ends || matches!(next, Queued | Pending),
            Queued => ends || next == Pending,
            Pending => ends || next == Scheduled,
            // Back to PENDING: the attempt failed and another one follows.
            Scheduled => ends || matches!(next, Running | Pending),
            Running => ends || matches!(next, Success | Pending),
            Cancelling => matches!(next, Cancelled | Failed),
            Success | Failed | Cancelled => false,
        }
    }

    /// The API's word.
    pub fn as_str(self) -> &'static str {
        use JobRunState::*;
        match self {
            Submitted => "SUBMITTED",
            Queued => "QUEUED",
            Pending => "PENDING",
            Scheduled => "SCHEDULED",
            Running => "RUNNING",
            Success => "SUCCESS",
            Failed => "FAILED",
            Cancelling => "CANCELLING",
            Cancelled => "CANCELLED",
        }
    }
}

/// What a run needs, as read from its parameters at submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// The driver's worker.
    pub driver: Size,
    /// Heap asked for the driver, MiB.
    pub driver_heap_mib: u64,
    /// One executor of the default profile.
    pub executor: Size,
    /// Heap asked for an executor, MiB.
    pub executor_heap_mib: u64,
    /// False only if the run can never want an executor.
    pub wants_executors: bool,
    /// Whose disks are shuffle-optimised.
    #[serde(default, skip_serializing_if = "ShuffleDisks::are_none")]
    pub shuffle_disks: ShuffleDisks,
}

/// Which workers of a run have shuffle-optimised disks: these are billed differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShuffleDisks {
    /// The driver.
    pub driver: bool,
    /// Its executors.
    pub executors: bool,
}

impl ShuffleDisks {
    fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// How often a run is tried (user guide, "job resiliency").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// At most so many attempts: batch runs.
    Attempts(u32),
    /// Without end, until so many attempts have failed within an hour: streaming runs.
    FailuresPerHour(u32),
}

impl Default for Retry {
    fn default() -> Self {
        Self::Attempts(1)
    }
}

impl Retry {
    /// True if there may be a second attempt some day: each attempt's logs then have a folder of their own.
    pub fn names_attempts(self) -> bool {
        self != Self::Attempts(1)
    }
}

/// What a caller has asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewRun {
    /// Id, minted outside.
    pub id: JobRunId,
    /// The caller's idempotency token.
    pub token: Arc<str>,
    /// Hash of the request's content, without the token: tells a repeat from a conflict.
    pub content: Arc<str>,
    /// Name, if any.
    pub name: Option<Arc<str>>,
    /// ARN of the caller.
    pub created_by: Arc<str>,
    /// ARN of the execution role.
    pub execution_role: Arc<str>,
    /// `BATCH` or `STREAMING`.
    pub mode: Arc<str>,
    /// Milliseconds after its start; none for no limit.
    pub timeout: Option<i64>,
    /// How often it is tried.
    #[serde(default)]
    pub retry: Retry,
    /// `flexExecution.enabled`: shown in every form of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flex: Option<bool>,
    /// The label of the application at submission.
    pub release: ReleaseLabel,
    /// What it needs.
    pub needs: Needs,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// The rest of the request (job driver, overrides, …) or where it is stored; opaque to the rules.
    pub body: Opaque,
}

impl NewRun {
    /// Takes from another request what both say alike, so that it is in memory once: most runs of an application are
    /// started by the same caller with the same role, and many with the same job.
    pub(crate) fn share(&mut self, other: &Self) {
        fn same<T: PartialEq + Clone>(mine: &mut T, theirs: &T) {
            if mine == theirs {
                mine.clone_from(theirs);
            }
        }
        same(&mut self.name, &other.name);
        same(&mut self.created_by, &other.created_by);
        same(&mut self.execution_role, &other.execution_role);
        same(&mut self.mode, &other.mode);
        same(&mut self.release, &other.release);
        same(&mut self.body, &other.body);
    }
}

/// Why a run is being stopped before its own end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopCause {
    /// CancelJobRun.
    Cancelled,
    /// `executionTimeoutMinutes` is over.
    TimedOut,
    /// The service must end it: the run fails with this text.
    Failed(String),
}

/// A stop under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Why.
    pub cause: StopCause,
    /// Since when.
    pub since: Millis,
    /// Milliseconds that the job has to end by itself.
    pub grace: i64,
}

/// One try of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// Rises over all attempts of the application: a stale attempt cannot speak.
    pub fence: u64,
    /// Its driver.
    pub driver: WorkerId,
    /// When its driver was admitted.
    pub created: Millis,
    /// When its driver's process started.
    pub started: Option<Millis>,
    /// When its driver ended.
    pub ended: Option<Millis>,
    /// The last executors' set that was decided on.
    pub wanted_version: u64,
    /// The last log folder given to an executor.
    pub last_ordinal: u32,
    /// How it failed, if another one is to follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// How a run has ended, before all its workers have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Success, Failed or Cancelled.
    pub state: JobRunState,
    /// `stateDetails`, at most 256 characters.
    pub details: String,
}

/// A job run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRun {
    /// What was asked.
    pub request: Arc<NewRun>,
    /// Where it stands.
    pub state: JobRunState,
    /// Why, in words.
    pub state_details: String,
    /// Acceptance.
    pub created: Millis,
    /// Last change.
    pub updated: Millis,
    /// When it came into QUEUED, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<Millis>,
    /// When it left QUEUED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dequeued: Option<Millis>,
    /// Tries, oldest first.
    pub attempts: Vec<Attempt>,
    /// Set while it is being stopped.
    pub stop: Option<Stop>,
    /// Set when its end is known and its workers are still ending.
    pub outcome: Option<Outcome>,
    /// Terminal since.
    pub ended: Option<Millis>,
    /// What its forgotten workers have used so far; whole once terminal.
    pub bill: Bill,
    /// True if a worker's logs could not be brought to S3 whole.
    pub logs_incomplete: bool,
}

impl JobRun {
    /// True if another attempt may follow the one that is under way.
    pub fn may_be_tried_again(&self) -> bool {
        let is_last = match self.request.retry {
            Retry::Attempts(most) => self.attempts.len() as u32 >= most,
            Retry::FailuresPerHour(_) => false,
        };
        self.stop.is_none() && self.outcome.is_none() && !is_last
    }

    /// The newest attempt, which may be over.
    pub fn attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// The attempt under way: none before the first and none between two.
    pub fn current(&self) -> Option<&Attempt> {
        self.attempts.last().filter(|attempt| attempt.outcome.is_none())
    }

    /// Number of the attempt under way, or of the one that is to come.
    pub fn attempt_number(&self) -> u32 {
        self.current().map_or(self.attempts.len() as u32 + 1, |attempt| attempt.number)
    }

    /// When an attempt came about: the first with the run, a later one with the end of the one before.
    pub fn attempt_created(&self, number: u32) -> Millis {
        let before = self.attempts.iter().find(|attempt| attempt.number.saturating_add(1) == number);
        before.and_then(|attempt| attempt.ended).unwrap_or(self.created)
    }

    /// When the driver's process first started.
    pub fn started(&self) -> Option<Millis> {
        self.attempts.iter().find_map(|attempt| attempt.started)
    }

    /// When the run must be stopped: `timeout` after its first driver was admitted, whatever attempt it is at.
    pub fn deadline(&self) -> Option<Millis> {
        let begun = self.attempts.first()?.created;
        self.request.timeout.map(|timeout| begun.plus(timeout))
    }

    /// Milliseconds in QUEUED, once it has left it.
    pub fn queued_for(&self) -> Option<i64> {
        Some(self.dequeued?.since(self.queued?))
    }

    /// True if it waits for a driver to be admitted: its first, or that of its next attempt.
    pub fn wants_driver(&self) -> bool {
        self.current().is_none() && self.stop.is_none() && self.outcome.is_none() && !self.state.is_terminal()
    }
}

#[cfg(test)]
mod tests {
    use super::JobRunState::*;
    use super::*;

    const ALL: [JobRunState; 9] =
        [Submitted, Queued, Pending, Scheduled, Running, Success, Failed, Cancelling, Cancelled];

    #[test]
    fn terminal_states_are_final() {
        for state in ALL.into_iter().filter(|state| state.is_terminal()) {
            assert!(ALL.iter().all(|next| !state.may_become(*next)), "{state:?}");
        }
    }

    #[test]
    fn success_is_reached_from_running_only() {
        for state in ALL {
            assert_eq!(state.may_become(Success), state == Running, "{state:?}");
        }
    }

    #[test]
    fn every_live_state_can_end() {
        for state in ALL.into_iter().filter(|state| !state.is_terminal()) {
            assert!(ALL.iter().any(|next| next.is_terminal() && state.may_become(*next)), "{state:?}");
        }
    }
}
