//! 3: at most one live attempt per run; a worker's job starts once, and only after the hello of the very process that
//! starts it is committed; a worker that has said hello is never started again; an end is committed only of a worker
//! whose job is over, or whose host was not told of for a minute; and no attempt begins while a driver before it may write.

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
        Event::WorkerEnded { id, ended } if ended.exit.summary.contains(OF_ITS_HOST) => {
            let host = told.app.workers.get(id).map(|worker| &worker.host);
            let lost = host.is_none_or(|host| known.may_be_lost(host));
            ensure(lost, || format!("{id} is given up and {host:?} was told of within a minute"))
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
    let mut older = older.map(|(other, _)| other);
    let writes =
        older.find(|other| known.may_write(other) && (is_driver(other) || !is_given_up(known, other)));
    ensure(writes.is_none(), || format!("{id} is admitted while {writes:?} of an older attempt may write"))
}

/// What is said of a worker that was given up.
const OF_ITS_HOST: &str = "nothing was heard of its host";

fn is_driver(id: &WorkerId) -> bool {
    id.as_str().ends_with("-driver")
}

/// An executor that was given up can do nothing without its driver.
fn is_given_up(known: &Known, id: &WorkerId) -> bool {
    known.told_of(id).is_some_and(|told| told.given_up.contains(id))
}

fn started(known: &Known, worker: &WorkerId, mark: &Mark) -> Result<(), String> {
    let starts = known.jvms.get(worker).map_or(0, |jvm| jvm.starts);
    ensure(starts <= 1, || format!("the job of {worker} was started {starts} times"))?;
    let greeted = known.told_of(worker).and_then(|told| told.greeted.get(worker));
    ensure(greeted == Some(mark), || {
        format!("{worker} was started by {mark}; the committed hello is {greeted:?}")
    })
}
