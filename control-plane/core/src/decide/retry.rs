//! Whether a failed attempt is followed by another one (user guide, "job resiliency").

use crate::exit::ExitCode;
use crate::job_run::{JobRun, Outcome, Retry};
use crate::time::{HOUR, Millis};

/// What follows from an attempt that failed.
pub(super) enum Next {
    /// Another attempt.
    Attempt,
    /// The run's end.
    End(Outcome),
}

/// The next step after the newest attempt ended with `code` and `outcome`; the attempt's end is in the state.
pub(super) fn next(run: &JobRun, code: ExitCode, outcome: Outcome, now: Millis) -> Next {
    if code == ExitCode::SUCCESS || would_fail_again(code) {
        return Next::End(outcome);
    }
    match run.request.retry {
        Retry::Attempts(most) if (run.attempts.len() as u32) < most => Next::Attempt,
        Retry::Attempts(_) => Next::End(outcome),
        Retry::FailuresPerHour(most) => {
            let failed = failed_within_an_hour(run, now);
            if failed < most as usize { Next::Attempt } else { Next::End(too_often(failed, outcome)) }
        }
    }
}

/// What another attempt cannot change: the service itself refuses the run.
fn would_fail_again(code: ExitCode) -> bool {
    matches!(code, ExitCode::BAD_PARAMETERS | ExitCode::RUNTIME | ExitCode::LOGS_REFUSED)
}

/// Attempts that are over and did not end more than an hour ago, the newest one included.
fn failed_within_an_hour(run: &JobRun, now: Millis) -> usize {
    run.attempts.iter().filter_map(|attempt| attempt.ended).filter(|ended| now.since(*ended) < HOUR).count()
}

fn too_often(failed: usize, last: Outcome) -> Outcome {
    if failed <= 1 {
        return last;
    }
    let details = format!("{failed} attempts failed within an hour. {}", last.details);
    Outcome { details: super::progress::cut(&details), ..last }
}
