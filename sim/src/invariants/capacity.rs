//! 4: no worker is admitted that takes the application over its maximum capacity, the installation over its quota or a
//! host over its heap; a driver is admitted together with room for one executor; and
//! what applications hold is granted to them, and all that is granted is there.

use super::ensure;
use crate::truth::{Known, Step};
use firesteel_core::application::Application;
use firesteel_core::event::Event;
use firesteel_core::id::{ApplicationId, HostId, WorkerId};
use firesteel_core::size::Size;
use firesteel_core::worker::Worker;
use std::collections::BTreeMap;

pub(super) fn check(known: &Known, step: &Step<'_>) -> Result<(), String> {
    match step {
        Step::Registered => {
            granted(known)?;
            known.told.keys().try_for_each(|app| held(known, app))
        }
        Step::Folded { app, event: Event::GrantTaken { .. } | Event::GrantLowered { .. }, .. } => {
            held(known, app)
        }
        Step::Folded { app, event: Event::WorkerAdmitted { id, worker, .. }, .. } => {
            admitted(known, app, id, worker)
        }
        _ => Ok(()),
    }
}

/// What all are granted is there.
fn granted(known: &Known) -> Result<(), String> {
    let all = &known.registry.division.granted;
    let cpu: u32 = all.values().map(|granted| granted.amounts.cpu).sum();
    let quota = known.bounds.quota_cpu;
    ensure(cpu <= quota, || format!("{cpu} vCPU are granted of a quota of {quota}"))?;
    let mut heaps: BTreeMap<&HostId, u64> = BTreeMap::new();
    for (host, mib) in all.values().flat_map(|granted| &granted.amounts.heap_mib) {
        *heaps.entry(host).or_default() += mib;
    }
    let most = known.bounds.heap_mib;
    let over = heaps.into_iter().find(|(_, mib)| *mib > most);
    ensure(over.is_none(), || format!("{over:?} MiB of heap are granted, there are {most}"))
}

/// What an application holds was granted, and nobody has taken that back.
fn held(known: &Known, id: &ApplicationId) -> Result<(), String> {
    let Some(told) = known.told.get(id) else { return Ok(()) };
    let held = &told.app.grant.amounts;
    let granted = known.registry.division.granted_to(id).amounts;
    let over = !told.app.is_alive() || held.within(&granted);
    ensure(over, || format!("{id} holds {held:?} and is granted {granted:?}"))
}

fn admitted(known: &Known, app: &ApplicationId, id: &WorkerId, worker: &Worker) -> Result<(), String> {
    let Some(told) = known.told.get(app) else { return Ok(()) };
    let used = live(&told.app) + kept(&told.app);
    if let Some(most) = told.app.settings.as_ref().and_then(|settings| settings.maximum_capacity) {
        ensure(used.fits(most.as_size()), || format!("{id}: {used:?} exceed {most:?}"))?;
    }
    let all: Size = known.told.values().map(|told| live(&told.app) + kept(&told.app)).sum();
    let quota = known.bounds.quota_cpu;
    ensure(all.cpu <= quota, || format!("{id}: {} vCPU exceed the quota of {quota}", all.cpu))?;
    let heap = known.told.values().map(|told| heap_on(&told.app, &worker.host)).sum::<u64>();
    let most = known.bounds.heap_mib;
    ensure(heap <= most, || format!("{id}: {heap} MiB of heap on {}, at most {most}", worker.host))
}

fn live(app: &Application) -> Size {
    app.workers.values().filter(|worker| worker.is_live()).map(|worker| worker.size).sum()
}

/// Room for the first executor of each run whose driver lives.
fn kept(app: &Application) -> Size {
    let waits = |run: &&std::sync::Arc<firesteel_core::job_run::JobRun>| {
        let mut workers = app.workers_of(&run.request.id).filter(|(_, worker)| worker.is_live()).peekable();
        let drives = workers.peek().is_some();
        let alone = workers.all(|(_, worker)| worker.is_driver());
        drives && alone && run.request.needs.wants_executors && run.outcome.is_none()
    };
    app.runs.values().filter(waits).map(|run| run.request.needs.executor).sum()
}

fn heap_on(app: &Application, host: &HostId) -> u64 {
    let here = app.workers.values().filter(|worker| worker.is_live() && worker.host == *host);
    here.map(|worker| worker.heap_mib).sum()
}
