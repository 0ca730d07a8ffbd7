//! A job run: what was asked, how far it is, how it ended.

use crate::bill::Bill;
use crate::id::{JobRunId, WorkerId};
use crate::release::ReleaseLabel;
use crate::size::Size;
use crate::time::{MINUTE, Millis};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

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

    /// True if the API's graph has an arrow from here to `next` (user guide, "job states").
    pub fn may_become(self, next: Self) -> bool {
        use JobRunState::*;
        let ends = matches!(next, Failed | Cancelling);
        match self {
            Submitted => ends || matches!(next, Queued | Pending),
            Queued => ends || next == Pending,
            Pending => ends || next == Scheduled,
            Scheduled => ends || next == Running,
            Running => ends || next == Success,
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
}

/// What a caller has asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewRun {
    /// Id, minted outside.
    pub id: JobRunId,
    /// The caller's idempotency token.
    pub token: String,
    /// Hash of the request's content, without the token: tells a repeat from a conflict.
    pub content: String,
    /// Name, if any.
    pub name: Option<String>,
    /// ARN of the caller.
    pub created_by: String,
    /// ARN of the execution role.
    pub execution_role: String,
    /// `BATCH` or `STREAMING`.
    pub mode: String,
    /// Milliseconds after its start; none for no limit.
    pub timeout: Option<i64>,
    /// The label of the application at submission.
    pub release: ReleaseLabel,
    /// What it needs.
    pub needs: Needs,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// The rest of the request (job driver, overrides, …) or where it is stored; opaque to the rules.
    pub body: Value,
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
    pub request: NewRun,
    /// Where it stands.
    pub state: JobRunState,
    /// Why, in words.
    pub state_details: String,
    /// Acceptance.
    pub created: Millis,
    /// Last change.
    pub updated: Millis,
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
    /// The attempt that counts.
    pub fn attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// When the driver's process first started.
    pub fn started(&self) -> Option<Millis> {
        self.attempts.iter().find_map(|attempt| attempt.started)
    }

    /// When the run must be stopped: `timeout` after its driver was admitted.
    pub fn deadline(&self) -> Option<Millis> {
        let begun = self.attempts.first()?.created;
        self.request.timeout.map(|timeout| begun.plus(timeout))
    }

    /// True if it is waiting for its driver to be admitted.
    pub fn wants_driver(&self) -> bool {
        self.attempts.is_empty() && self.stop.is_none() && self.outcome.is_none() && !self.state.is_terminal()
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
