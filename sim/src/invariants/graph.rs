//! 2: states move only along the legal graph; a terminal state is final, in the log and in what callers see. Commit
//! times never run backwards.

use super::ensure;
use crate::truth::{Known, Step};
use firesteel_core::application::{Application, ApplicationState};

const TERMINAL: [&str; 3] = ["SUCCESS", "FAILED", "CANCELLED"];

pub(super) fn check(known: &Known, step: &Step<'_>) -> Result<(), String> {
    match step {
        Step::Stored { app, seq, at, last } => {
            ensure(*at >= last.1, || format!("{app}: entry {seq} of {at} follows one of {}", last.1))?;
            let state = known.told.get(*app).map(|told| told.app.state);
            ensure(state != Some(ApplicationState::Terminated), || {
                format!("{app}: entry {seq} after its last")
            })
        }
        Step::Folded { app, before, .. } => match known.told.get(*app) {
            Some(told) => moves(before, &told.app),
            None => Ok(()),
        },
        Step::Shown { run, state, before: Some(before) } => {
            let was_final = TERMINAL.contains(&before.as_str());
            ensure(!was_final || *state == Some(before), || {
                format!("{run} was shown {before} and is now {state:?}")
            })
        }
        _ => Ok(()),
    }
}

fn moves(before: &Application, after: &Application) -> Result<(), String> {
    if before.state != after.state {
        ensure(before.state.may_become(after.state), || {
            format!("the application went from {:?} to {:?}", before.state, after.state)
        })?;
    }
    for (id, run) in &before.runs {
        let Some(now) = after.runs.get(id) else {
            ensure(run.state.is_terminal(), || format!("{id} left the state while {:?}", run.state))?;
            continue;
        };
        ensure(run.state == now.state || run.state.may_become(now.state), || {
            format!("{id} went from {:?} to {:?}", run.state, now.state)
        })?;
    }
    Ok(())
}
