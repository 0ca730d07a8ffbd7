//! 0: when faults stop, the world heals: every run becomes terminal and is archived, and no worker is left.

use super::ensure;
use crate::truth::{Known, Step};

pub(super) fn check(known: &Known, step: &Step<'_>) -> Result<(), String> {
    if !matches!(step, Step::Healed) {
        return Ok(());
    }
    for (app, told) in &known.told {
        let left = told.app.runs.iter().next().map(|(id, run)| (id, run.state));
        ensure(left.is_none(), || format!("{app}: {left:?} is still in the state"))?;
        let worker = told.admitted.keys().find(|worker| known.is_alive(worker));
        ensure(worker.is_none(), || format!("{app}: {worker:?} still lives"))?;
    }
    Ok(())
}
