//! One application as this control plane holds it: its journal, and what it knows beside the state.

use crate::history::remembered::Remembered;
use crate::history::segments::Segments;
use crate::ledger::ApplicationLedger;
use crate::reasons::Reasons;
use crate::tokens::Tokens;
use firesteel_core::application::Application;
use firesteel_core::command::Command;
use firesteel_core::event::Event;
use firesteel_core::id::{ApplicationId, JobRunId, WorkerId};
use firesteel_core::job_run::JobRun;
use firesteel_core::plan::Waits;
use firesteel_core::refusal::Refusal;
use firesteel_core::time::{HOUR, Millis};
use firesteel_journal::{Accepted, Journal, ReadError, Snapshot, SubmitError};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::time::Instant;

/// A runner is not sent to its own host's control plane more often: perhaps it cannot reach it.
const SENT_HOME: Duration = Duration::from_secs(60);

/// What a command's submission can end in.
pub type Submitted = Result<Accepted<Event>, SubmitError<Refusal>>;

/// One application.
pub struct Home {
    /// Its id.
    pub id: ApplicationId,
    /// Its journal.
    pub journal: Journal<ApplicationLedger>,
    /// Tokens of archived runs.
    pub tokens: Arc<Tokens>,
    /// Segments of history that were read lately.
    pub segments: Arc<Segments>,
    /// Wakes the tick.
    pub wake: Notify,
    /// Commands that may admit go one after the other: each looks at what the one before it left.
    pub admitting: AsyncMutex<()>,
    beside: Mutex<Beside>,
}

/// What is known beside the committed state; all of it can be lost.
#[derive(Default)]
struct Beside {
    reasons: Reasons,
    remembered: Remembered,
    launches: BTreeMap<String, Value>,
    under_way: BTreeSet<String>,
    surplus_since: Option<Instant>,
    sent_home: BTreeMap<WorkerId, Instant>,
    swept: Option<Millis>,
}

impl Home {
    /// A home around an open journal.
    pub fn new(
        id: ApplicationId,
        journal: Journal<ApplicationLedger>,
        tokens: Arc<Tokens>,
        segments: Arc<Segments>,
    ) -> Self {
        Self {
            id,
            journal,
            tokens,
            segments,
            wake: Notify::new(),
            admitting: AsyncMutex::default(),
            beside: Mutex::default(),
        }
    }

    /// Commits a command and wakes the tick if anything changed.
    pub async fn submit(&self, command: Command) -> Submitted {
        let accepted = self.journal.submit(command).await?;
        if !accepted.events.is_empty() {
            self.wake.notify_one();
        }
        Ok(accepted)
    }

    /// The state as this process knows it.
    pub fn state(&self) -> Arc<Snapshot<ApplicationLedger>> {
        self.journal.state()
    }

    /// A state at least as new as this call.
    pub async fn fresh(&self) -> Result<Arc<Snapshot<ApplicationLedger>>, ReadError> {
        self.journal.fresh().await
    }

    /// Why runs are not further.
    pub fn reasons(&self) -> Reasons {
        self.beside().reasons.clone()
    }

    /// Notes the reasons of the last tick.
    pub fn note_waits(&self, waits: Waits) {
        self.beside().reasons.note_waits(waits);
    }

    /// Notes what keeps a run's driver from its job, or that nothing does.
    pub fn note_hindered(&self, run: &JobRunId, why: Option<String>) {
        let state = self.state();
        self.beside().reasons.note_hindered(application(&state), run, why);
    }

    /// Keeps a run that is leaving the state, or was read from history.
    pub fn remember(&self, run: Arc<JobRun>) {
        self.beside().remembered.insert(run);
    }

    /// An archived run that is still remembered.
    pub fn remembered(&self, id: &JobRunId) -> Option<Arc<JobRun>> {
        self.beside().remembered.get(id)
    }

    /// Keeps what an executor is to be started with; `key` names attempt and hash.
    pub fn note_launch(&self, key: String, launch: Value) {
        self.beside().launches.insert(key, launch);
    }

    /// What an executor is to be started with, if this process knows it.
    pub fn launch(&self, key: &str) -> Option<Value> {
        self.beside().launches.get(key).cloned()
    }

    /// Forgets the launches whose key begins so.
    pub fn forget_launches(&self, prefix: &str) {
        self.beside().launches.retain(|key, _| !key.starts_with(prefix));
    }

    /// Notes whether it holds more than it uses.
    pub fn note_surplus(&self, has_surplus: bool) {
        let mut beside = self.beside();
        let since = beside.surplus_since.filter(|_| has_surplus);
        beside.surplus_since = since.or_else(|| has_surplus.then(Instant::now));
    }

    /// Since when it holds more than it uses.
    pub fn surplus_since(&self) -> Option<Instant> {
        self.beside().surplus_since
    }

    /// For how long it has held more than it uses.
    pub fn surplus_for(&self) -> Duration {
        self.surplus_since().map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// True if this worker's runner was not sent to its own host's control plane within the last minute; now it is.
    pub fn sends_home(&self, worker: &WorkerId) -> bool {
        let mut beside = self.beside();
        beside.sent_home.retain(|_, sent| sent.elapsed() < SENT_HOME);
        let is_new = !beside.sent_home.contains_key(worker);
        if is_new {
            beside.sent_home.insert(worker.clone(), Instant::now());
        }
        is_new
    }

    /// True if `task` was not under way; it is now, until `finished`.
    pub fn begin(&self, task: &str) -> bool {
        self.beside().under_way.insert(task.to_owned())
    }

    /// The task is over.
    pub fn finished(&self, task: &str) {
        self.beside().under_way.remove(task);
        self.wake.notify_one();
    }

    /// True once an hour, first an hour after the first question.
    pub fn is_time_to_sweep(&self, now: Millis) -> bool {
        let mut beside = self.beside();
        let due = now.since(*beside.swept.get_or_insert(now)) >= HOUR;
        if due {
            beside.swept = Some(now);
        }
        due
    }

    fn beside(&self) -> std::sync::MutexGuard<'_, Beside> {
        self.beside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The committed application in a snapshot.
pub fn application(snapshot: &Snapshot<ApplicationLedger>) -> &Application {
    &snapshot.state.0
}
