//! What an application would have to hold for what waits in it. Asked only for what its maximum capacity allows.

use super::{Amounts, Step};
use crate::admission;
use crate::application::Application;
use crate::command::{Room, Wanted};
use crate::size::Size;
use crate::worker::Worker;

/// Runs or executors that one raise asks for at most.
const MOST_STEPS: usize = 64;

/// For the drivers that wait, each with room for its first executor; empty if what is held is enough for the first.
pub fn for_drivers(app: &Application, room: &Room) -> Vec<Step> {
    let mut steps = Steps::from(app, room, admission::in_use(app), admission::heap_in_use(app, room));
    let mut last = None;
    while let Some(id) = app.next_for_a_driver(last) {
        let Some(run) = app.runs.get(id) else { break };
        let needs = &run.request.needs;
        if !admission::never_fits(app, needs) {
            let (size, heap_mib) = admission::with_first_executor(needs, room);
            if !steps.add(size, heap_mib) {
                break;
            }
        }
        last = Some(id);
    }
    steps.lacking()
}

/// For the wanted executors of this driver that are not admitted; empty if what is held is enough for the first.
pub fn for_executors(app: &Application, driver: &Worker, wanted: &Wanted, room: &Room) -> Vec<Step> {
    let run = app.runs.get(&driver.run).filter(|run| run.stop.is_none() && run.outcome.is_none());
    let attempt = run.and_then(|run| run.attempt()).filter(|attempt| attempt.fence == driver.fence);
    let is_new = attempt.is_some_and(|attempt| wanted.version >= attempt.wanted_version);
    if !is_new || driver.released.is_some() || !driver.is_live() {
        return Vec::new();
    }
    let used = admission::in_use_besides(app, Some(&driver.run));
    let heap_mib = admission::heap_in_use_besides(app, room, Some(&driver.run));
    let mut steps = Steps::from(app, room, used, heap_mib);
    for executor in admission::missing(app, driver, wanted) {
        let Ok(size) = admission::executor_size(app, driver, executor) else { continue };
        if !steps.add(size, executor.heap_mib.min(room.heap_share_mib)) {
            break;
        }
    }
    steps.lacking()
}

/// What live workers use, without any room that is kept.
pub fn live(app: &Application) -> Amounts {
    let mut amounts = Amounts::default();
    for worker in app.workers.values().filter(|worker| worker.is_live()) {
        amounts.cpu += worker.size.cpu;
        amounts.set_heap(&worker.host, amounts.heap_on(&worker.host) + worker.heap_mib);
    }
    amounts
}

struct Steps<'a> {
    app: &'a Application,
    room: &'a Room,
    used: Size,
    heap_mib: u64,
    steps: Vec<Step>,
}

impl<'a> Steps<'a> {
    fn from(app: &'a Application, room: &'a Room, used: Size, heap_mib: u64) -> Self {
        Self { app, room, used, heap_mib, steps: Vec::new() }
    }

    /// False if this one and all that come after it must wait for other reasons.
    fn add(&mut self, size: Size, heap_mib: u64) -> bool {
        (self.used, self.heap_mib) = (self.used + size, self.heap_mib + heap_mib);
        let settings = self.app.settings.as_ref();
        let most = settings.and_then(|settings| settings.maximum_capacity);
        if most.is_some_and(|most| !self.used.fits(most.as_size())) || self.steps.len() == MOST_STEPS {
            return false;
        }
        self.steps.push(Step { cpu: self.used.cpu, heap_mib: self.heap_mib });
        true
    }

    fn lacking(self) -> Vec<Step> {
        let held = &self.app.grant.amounts;
        let is_held = |step: &Step| step.cpu <= held.cpu && step.heap_mib <= held.heap_on(&self.room.host);
        if self.steps.first().is_none_or(is_held) { Vec::new() } else { self.steps }
    }
}
