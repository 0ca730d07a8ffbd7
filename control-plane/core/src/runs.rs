//! An application's runs: by id, and by what a tick has to do with them, so that no decision ever passes over all of
//! them. This room knows which list a run stands on, not what follows from it.

use crate::id::JobRunId;
use crate::job_run::{JobRun, JobRunState, NewRun};
use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};
use std::ops::Deref;
use std::sync::Arc;

type ById = OrdMap<JobRunId, Arc<JobRun>>;

/// Runs that are not archived. Reads like the map from id to run; the lists follow every change and are not stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "ById", into = "ById")]
pub struct Runs {
    by_id: ById,
    submitted: OrdSet<JobRunId>,
    queued: OrdSet<JobRunId>,
    pending: OrdSet<JobRunId>,
    begun: OrdSet<JobRunId>,
    settled: OrdSet<JobRunId>,
}

impl Deref for Runs {
    type Target = ById;

    fn deref(&self) -> &ById {
        &self.by_id
    }
}

impl<'a> IntoIterator for &'a Runs {
    type Item = <&'a ById as IntoIterator>::Item;
    type IntoIter = <&'a ById as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        (&self.by_id).into_iter()
    }
}

impl From<ById> for Runs {
    fn from(by_id: ById) -> Self {
        let mut runs = Self::default();
        let mut before: Option<Arc<NewRun>> = None;
        for (id, mut run) in by_id {
            if let Some(before) = &before {
                Arc::make_mut(&mut Arc::make_mut(&mut run).request).share(before);
            }
            before = Some(run.request.clone());
            runs.note(&id, Some(&run));
            runs.by_id.insert(id, run);
        }
        runs
    }
}

impl From<Runs> for ById {
    fn from(runs: Runs) -> Self {
        runs.by_id
    }
}

impl Runs {
    /// Runs in SUBMITTED, oldest first.
    pub fn submitted(&self) -> &OrdSet<JobRunId> {
        &self.submitted
    }

    /// Runs in QUEUED, oldest first.
    pub fn queued(&self) -> &OrdSet<JobRunId> {
        &self.queued
    }

    /// Runs in PENDING that want a driver, oldest first.
    pub fn pending(&self) -> &OrdSet<JobRunId> {
        &self.pending
    }

    /// Runs that are not terminal and have had a driver or an order to stop: time and workers move them on.
    pub fn begun(&self) -> &OrdSet<JobRunId> {
        &self.begun
    }

    /// Terminal runs.
    pub fn settled(&self) -> &OrdSet<JobRunId> {
        &self.settled
    }

    /// How many are not terminal.
    pub fn active(&self) -> usize {
        self.by_id.len() - self.settled.len()
    }

    /// How many count against the application's concurrency: neither terminal nor before it.
    pub fn concurrent(&self) -> usize {
        self.active() - self.submitted.len() - self.queued.len()
    }

    /// True if any run waits for a driver.
    pub fn any_waits(&self) -> bool {
        !(self.submitted.is_empty() && self.queued.is_empty() && self.pending.is_empty())
    }

    /// Takes a run in.
    pub(crate) fn insert(&mut self, id: JobRunId, run: JobRun) {
        self.note(&id, Some(&run));
        self.by_id.insert(id, Arc::new(run));
    }

    /// Changes a run; one that is not there changes nothing.
    pub(crate) fn change(&mut self, id: &JobRunId, change: impl FnOnce(&mut JobRun)) {
        let Some(run) = self.by_id.get_mut(id) else { return };
        let before = lists_of(run);
        change(Arc::make_mut(run));
        if before != lists_of(run) {
            let run = run.clone();
            self.note(id, Some(&run));
        }
    }

    /// Takes a run out.
    pub(crate) fn remove(&mut self, id: &JobRunId) -> Option<Arc<JobRun>> {
        self.note(id, None);
        self.by_id.remove(id)
    }

    fn note(&mut self, id: &JobRunId, run: Option<&JobRun>) {
        let places = run.map(lists_of).unwrap_or_default();
        let lists =
            [&mut self.submitted, &mut self.queued, &mut self.pending, &mut self.begun, &mut self.settled];
        for (list, stands) in lists.into_iter().zip(places) {
            match (stands, list.contains(id)) {
                (true, false) => drop(list.insert(id.clone())),
                (false, true) => drop(list.remove(id)),
                _ => {}
            }
        }
    }
}

/// On which lists a run stands: submitted, queued, pending, begun, settled.
fn lists_of(run: &JobRun) -> [bool; 5] {
    let waits = |state: JobRunState| run.state == state && run.wants_driver();
    let over = run.state.is_terminal();
    let touched = !run.attempts.is_empty() || run.stop.is_some() || run.outcome.is_some();
    [
        waits(JobRunState::Submitted),
        waits(JobRunState::Queued),
        waits(JobRunState::Pending),
        !over && touched,
        over,
    ]
}
