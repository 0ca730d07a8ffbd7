//! One look at the world: time has passed, a runtime may be ready, there may be room. Whatever waits stands on a list
//! (`Runs`), so that a tick costs what it changes, however many runs wait.

use super::{Draft, job_run, progress};
use crate::admission::{self, Of};
use crate::application::ApplicationState;
use crate::command::{Room, Runtime, Tick};
use crate::event::Event;
use crate::id::{JobRunId, WorkerId};
use crate::job_run::JobRunState;
use crate::quota;
use crate::refusal::Refusal;
use crate::time::MINUTE;
use crate::worker::Role;

/// Runs that one tick moves or fails at most: an entry has a size bound.
const MOST_MOVES: usize = 1_000;
/// Runs that are QUEUED at most (user guide, "quotas"); later ones stay SUBMITTED.
pub(crate) const MOST_QUEUED: usize = 2_000;

pub(super) fn tick(draft: &mut Draft, seen: &Tick) -> Result<(), Refusal> {
    let settled = quota::settle(&draft.app, &seen.room);
    settled.into_iter().for_each(|event| draft.emit(event));
    move_application(draft, &seen.runtime);
    let begun: Vec<JobRunId> = draft.app.runs.begun().iter().cloned().collect();
    for run in &begun {
        progress::advance(draft, run);
    }
    expire_queued(draft);
    if draft.app.state == ApplicationState::Started {
        schedule(draft);
        match &seen.runtime {
            Runtime::Ready => admit_drivers(draft, &seen.room),
            Runtime::Preparing(_) => {}
            Runtime::Impossible(reason) => fail_waiting(draft, reason),
        }
    }
    note_idleness(draft);
    finish_stopping(draft);
    start_again(draft);
    let given_back = quota::give_back(&draft.app, &seen.room);
    given_back.into_iter().for_each(|event| draft.emit(event));
    Ok(())
}

fn move_application(draft: &mut Draft, runtime: &Runtime) {
    match (draft.app.state, runtime) {
        (ApplicationState::Creating, _) => progress::move_application(draft, ApplicationState::Created, ""),
        (ApplicationState::Starting, Runtime::Ready) => {
            progress::move_application(draft, ApplicationState::Started, "");
        }
        (ApplicationState::Starting, Runtime::Impossible(reason)) => refuse_to_start(draft, reason),
        _ => {}
    }
}

/// The release cannot run here: its runs say why, and when none waits any more the application stops again.
fn refuse_to_start(draft: &mut Draft, reason: &str) {
    fail_waiting(draft, reason);
    if !draft.app.runs.any_waits() {
        progress::move_application(draft, ApplicationState::Stopping, reason);
    }
}

fn fail_waiting(draft: &mut Draft, reason: &str) {
    let runs = &draft.app.runs;
    let waiting = runs.pending().iter().chain(runs.queued()).chain(runs.submitted());
    let waiting: Vec<JobRunId> = waiting.take(MOST_MOVES).cloned().collect();
    for run in waiting {
        // The run is in the state: it was read from there.
        let _ = job_run::fail(draft, &run, reason);
    }
}

/// A run that nobody asked to cancel and that has never begun has failed.
fn expire_queued(draft: &mut Draft) {
    let Some(scheduler) = draft.app.settings.as_ref().and_then(|settings| settings.scheduler()) else {
        return;
    };
    let now = draft.now;
    let overdue = |id: &&JobRunId| {
        let since = draft.app.runs.get(*id).and_then(|run| run.queued);
        since.is_some_and(|since| now.since(since) >= scheduler.queue_timeout)
    };
    let overdue: Vec<JobRunId> =
        draft.app.runs.queued().iter().take_while(overdue).take(MOST_MOVES).cloned().collect();
    let minutes = scheduler.queue_timeout / MINUTE;
    let reason =
        format!("Job run failed as it was QUEUED for {minutes} minutes, the application's queue timeout.");
    for run in overdue {
        // As above.
        let _ = job_run::fail(draft, &run, &reason);
    }
}

/// First in, first out: what the concurrency leaves goes to those that are QUEUED, then to those that were SUBMITTED;
/// of the rest as many are QUEUED as may be.
fn schedule(draft: &mut Draft) {
    let scheduler = draft.app.settings.as_ref().and_then(|settings| settings.scheduler());
    let most = scheduler.map_or(usize::MAX, |scheduler| scheduler.concurrent_runs);
    let runs = &draft.app.runs;
    let free = most.saturating_sub(runs.concurrent()).min(MOST_MOVES);
    let going: Vec<JobRunId> = runs.queued().iter().chain(runs.submitted()).take(free).cloned().collect();
    for run in &going {
        progress::move_run(draft, run, JobRunState::Pending, "The JobRun is pending scheduling.");
    }
    let runs = &draft.app.runs;
    if runs.concurrent() < most {
        return;
    }
    let places = MOST_QUEUED.saturating_sub(runs.queued().len()).min(MOST_MOVES);
    let held: Vec<JobRunId> = runs.submitted().iter().take(places).cloned().collect();
    for run in &held {
        progress::move_run(draft, run, JobRunState::Queued, "The JobRun is queued.");
    }
}

/// First come, first served: a run that finds no room makes the later ones wait.
fn admit_drivers(draft: &mut Draft, room: &Room) {
    let mut last = None;
    while let Some(id) = draft.app.next_for_a_driver(last.as_ref()).cloned() {
        if !job_run::fail_if_it_never_fits(draft, &id) {
            let Some(run) = draft.app.runs.get(&id) else { return };
            let Ok(grant) = admission::driver(&draft.app, &run.request.needs, room) else { return };
            admit_driver(draft, &id, grant, room);
        }
        last = Some(id);
    }
}

fn admit_driver(draft: &mut Draft, run: &JobRunId, grant: admission::Grant, room: &Room) {
    let attempt = draft.app.runs.get(run).map_or(1, |run| run.attempt_number());
    let attempt_of = Of { run: run.clone(), attempt, fence: draft.app.last_fence + 1 };
    let worker = grant.worker(attempt_of, Role::Driver, room, draft.now);
    let id = WorkerId::driver(run, attempt);
    draft.emit(Event::WorkerAdmitted { id, worker: Box::new(worker), wanted_version: 0 });
    let text = "The job has been scheduled and is acquiring resources to run.";
    progress::move_run(draft, run, JobRunState::Scheduled, text);
}

fn note_idleness(draft: &mut Draft) {
    if draft.app.state != ApplicationState::Started {
        return;
    }
    match (draft.app.has_active_runs(), draft.app.idle_since) {
        (true, Some(_)) => draft.emit(Event::IdleChanged { since: None }),
        (false, None) => draft.emit(Event::IdleChanged { since: Some(draft.now) }),
        _ => {}
    }
    let limit = draft.app.settings.as_ref().and_then(|settings| settings.auto_stop);
    if let (Some(since), Some(limit)) = (draft.app.idle_since, limit)
        && draft.now.since(since) >= limit
    {
        progress::move_application(draft, ApplicationState::Stopping, "Stopped as it was idle.");
    }
}

fn finish_stopping(draft: &mut Draft) {
    if draft.app.state != ApplicationState::Stopping {
        return;
    }
    if draft.app.workers.values().all(|worker| !worker.is_live()) {
        let details = draft.app.state_details.clone();
        progress::move_application(draft, ApplicationState::Stopped, &details);
    }
}

/// Runs came while it stopped.
fn start_again(draft: &mut Draft) {
    let auto_start = draft.app.settings.as_ref().is_some_and(|settings| settings.auto_start);
    if draft.app.state == ApplicationState::Stopped && auto_start && draft.app.has_active_runs() {
        job_run::start_application(draft);
    }
}
