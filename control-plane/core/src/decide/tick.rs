//! One look at the world: time has passed, a runtime may be ready, there may be room.

use super::{Draft, job_run, progress};
use crate::admission::{self, Of};
use crate::application::ApplicationState;
use crate::command::{Room, Runtime, Tick};
use crate::event::Event;
use crate::id::{JobRunId, WorkerId};
use crate::job_run::JobRunState;
use crate::refusal::Refusal;
use crate::worker::Role;
use std::ops::Bound;

/// Runs that one tick moves from SUBMITTED to PENDING at most: an entry has a size bound.
const MOST_MOVES: usize = 1_000;

pub(super) fn tick(draft: &mut Draft, seen: &Tick) -> Result<(), Refusal> {
    move_application(draft, &seen.runtime);
    let begun: Vec<JobRunId> = draft
        .app
        .runs
        .iter()
        .filter(|(_, run)| !run.state.is_terminal() && !run.wants_driver())
        .map(|(id, _)| id.clone())
        .collect();
    for run in &begun {
        progress::advance(draft, run);
    }
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

/// The release cannot run here: the application stops again and its runs say why.
fn refuse_to_start(draft: &mut Draft, reason: &str) {
    fail_waiting(draft, reason);
    progress::move_application(draft, ApplicationState::Stopping, reason);
}

fn fail_waiting(draft: &mut Draft, reason: &str) {
    let waiting: Vec<JobRunId> =
        draft.app.runs.iter().filter(|(_, run)| run.wants_driver()).map(|(id, _)| id.clone()).collect();
    for run in waiting {
        // The run is in the state: it was read from there.
        let _ = job_run::fail(draft, &run, reason);
    }
}

fn schedule(draft: &mut Draft) {
    let submitted: Vec<JobRunId> = draft
        .app
        .runs
        .iter()
        .filter(|(_, run)| run.state == JobRunState::Submitted && run.stop.is_none())
        .map(|(id, _)| id.clone())
        .take(MOST_MOVES)
        .collect();
    for run in submitted {
        progress::move_run(draft, &run, JobRunState::Pending, "The JobRun is pending scheduling.");
    }
}

/// First come, first served: a run that finds no room makes the later ones wait.
fn admit_drivers(draft: &mut Draft, room: &Room) {
    let mut last = None;
    while let Some(id) = next_waiting(draft, last.as_ref()) {
        if !job_run::fail_if_it_never_fits(draft, &id) {
            let Some(run) = draft.app.runs.get(&id) else { return };
            let Ok(grant) = admission::driver(&draft.app, &run.request.needs, room) else { return };
            admit_driver(draft, &id, grant, room);
        }
        last = Some(id);
    }
}

/// The oldest run after `last` that waits for its driver.
fn next_waiting(draft: &Draft, last: Option<&JobRunId>) -> Option<JobRunId> {
    let later = (last.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
    let mut runs = draft.app.runs.range::<_, JobRunId>(later);
    runs.find(|(_, run)| run.state == JobRunState::Pending && run.wants_driver()).map(|(id, _)| id.clone())
}

fn admit_driver(draft: &mut Draft, run: &JobRunId, grant: admission::Grant, room: &Room) {
    let attempt = draft.app.runs.get(run).map_or(1, |run| run.attempts.len() as u32 + 1);
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
    let idle = draft.app.workers.values().all(|worker| !worker.is_live());
    if draft.app.state == ApplicationState::Stopping && idle {
        let details = draft.app.state_details.clone();
        progress::move_application(draft, ApplicationState::Stopped, &details);
    }
}
