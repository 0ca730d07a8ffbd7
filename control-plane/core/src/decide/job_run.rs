//! Commands about job runs.

use super::{Draft, progress};
use crate::admission;
use crate::application::ApplicationState;
use crate::event::Event;
use crate::id::{HostId, JobRunId};
use crate::job_run::{JobRunState, NewRun, Stop, StopCause};
use crate::refusal::Refusal;
use crate::time::SECOND;
use std::sync::Arc;

/// Grace of a job that the service ends together with itself, milliseconds.
const ABANDON_GRACE: i64 = 5 * SECOND;

/// A repeat of the same request brings about nothing: the caller finds the run by its token.
pub(super) fn start(draft: &mut Draft, run: &Arc<NewRun>, looked_at: u64) -> Result<(), Refusal> {
    use ApplicationState::{Created, Started, Starting, Stopped, Stopping};
    if let Some(known) = draft.app.tokens.get(&*run.token).and_then(|id| draft.app.runs.get(id)) {
        return if known.request.content == run.content { Ok(()) } else { Err(Refusal::TokenConflict) };
    }
    if draft.app.removals != looked_at {
        return Err(Refusal::LookAgain);
    }
    let auto_start = draft.app.settings.as_ref().is_some_and(|settings| settings.auto_start);
    match draft.app.state {
        Started | Starting => {}
        // A run that comes while it stops starts it again.
        Created | Stopping | Stopped if auto_start => {}
        state => return Err(Refusal::NotStarted(state)),
    }
    let at = draft.now;
    draft.emit(Event::JobRunSubmitted { run: run.clone(), at });
    if matches!(draft.app.state, Created | Stopped) {
        start_application(draft);
    }
    Ok(())
}

pub(super) fn start_application(draft: &mut Draft) {
    progress::move_application(draft, ApplicationState::Starting, "Started by a job run.");
}

/// Cancelling a run that is being cancelled or has ended changes nothing. Only a job that runs has use of a grace.
pub(super) fn cancel(draft: &mut Draft, id: &JobRunId, grace: i64) -> Result<(), Refusal> {
    let runs = draft.app.runs.get(id).is_some_and(|run| run.state == JobRunState::Running);
    stop(draft, id, StopCause::Cancelled, if runs { grace } else { 0 })
}

pub(super) fn fail(draft: &mut Draft, id: &JobRunId, details: &str) -> Result<(), Refusal> {
    stop(draft, id, StopCause::Failed(progress::cut(details)), 0)
}

fn stop(draft: &mut Draft, id: &JobRunId, cause: StopCause, grace: i64) -> Result<(), Refusal> {
    let Some(run) = draft.app.runs.get(id) else { return Err(Refusal::NoRun(id.clone())) };
    if run.state.is_terminal() || run.outcome.is_some() || run.stop.is_some() {
        return Ok(());
    }
    let stop = Stop { cause, since: draft.now, grace };
    draft.emit(Event::JobRunStopping { run: id.clone(), stop });
    progress::advance(draft, id);
    Ok(())
}

/// Fails every run that has a live worker on `host`.
pub(super) fn abandon(draft: &mut Draft, host: &HostId, details: &str) -> Result<(), Refusal> {
    let here = draft.app.workers.values().filter(|worker| worker.is_live() && worker.host == *host);
    let runs: std::collections::BTreeSet<JobRunId> = here.map(|worker| worker.run.clone()).collect();
    for run in runs {
        stop(draft, &run, StopCause::Failed(progress::cut(details)), ABANDON_GRACE)?;
    }
    Ok(())
}

pub(super) fn archived(draft: &mut Draft, runs: &[JobRunId]) -> Result<(), Refusal> {
    for id in runs {
        if draft.app.runs.get(id).is_some_and(|run| run.state.is_terminal()) {
            draft.emit(Event::JobRunArchived { run: id.clone() });
        }
    }
    Ok(())
}

/// Concludes a waiting run that can never be admitted.
pub(super) fn fail_if_it_never_fits(draft: &mut Draft, id: &JobRunId) -> bool {
    let Some(run) = draft.app.runs.get(id) else { return false };
    if !admission::never_fits(&draft.app, &run.request.needs) {
        return false;
    }
    let text = "Job failed as application has exceeded maximumCapacity settings.";
    fail(draft, id, text).is_ok()
}
