//! 4: no worker is admitted that takes the application over its maximum capacity, the installation over its quota or a
//! host over its heap; and a driver is admitted together with room for one executor.

use super::ensure;
use crate::truth::{Known, Step};
use firesteel_core::application::Application;
use firesteel_core::event::Event;
use firesteel_core::id::HostId;
use firesteel_core::size::Size;

pub(super) fn check(known: &Known, step: &Step<'_>) -> Result<(), String> {
    let Step::Folded { app, event: Event::WorkerAdmitted { id, worker, .. }, .. } = step else {
        return Ok(());
    };
    let Some(told) = known.told.get(*app) else { return Ok(()) };
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
