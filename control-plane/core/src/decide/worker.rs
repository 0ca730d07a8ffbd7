//! What runners say.

use super::{Draft, progress};
use crate::admission::{self, Grant, Of};
use crate::command::{Room, Wanted, WantedExecutor};
use crate::event::Event;
use crate::exit::Exit;
use crate::id::{JobRunId, Mark, WorkerId};
use crate::job_run::{Attempt, JobRunState};
use crate::plan;
use crate::quota;
use crate::refusal::{Refusal, Stale};
use crate::time::{Millis, SECOND};
use crate::worker::{Ended, Greeted, Role, Worker};
use std::collections::BTreeMap;

/// Grace of an executor whose pod is gone from Spark's view, milliseconds.
const UNWANTED_GRACE: i64 = 10 * SECOND;

/// The first process to speak becomes the worker; the same process may repeat it; any other is refused.
pub(super) fn hello(
    draft: &mut Draft,
    id: &WorkerId,
    mark: &Mark,
    address: &str,
    ui_port: Option<u16>,
) -> Result<(), Refusal> {
    let worker = live(draft, id)?;
    if worker.is_process(mark) {
        return Ok(());
    }
    if worker.greeted.is_some() {
        return Err(Refusal::NotThatWorker(Stale::OtherMark));
    }
    if worker.released.is_some() {
        return Err(Refusal::NotThatWorker(Stale::Released));
    }
    let greeted = Greeted { mark: mark.clone(), address: address.to_owned(), ui_port, at: draft.now };
    draft.emit(Event::WorkerGreeted { id: id.clone(), greeted });
    Ok(())
}

pub(super) fn report(
    draft: &mut Draft,
    id: &WorkerId,
    mark: &Mark,
    started: Option<Millis>,
    wanted: Option<&Wanted>,
    room: &Room,
) -> Result<(), Refusal> {
    let worker = process(draft, id, mark)?.clone();
    note_start(draft, id, &worker, started);
    if let (true, Some(wanted)) = (worker.is_driver(), wanted) {
        let settled = quota::settle(&draft.app, room);
        settled.into_iter().for_each(|event| draft.emit(event));
        take_wanted(draft, &worker, wanted, room);
    }
    Ok(())
}

pub(super) fn credentials(draft: &mut Draft, id: &WorkerId, until: Millis) -> Result<(), Refusal> {
    live(draft, id)?;
    draft.emit(Event::CredentialsGranted { id: id.clone(), until });
    Ok(())
}

pub(super) fn end(
    draft: &mut Draft,
    id: &WorkerId,
    mark: &Mark,
    fence: u64,
    exit: &Exit,
) -> Result<(), Refusal> {
    let Some(worker) = draft.app.workers.get(id).cloned() else {
        return Err(Refusal::NotThatWorker(Stale::Unknown));
    };
    if !worker.is_process(mark) || worker.fence != fence {
        return Err(Refusal::NotThatWorker(Stale::OtherMark));
    }
    if worker.is_live() {
        note_start(draft, id, &worker, exit.started);
        ended(draft, id, exit);
    }
    Ok(())
}

pub(super) fn lost(draft: &mut Draft, id: &WorkerId, exit: &Exit) -> Result<(), Refusal> {
    if draft.app.workers.get(id).is_some_and(|worker| worker.is_live()) {
        ended(draft, id, exit);
    }
    Ok(())
}

/// Between the look and this commit its runner may have come back and been given fresh credentials.
pub(super) fn give_up(draft: &mut Draft, id: &WorkerId, exit: &Exit) -> Result<(), Refusal> {
    let Some(worker) = draft.app.workers.get(id).filter(|worker| worker.is_live()) else { return Ok(()) };
    if plan::certainly_over(&draft.app, worker) <= draft.now {
        ended(draft, id, exit);
    }
    Ok(())
}

fn ended(draft: &mut Draft, id: &WorkerId, exit: &Exit) {
    let Some(run) = draft.app.workers.get(id).map(|worker| worker.run.clone()) else { return };
    let ended = Ended { exit: exit.clone(), at: draft.now };
    draft.emit(Event::WorkerEnded { id: id.clone(), ended });
    progress::advance(draft, &run);
}

fn live<'a>(draft: &'a Draft, id: &WorkerId) -> Result<&'a Worker, Refusal> {
    let worker = draft.app.workers.get(id).filter(|worker| worker.is_live());
    worker.map(|worker| &**worker).ok_or(Refusal::NotThatWorker(Stale::Unknown))
}

fn process<'a>(draft: &'a Draft, id: &WorkerId, mark: &Mark) -> Result<&'a Worker, Refusal> {
    let worker = live(draft, id)?;
    if worker.is_process(mark) { Ok(worker) } else { Err(Refusal::NotThatWorker(Stale::OtherMark)) }
}

fn note_start(draft: &mut Draft, id: &WorkerId, worker: &Worker, started: Option<Millis>) {
    let (None, Some(at)) = (worker.started, started) else { return };
    let at = at.min(draft.now);
    draft.emit(Event::WorkerStarted { id: id.clone(), at });
    if worker.is_driver() {
        progress::move_run(draft, &worker.run, JobRunState::Running, "");
    }
}

/// Level-triggered: the set is whole, an older one than was decided on is ignored.
fn take_wanted(draft: &mut Draft, driver: &Worker, wanted: &Wanted, room: &Room) {
    let attempt = draft.app.runs.get(&driver.run).and_then(|run| run.attempt().cloned());
    let Some(attempt) = attempt.filter(|attempt| attempt.fence == driver.fence) else { return };
    if wanted.version < attempt.wanted_version {
        return;
    }
    let asked: BTreeMap<WorkerId, &WantedExecutor> = wanted
        .executors
        .iter()
        .map(|executor| (WorkerId::executor(&driver.run, attempt.number, &executor.uid), executor))
        .collect();
    release_unwanted(draft, &driver.run, &asked);
    forget_ended(draft, &driver.run, &asked, wanted.version);
    admit_wanted(draft, driver, &attempt, wanted, room);
}

fn release_unwanted(draft: &mut Draft, run: &JobRunId, asked: &BTreeMap<WorkerId, &WantedExecutor>) {
    let executors: Vec<WorkerId> = draft
        .app
        .workers_of(run)
        .filter(|(_, worker)| worker.is_live() && !worker.is_driver() && worker.released.is_none())
        .map(|(id, _)| id.clone())
        .collect();
    for id in executors {
        match asked.get(&id).map(|executor| &executor.stopping) {
            Some(None) => {}
            Some(Some(stopping)) => {
                progress::release(draft, &id, stopping.decommission, stopping.grace, &stopping.reason);
            }
            None => progress::release(draft, &id, false, UNWANTED_GRACE, "Spark no longer wants it"),
        }
    }
}

fn forget_ended(
    draft: &mut Draft,
    run: &JobRunId,
    asked: &BTreeMap<WorkerId, &WantedExecutor>,
    wanted_version: u64,
) {
    let gone =
        |id: &WorkerId, worker: &Worker| !worker.is_live() && !worker.is_driver() && !asked.contains_key(id);
    let ids: Vec<WorkerId> =
        draft.app.workers_of(run).filter(|(id, worker)| gone(id, worker)).map(|(id, _)| id.clone()).collect();
    if !ids.is_empty() {
        draft.emit(Event::WorkersForgotten { ids, wanted_version });
    }
}

/// In the order in which Spark asked; the first that finds no room makes the later ones wait, too.
fn admit_wanted(draft: &mut Draft, driver: &Worker, attempt: &Attempt, wanted: &Wanted, room: &Room) {
    for executor in &wanted.executors {
        let over =
            draft.app.runs.get(&driver.run).is_none_or(|run| run.stop.is_some() || run.outcome.is_some());
        if over || driver.released.is_some() {
            return;
        }
        let id = WorkerId::executor(&driver.run, attempt.number, &executor.uid);
        if executor.stopping.is_some() || draft.app.workers.contains_key(&id) {
            continue;
        }
        let Ok(size) = admission::executor_size(&draft.app, driver, executor) else { continue };
        match admission::executor(&draft.app, &driver.run, size, executor.heap_mib, room) {
            Ok(grant) => admit(draft, id, driver, executor, grant, wanted.version, room),
            Err(_) => return,
        }
    }
}

fn admit(
    draft: &mut Draft,
    id: WorkerId,
    driver: &Worker,
    executor: &WantedExecutor,
    grant: Grant,
    wanted_version: u64,
    room: &Room,
) {
    let attempt = draft.app.runs.get(&driver.run).and_then(|run| run.attempt());
    let ordinal = attempt.map_or(1, |attempt| attempt.last_ordinal + 1);
    let role = Role::Executor {
        uid: executor.uid.clone(),
        ordinal,
        launch: executor.launch.clone(),
        own: executor.own.clone(),
    };
    let of = Of { run: driver.run.clone(), attempt: driver.attempt, fence: driver.fence };
    let worker = grant.worker(of, role, room, draft.now);
    draft.emit(Event::WorkerAdmitted { id, worker: Box::new(worker), wanted_version });
}
