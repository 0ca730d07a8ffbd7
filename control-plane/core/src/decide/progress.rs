//! What follows from the state alone: stops become releases, ends become outcomes, outcomes become terminal states.

use super::Draft;
use super::retry::{self, Next};
use crate::application::ApplicationState;
use crate::event::Event;
use crate::exit::{Exit, ExitCode};
use crate::id::{JobRunId, WorkerId};
use crate::job_run::{JobRunState, Outcome, Stop, StopCause};
use crate::time::SECOND;
use crate::worker::{Ended, Release};

/// Longest `stateDetails`, characters (service model).
const LONGEST_DETAILS: usize = 256;
/// Grace of executors whose driver has ended, milliseconds.
const ORPHAN_GRACE: i64 = 10 * SECOND;

/// Cuts a text to what `stateDetails` can hold, with dots where it was cut.
pub(super) fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST_DETAILS {
        return text.to_owned();
    }
    let kept: String = text.chars().take(LONGEST_DETAILS - 3).collect();
    kept + "..."
}

pub(super) fn move_application(draft: &mut Draft, state: ApplicationState, details: &str) {
    if draft.app.state.may_become(state) {
        let (details, at) = (cut(details), draft.now);
        draft.emit(Event::ApplicationMoved { state, details, at });
    }
}

pub(super) fn move_run(draft: &mut Draft, id: &JobRunId, state: JobRunState, details: &str) {
    if draft.app.runs.get(id).is_some_and(|run| run.state.may_become(state)) {
        let (run, details, at) = (id.clone(), cut(details), draft.now);
        draft.emit(Event::JobRunMoved { run, state, details, at });
    }
}

/// Tells a worker to end. One that has not said hello ends with that: its runner will be refused.
pub(super) fn release(draft: &mut Draft, id: &WorkerId, decommission: bool, grace: i64, reason: &str) {
    let Some(worker) = draft.app.workers.get(id) else { return };
    if !worker.is_live() || worker.released.is_some() {
        return;
    }
    let never_greeted = worker.greeted.is_none();
    let release = Release { at: draft.now, decommission, grace, reason: reason.to_owned() };
    draft.emit(Event::WorkerReleased { id: id.clone(), release });
    if never_greeted {
        let exit = Exit {
            code: ExitCode::STOPPED,
            summary: reason.to_owned(),
            started: None,
            ended: draft.now,
            logs_complete: true,
        };
        let ended = Ended { exit, at: draft.now };
        draft.emit(Event::WorkerEnded { id: id.clone(), ended });
    }
}

/// Brings one run as far as its state allows.
pub(super) fn advance(draft: &mut Draft, id: &JobRunId) {
    stop_if_overdue(draft, id);
    release_if_stopping(draft, id);
    conclude_if_over(draft, id);
    release_if_over(draft, id);
    forget_if_between_attempts(draft, id);
    end_if_settled(draft, id);
}

fn stop_if_overdue(draft: &mut Draft, id: &JobRunId) {
    let Some(run) = draft.app.runs.get(id) else { return };
    let overdue = run.deadline().is_some_and(|deadline| draft.now >= deadline);
    if overdue && !run.state.is_terminal() && run.stop.is_none() && run.outcome.is_none() {
        let stop = Stop { cause: StopCause::TimedOut, since: draft.now, grace: 0 };
        draft.emit(Event::JobRunStopping { run: id.clone(), stop });
    }
}

/// A stop goes to the driver; executors follow when it has ended.
fn release_if_stopping(draft: &mut Draft, id: &JobRunId) {
    let Some(run) = draft.app.runs.get(id).cloned() else { return };
    let (Some(stop), None) = (&run.stop, &run.outcome) else { return };
    if let Some(attempt) = run.current() {
        release(draft, &attempt.driver, false, stop.grace, reason_of(&stop.cause));
    }
}

fn reason_of(cause: &StopCause) -> &str {
    match cause {
        StopCause::Cancelled => "the job run was cancelled",
        StopCause::TimedOut => "the job run's time is over",
        StopCause::Failed(text) => text,
    }
}

/// The end of an attempt is known when its driver has ended; the run's with it, unless another attempt is to follow, or
/// when it is stopped while it has no driver.
fn conclude_if_over(draft: &mut Draft, id: &JobRunId) {
    let Some(run) = draft.app.runs.get(id).cloned() else { return };
    if run.outcome.is_some() || run.state.is_terminal() {
        return;
    }
    let current = run.current();
    let driver_end = current.and_then(|attempt| draft.app.workers.get(&attempt.driver)?.ended.clone());
    let outcome = match (&run.stop, driver_end, current) {
        (Some(stop), _, None) | (Some(stop), Some(_), Some(_)) => outcome_of_stop(&stop.cause),
        (None, Some(ended), Some(_)) => {
            let outcome = outcome_of_exit(&ended.exit);
            match retry::next(&run, ended.exit.code, outcome.clone(), draft.now) {
                Next::End(outcome) => outcome,
                Next::Attempt => return fail_attempt(draft, id, run.attempt_number(), outcome),
            }
        }
        _ => return,
    };
    if outcome.state == JobRunState::Success && run.state == JobRunState::Scheduled {
        move_run(draft, id, JobRunState::Running, "");
    }
    draft.emit(Event::JobRunConcluded { run: id.clone(), outcome });
}

fn fail_attempt(draft: &mut Draft, run: &JobRunId, number: u32, outcome: Outcome) {
    let details =
        cut(&format!("Attempt {number} failed, attempt {} follows. {}", number + 1, outcome.details));
    draft.emit(Event::AttemptFailed { run: run.clone(), outcome, details, at: draft.now });
}

fn outcome_of_stop(cause: &StopCause) -> Outcome {
    let (state, details) = match cause {
        StopCause::Cancelled => (JobRunState::Cancelled, String::new()),
        StopCause::TimedOut => {
            (JobRunState::Cancelled, "Job run was cancelled as its execution timeout is over.".to_owned())
        }
        StopCause::Failed(text) => (JobRunState::Failed, cut(text)),
    };
    Outcome { state, details }
}

/// EMR's texts (facts page §2.1).
fn outcome_of_exit(exit: &Exit) -> Outcome {
    if exit.code == ExitCode::SUCCESS {
        return Outcome { state: JobRunState::Success, details: String::new() };
    }
    let details = if exit.code.is_the_jobs() {
        let summary = match exit.summary.as_str() {
            "" if exit.code == ExitCode::OUT_OF_MEMORY => {
                "Worker has been killed as memory usage exceeded configured memory size, consider increasing memory size..."
            }
            summary => summary,
        };
        format!(
            "Job failed, please check complete logs in configured logging destination. ExitCode: {}. Last few exceptions: {summary}",
            exit.code.0
        )
    } else {
        exit.summary.clone()
    };
    Outcome { state: JobRunState::Failed, details: cut(&details) }
}

/// What is left of an attempt that is over is told to end.
fn release_if_over(draft: &mut Draft, id: &JobRunId) {
    if draft.app.runs.get(id).is_none_or(|run| run.outcome.is_none() && run.current().is_some()) {
        return;
    }
    let live: Vec<WorkerId> =
        draft.app.workers_of(id).filter(|(_, worker)| worker.is_live()).map(|(id, _)| id.clone()).collect();
    for worker in live {
        release(draft, &worker, false, ORPHAN_GRACE, "the driver has ended");
    }
}

/// The workers of an attempt that is over leave the state when all have ended; only then may the next one begin.
fn forget_if_between_attempts(draft: &mut Draft, id: &JobRunId) {
    let between = draft.app.runs.get(id).is_some_and(|run| run.wants_driver());
    if !between || draft.app.has_live_workers(id) {
        return;
    }
    let ids: Vec<WorkerId> = draft.app.workers_of(id).map(|(id, _)| id.clone()).collect();
    if !ids.is_empty() {
        draft.emit(Event::WorkersForgotten { ids, wanted_version: 0 });
    }
}

/// Terminal only when every worker has ended: the logs are then complete and the bill is whole.
fn end_if_settled(draft: &mut Draft, id: &JobRunId) {
    let Some(run) = draft.app.runs.get(id).cloned() else { return };
    let Some(outcome) = &run.outcome else { return };
    if run.state.is_terminal() || draft.app.has_live_workers(id) {
        return;
    }
    let details = match (run.logs_incomplete, outcome.details.as_str()) {
        (false, details) => details.to_owned(),
        (true, "") => "The logs are incomplete: see the end of the log.".to_owned(),
        (true, details) => cut(&format!("{details} (logs incomplete)")),
    };
    let (run, state, at) = (id.clone(), outcome.state, draft.now);
    draft.emit(Event::JobRunEnded { run, state, details, at });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_cut_with_dots() {
        assert_eq!(cut("short"), "short");
        let long = cut(&"é".repeat(300));
        assert_eq!(long.chars().count(), LONGEST_DETAILS);
        assert!(long.ends_with("..."));
    }
}
