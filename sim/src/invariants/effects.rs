//! 5: no effect runs before the state that calls for it is committed.

use super::ensure;
use crate::truth::{Known, Step};
use firesteel_core::id::{JobRunId, WorkerId};
use firesteel_journal::keys;

pub(super) fn check(known: &Known, step: &Step<'_>) -> Result<(), String> {
    match step {
        Step::Launched { worker, .. } => {
            ensure(known.told_of(worker).is_some(), || format!("{worker} is launched and not admitted"))
        }
        Step::Killed { worker } => killed(known, worker),
        Step::Archiving { key } => match keys::history_of(key) {
            Some((_, run)) => archiving(known, &JobRunId::new(run)),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// A live worker is killed only if it is to end, has ended, or is unknown.
fn killed(known: &Known, id: &WorkerId) -> Result<(), String> {
    let mut told = known.told.values().filter_map(|told| told.app.workers.get(id));
    let wanted = told.any(|worker| worker.is_live() && worker.released.is_none());
    ensure(!wanted, || format!("{id} is killed while it is wanted"))
}

fn archiving(known: &Known, id: &JobRunId) -> Result<(), String> {
    let mut told = known.told.values();
    let settled = told.any(|told| match told.app.runs.get(id) {
        Some(run) => run.state.is_terminal(),
        None => told.archived.contains(id),
    });
    ensure(settled, || format!("{id} is archived and not settled"))
}
