//! 3: at most one live attempt per run; a worker's job starts once, and only after the hello of the very process that
//! starts it is committed; a worker that has said hello is never started again; an end is committed only of a worker
//! whose job is over.

use super::ensure;
use crate::truth::{Known, Step};
use firesteel_core::event::Event;
use firesteel_core::id::{ApplicationId, JobRunId, Mark, WorkerId};
use firesteel_core::worker::Worker;

pub(super) fn check(known: &Known, step: &Step<'_>) -> Result<(), String> {
    match step {
        Step::Folded { app, event, .. } => folded(known, app, event),
        Step::Launched { worker, starts: true } => {
            let greeted = known.told_of(worker).is_some_and(|told| told.greeted.contains_key(*worker));
            ensure(!greeted, || format!("{worker} has said hello and is started again"))
        }
        Step::Started { worker, mark } => started(known, worker, mark),
        _ => Ok(()),
    }
}

fn folded(known: &Known, app: &ApplicationId, event: &Event) -> Result<(), String> {
    let Some(told) = known.told.get(app) else { return Ok(()) };
    match event {
        Event::WorkerAdmitted { id, worker, .. } => {
            ensure(!told.admitted.contains_key(id), || format!("{id} was admitted twice"))?;
            let live = told.app.workers_of(&worker.run).filter(|(_, w)| w.is_live() && w.is_driver());
            ensure(live.count() <= 1, || format!("{} has two live attempts", worker.run))?;
            if worker.is_driver() { no_older_job_runs(known, worker, id) } else { Ok(()) }
        }
        Event::WorkerGreeted { id, greeted } => {
            let other = told.greeted.get(id).filter(|mark| **mark != greeted.mark);
            ensure(other.is_none(), || format!("{id} is {other:?} and {:?}", greeted.mark))
        }
        Event::WorkerEnded { id, .. } => {
            ensure(!known.job_runs(id), || format!("the end of {id} is committed and its job runs"))
        }
        _ => Ok(()),
    }
}

fn no_older_job_runs(known: &Known, driver: &Worker, id: &WorkerId) -> Result<(), String> {
    let told = known.told.values().flat_map(|told| &told.admitted);
    let older = told.filter(|(other, run): &(&WorkerId, &JobRunId)| **run == driver.run && *other != id);
    let running = older.map(|(other, _)| other).find(|other| known.job_runs(other));
    ensure(running.is_none(), || format!("{id} is admitted while {running:?} of an older attempt runs"))
}

fn started(known: &Known, worker: &WorkerId, mark: &Mark) -> Result<(), String> {
    let starts = known.jvms.get(worker).map_or(0, |jvm| jvm.starts);
    ensure(starts <= 1, || format!("the job of {worker} was started {starts} times"))?;
    let greeted = known.told_of(worker).and_then(|told| told.greeted.get(worker));
    ensure(greeted == Some(mark), || {
        format!("{worker} was started by {mark}; the committed hello is {greeted:?}")
    })
}
