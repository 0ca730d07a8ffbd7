//! Folds an event into the state. Total: an event about something that is not there changes nothing.

use crate::application::{Application, ApplicationState, Patch, Settings};
use crate::event::Event;
use crate::id::{JobRunId, WorkerId};
use crate::job_run::{Attempt, JobRun, JobRunState, NewRun, StopCause};
use crate::quota::Held;
use crate::time::Millis;
use crate::worker::{Ended, Role, Worker};
use serde_json::Value;
use std::sync::Arc;

impl Application {
    /// Folds one event in.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::ApplicationCreated { identity, settings, tags } => {
                self.updated = identity.created;
                self.identity = Some(identity.clone());
                self.settings = Some(Arc::new(settings.clone()));
                self.tags = tags.clone();
            }
            Event::ApplicationUpdated { patch, at } => {
                self.settings.iter_mut().for_each(|settings| Arc::make_mut(settings).take(patch));
                self.updated = *at;
            }
            Event::ApplicationMoved { state, details, at } => self.moved(*state, details, *at),
            Event::IdleChanged { since } => self.idle_since = *since,
            Event::Tagged { run, tags } => self.tag(run.as_ref(), tags),
            Event::JobRunArchived { run } => self.archived(run),
            Event::HistoryPacked { head, names } => self.history.packed(head, names),
            Event::TagsMoved { runs } => {
                self.history.tags_moved(runs);
                runs.iter().for_each(|(run, _)| drop(self.archived_tags.remove(run)));
            }
            Event::WorkersForgotten { ids, wanted_version } => self.forget(ids, *wanted_version),
            Event::GrantTaken { amounts, version: seen } | Event::GrantLowered { amounts, seen } => {
                self.grant = Held { amounts: amounts.clone(), seen: *seen };
            }
            _ => self.apply_to_run(event),
        }
    }

    fn apply_to_run(&mut self, event: &Event) {
        match event {
            Event::JobRunSubmitted { run, at } => self.submitted(run, *at),
            Event::JobRunMoved { run, state, details, at } => {
                self.with_run(run, |run| to_state(run, *state, details, *at));
            }
            Event::JobRunStopping { run, stop } => self.with_run(run, |run| {
                if !matches!(stop.cause, StopCause::Failed(_)) {
                    to_state(run, JobRunState::Cancelling, "", stop.since);
                }
                run.updated = stop.since;
                run.stop = Some(stop.clone());
            }),
            Event::AttemptFailed { run, outcome, details, at } => self.with_run(run, |run| {
                run.attempts.last_mut().into_iter().for_each(|last| last.outcome = Some(outcome.clone()));
                to_state(run, JobRunState::Pending, details, *at);
            }),
            Event::JobRunConcluded { run, outcome } => {
                self.with_run(run, |run| run.outcome = Some(outcome.clone()));
            }
            Event::JobRunEnded { run, state, details, at } => {
                self.settle(run);
                self.with_run(run, |run| {
                    to_state(run, *state, details, *at);
                    run.ended = Some(*at);
                });
            }
            _ => self.apply_to_worker(event),
        }
    }

    fn apply_to_worker(&mut self, event: &Event) {
        match event {
            Event::WorkerAdmitted { id, worker, wanted_version } => {
                self.admitted(id, worker, *wanted_version)
            }
            Event::WorkerGreeted { id, greeted } => {
                self.with_worker(id, |worker| worker.greeted = Some(greeted.clone()));
            }
            Event::WorkerStarted { id, at } => {
                self.with_worker(id, |worker| worker.started = Some(*at));
                self.with_attempt_of(id, |attempt| attempt.started = attempt.started.or(Some(*at)));
            }
            Event::WorkerReleased { id, release } => {
                self.with_worker(id, |worker| worker.released = Some(release.clone()));
            }
            Event::WorkerEnded { id, ended } => self.ended(id, ended),
            Event::CredentialsGranted { id, until } => {
                // Two control planes may commit what they gave in another order than they gave it.
                self.with_worker(id, |worker| {
                    worker.credentials_until = worker.credentials_until.max(Some(*until));
                });
            }
            _ => {}
        }
    }

    fn moved(&mut self, state: ApplicationState, details: &str, at: Millis) {
        self.state = state;
        self.state_details = details.to_owned();
        self.updated = at;
        self.idle_since = None;
    }

    fn tag(&mut self, run: Option<&JobRunId>, tags: &std::collections::BTreeMap<String, String>) {
        match run {
            None => self.tags = tags.clone(),
            Some(id) => {
                // The history object of a run that has ended may be on its way with the old tags.
                if self.runs.get(id).is_none_or(|run| run.state.is_terminal()) {
                    self.history.retag(id, tags);
                }
                self.with_run(id, |run| Arc::make_mut(&mut run.request).tags = tags.clone());
            }
        }
    }

    fn submitted(&mut self, request: &NewRun, at: Millis) {
        let mut request = request.clone();
        if let Some((_, youngest)) = self.runs.get_max() {
            request.share(&youngest.request);
        }
        let id = request.id.clone();
        self.tokens.insert(request.token.clone(), id.clone());
        self.idle_since = None;
        let run = JobRun {
            request: Arc::new(request),
            state: JobRunState::Submitted,
            state_details: JobRunState::Submitted.as_str().to_owned(),
            created: at,
            updated: at,
            queued: None,
            dequeued: None,
            attempts: Vec::new(),
            stop: None,
            outcome: None,
            ended: None,
            bill: Default::default(),
            logs_incomplete: false,
        };
        self.runs.insert(id, run);
    }

    fn admitted(&mut self, id: &WorkerId, worker: &Worker, wanted_version: u64) {
        self.last_fence = self.last_fence.max(worker.fence);
        self.with_run(&worker.run, |run| match &worker.role {
            Role::Driver => run.attempts.push(Attempt {
                number: worker.attempt,
                fence: worker.fence,
                driver: id.clone(),
                created: worker.admitted,
                started: None,
                ended: None,
                wanted_version: 0,
                last_ordinal: 0,
                outcome: None,
            }),
            Role::Executor { ordinal, .. } => run.attempts.iter_mut().for_each(|attempt| {
                if attempt.number == worker.attempt {
                    attempt.last_ordinal = attempt.last_ordinal.max(*ordinal);
                    attempt.wanted_version = attempt.wanted_version.max(wanted_version);
                }
            }),
        });
        self.workers.insert(id.clone(), Arc::new(worker.clone()));
    }

    fn ended(&mut self, id: &WorkerId, ended: &Ended) {
        self.with_worker(id, |worker| worker.ended = Some(ended.clone()));
        let Some(worker) = self.workers.get(id).cloned() else { return };
        self.with_run(&worker.run, |run| run.logs_incomplete |= !ended.exit.logs_complete);
        if worker.is_driver() {
            self.with_attempt_of(id, |attempt| attempt.ended = Some(ended.at));
        }
    }

    /// Takes ended executors out of the state; their use goes on the run's bill.
    fn forget(&mut self, ids: &[WorkerId], wanted_version: u64) {
        for id in ids {
            let Some(worker) = self.workers.remove(id) else { continue };
            self.with_run(&worker.run, |run| {
                add_to_bill(run, &worker);
                let attempts = run.attempts.iter_mut().filter(|attempt| attempt.number == worker.attempt);
                attempts
                    .for_each(|attempt| attempt.wanted_version = attempt.wanted_version.max(wanted_version));
            });
        }
    }

    /// Puts all that is left of a run's workers on its bill and takes them out of the state.
    fn settle(&mut self, run: &JobRunId) {
        let ids: Vec<WorkerId> = self.workers_of(run).map(|(id, _)| id.clone()).collect();
        self.forget(&ids, 0);
    }

    fn archived(&mut self, id: &JobRunId) {
        if let Some(run) = self.runs.remove(id) {
            self.tokens.remove(&*run.request.token);
            self.history.settled(&run);
            self.removals += 1;
        }
    }

    fn with_run(&mut self, id: &JobRunId, change: impl FnOnce(&mut JobRun)) {
        self.runs.change(id, change);
    }

    fn with_worker(&mut self, id: &WorkerId, change: impl FnOnce(&mut Worker)) {
        if let Some(worker) = self.workers.get_mut(id) {
            change(Arc::make_mut(worker));
        }
    }

    fn with_attempt_of(&mut self, driver: &WorkerId, change: impl FnOnce(&mut Attempt)) {
        let Some(run) = self.workers.get(driver).map(|worker| worker.run.clone()) else { return };
        self.with_run(&run, |run| {
            run.attempts
                .iter_mut()
                .filter(|attempt| attempt.driver == *driver)
                .take(1)
                .for_each(change_once(change));
        });
    }
}

fn change_once<T>(change: impl FnOnce(&mut T)) -> impl FnMut(&mut T) {
    let mut change = Some(change);
    move |value| {
        if let Some(change) = change.take() {
            change(value);
        }
    }
}

fn to_state(run: &mut JobRun, state: JobRunState, details: &str, at: Millis) {
    if state == JobRunState::Queued {
        run.queued = Some(at);
    } else if run.state == JobRunState::Queued {
        run.dequeued = Some(at);
    }
    run.state = state;
    run.state_details = details.to_owned();
    run.updated = at;
}

fn add_to_bill(run: &mut JobRun, worker: &Worker) {
    if let (Some(greeted), Some(ended)) = (&worker.greeted, &worker.ended) {
        let disks = run.request.needs.shuffle_disks;
        let is_shuffle_disk = if worker.is_driver() { disks.driver } else { disks.executors };
        run.bill.add(worker.size, is_shuffle_disk, greeted.at, ended.at);
    }
}

impl Settings {
    /// Takes over what a patch changes.
    pub fn take(&mut self, patch: &Patch) {
        self.release = patch.release.clone().unwrap_or_else(|| self.release.clone());
        self.maximum_capacity = patch.maximum_capacity.or(self.maximum_capacity);
        self.auto_start = patch.auto_start.unwrap_or(self.auto_start);
        self.auto_stop = patch.auto_stop.unwrap_or(self.auto_stop);
        for (name, value) in &patch.echo {
            match value {
                Value::Null => self.echo.remove(name),
                value => self.echo.insert(name.clone(), value.clone()),
            };
        }
    }
}
