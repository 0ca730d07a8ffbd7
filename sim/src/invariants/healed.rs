//! 0: when faults stop, the world heals: every run becomes terminal and is archived, no worker is left, and
//! applications can be deleted.

use super::ensure;
use crate::truth::{Known, Step};
use firesteel_core::application::ApplicationState;

pub(super) fn check(known: &Known, step: &Step<'_>) -> Result<(), String> {
    if !matches!(step, Step::Healed) {
        return Ok(());
    }
    for (app, told) in &known.told {
        let left = told.app.runs.iter().next().map(|(id, run)| (id, run.state));
        ensure(left.is_none(), || format!("{app}: {left:?} is still in the state"))?;
        ensure(told.app.state == ApplicationState::Terminated, || format!("{app} is {:?}", told.app.state))?;
        let worker = told.admitted.keys().find(|worker| known.is_alive(worker));
        ensure(worker.is_none(), || format!("{app}: {worker:?} still lives"))?;
    }
    Ok(())
}
