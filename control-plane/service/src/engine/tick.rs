//! One pass for one application.

use super::{Admitting, Engine, room};
use crate::applications::now;
use crate::home::{Home, application};
use anyhow::Result;
use firesteel_core::application::{Application, ApplicationState};
use firesteel_core::command::{Command, Room, Runtime, Tick};
use firesteel_core::event::Event;
use firesteel_core::id::{JobRunId, WorkerId};
use firesteel_core::plan::{Effect, Look, Seen, plan};
use firesteel_core::quota::{self, Step};
use firesteel_core::refusal::Refusal;
use firesteel_core::time::Millis;
use firesteel_journal::SubmitError;
use firesteel_substrate::{Sighted, Sighting};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When to tick again if nothing happens before.
pub(super) enum Next {
    /// Then, or at the latest after the longest sleep.
    At(Option<Millis>),
    /// The application is deleted.
    Never,
}

impl Engine {
    pub(super) async fn tick(self: &Arc<Self>, home: &Arc<Home>) -> Result<Next> {
        let snapshot = home.fresh().await?;
        if application(&snapshot).state == ApplicationState::Terminated {
            self.applications.deleted(&home.id).await?;
            return Ok(Next::Never);
        }
        let at = now(&self.parts);
        let sightings = self.parts.substrate.sightings().await?;
        let room = match self.admit(home, &Ticking { engine: self, home }).await {
            (Ok(_), room) => room,
            (Err(SubmitError::Refused(Refusal::NoApplication)), _) => return Ok(Next::At(None)),
            (Err(error), _) => return Err(error.into()),
        };
        self.settle_with_the_registry(home).await;
        let state = home.state();
        let runtime = self.runtime(application(&state));
        let workers = seen(application(&state), &sightings);
        let lost = self.lost_hosts(application(&state));
        let plan = plan(application(&state), &Look { at, room, runtime, workers, lost });
        home.note_waits(plan.waits);
        for effect in plan.effects {
            if !is_premature(&effect, application(&snapshot), &sightings) {
                self.act(home, effect).await;
            }
        }
        let surplus_due = room::surplus_is_due(home).map(|left| at.plus(left.as_millis() as i64));
        Ok(Next::At(plan.wake_at.into_iter().chain(surplus_due).min()))
    }

    /// Asked whatever the state is: the application may be STARTING by the time the tick is decided.
    fn runtime(&self, app: &Application) -> Runtime {
        if !self.admits() {
            return Runtime::Preparing("its control plane is stopping.".to_owned());
        }
        let settings = app.settings.as_ref();
        settings.map_or(Runtime::Ready, |settings| self.parts.runtimes.readiness(&settings.release))
    }

    /// An end frees room for others.
    pub(crate) fn note(&self, events: &[Event]) {
        if events.iter().any(|event| matches!(event, Event::WorkerEnded { .. } | Event::JobRunEnded { .. })) {
            self.gate.free();
        }
    }
}

/// A tick admits drivers.
struct Ticking<'a> {
    engine: &'a Engine,
    home: &'a Home,
}

impl Admitting for Ticking<'_> {
    const QUEUES: bool = true;
    const ON_A_FRESH_STATE: bool = true;

    /// With the newest label: it may have changed while others had their turn.
    fn command(&self, room: Room) -> Command {
        let runtime = self.engine.runtime(application(&self.home.state()));
        Command::Tick(Tick { room, runtime })
    }

    fn lacks(&self, app: &Application, room: &Room) -> Option<Vec<Step>> {
        let admits = app.state == ApplicationState::Started && self.engine.runtime(app) == Runtime::Ready;
        if admits {
            return Some(quota::for_drivers(app, room));
        }
        // Another host may be ready for what waits.
        app.runs.pending().is_empty().then(Vec::new)
    }
}

/// A worker whose hello was not committed when the look began may have been launched after it: that it was not seen
/// proves nothing. Times cannot tell, for the hello's may come from another control plane's clock.
fn is_premature(effect: &Effect, before: &Application, sightings: &[Sighting]) -> bool {
    let Effect::Collect(id, None) = effect else { return false };
    let greeted = before.workers.get(id).is_some_and(|worker| worker.greeted.is_some());
    !greeted && sightings.iter().all(|sighting| sighting.worker != *id)
}

/// The sighted workers that belong to this application's runs.
fn seen(app: &Application, sightings: &[Sighting]) -> BTreeMap<WorkerId, Seen> {
    let ours = sightings.iter().filter(|sighting| {
        app.workers.contains_key(&sighting.worker) || app.runs.contains_key(&run_of(&sighting.worker))
    });
    ours.map(|sighting| (sighting.worker.clone(), as_seen(&sighting.state))).collect()
}

/// The run that a worker's name begins with.
pub(super) fn run_of(worker: &WorkerId) -> JobRunId {
    JobRunId::new(worker.as_str().split('-').next().unwrap_or_default())
}

pub(super) fn as_seen(state: &Sighted) -> Seen {
    match state {
        Sighted::Alive { .. } => Seen::Alive,
        Sighted::Exited(exit) => Seen::Exited(exit.clone()),
        Sighted::Gone => Seen::Gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_said_hello_after_the_look_is_not_taken_for_dead() {
        let id = WorkerId::new("r-1-driver");
        let collect = Effect::Collect(id.clone(), None);
        let gone = Sighting { worker: id.clone(), state: Sighted::Gone, address: String::new() };
        let before = Application::default();
        assert!(is_premature(&collect, &before, &[]));
        assert!(!is_premature(&collect, &before, &[gone]));
        assert!(!is_premature(&Effect::Launch(id), &before, &[]));
    }
}
