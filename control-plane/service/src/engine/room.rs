//! Admissions: what an application holds, what it needs, and how it comes to hold more or less (`core::quota`).
//!
//! The rules keep the limits, whoever submits what in which order. What is decided here is only when to ask.

use super::Engine;
use crate::applications::{Applications, now};
use crate::home::{Home, Submitted, application};
use crate::ports::Parts;
use firesteel_core::application::Application;
use firesteel_core::command::{Command, Room};
use firesteel_core::decide::decide;
use firesteel_core::quota::{self, Limit, Raise, Step};
use firesteel_core::registry::RegistryCommand;
use firesteel_journal::Accepted;
use firesteel_substrate::HostFacts;
use std::time::Duration;
use tokio::sync::Notify;

/// Fewest workers between which a host's heap is divided: a share is a quarter of it.
const SHARES: u64 = 4;
/// What is held and not used is given back after so long, though nobody waits: the next run may come soon.
const KEPT: Duration = Duration::from_secs(5);

/// What this host can bear, and what the installation may use.
pub struct Gate {
    host: HostFacts,
    limit: Limit,
    freed: Notify,
}

impl Gate {
    pub(super) fn new(parts: &Parts) -> Self {
        let host = parts.substrate.host();
        let heap_mib = host.memory_mib * parts.config.heap_percent / 100;
        let limit = Limit { cpu: parts.config.quota_cpu, heap_mib };
        Self { host, limit, freed: Notify::new() }
    }

    /// The room for this application, as the registry is known here.
    fn room(&self, home: &Home, applications: &Applications) -> Room {
        let registry = applications.registry();
        let division = &registry.state.0.division;
        let left = division.left_to(&home.id, &self.host.id, self.limit);
        Room {
            host: self.host.id.clone(),
            quota_cpu: left.cpu,
            heap_mib: left.heap_mib,
            heap_share_mib: self.share(),
            granted: Some(division.granted_to(&home.id)),
            gives_back: division.must_yield(&home.id) || home.surplus_for() >= KEPT,
        }
    }

    fn share(&self) -> u64 {
        self.limit.heap_mib / SHARES
    }

    /// The host of this control plane.
    pub fn host(&self) -> &HostFacts {
        &self.host
    }

    /// Says that room may have become free.
    pub fn free(&self) {
        self.freed.notify_one();
    }

    /// Resolves when room may have become free.
    pub async fn changed(&self) {
        self.freed.notified().await;
    }
}

/// No room at all: for commands that must admit nobody.
pub fn room_without_admission(host: &HostFacts) -> Room {
    Room {
        host: host.id.clone(),
        quota_cpu: 0,
        heap_mib: 0,
        heap_share_mib: 0,
        granted: None,
        gives_back: false,
    }
}

/// A command that may admit, and what it would need to hold to admit all that waits.
pub trait Admitting {
    /// The command, given this room.
    fn command(&self, room: Room) -> Command;
    /// What it lacks in this state; none if that cannot be told from here.
    fn lacks(&self, app: &Application, room: &Room) -> Option<Vec<Step>>;
    /// Room is kept for it as it becomes free.
    const QUEUES: bool;
    /// The state was read just before, and nobody waits for an answer.
    const ON_A_FRESH_STATE: bool;
}

impl Engine {
    /// Submits a command that may admit. Where what is held is too little for what waits, more is asked for, and the command is
    /// submitted once more. Also gives the last room.
    pub(crate) async fn admit<A: Admitting>(&self, home: &Home, asked: &A) -> (Submitted, Room) {
        let _one_at_a_time = home.admitting.lock().await;
        let room = self.gate.room(home, &self.applications);
        let submitted = self.submit_what_changes_something::<A>(home, asked.command(room.clone())).await;
        let Ok(accepted) = submitted else { return (submitted, room) };
        self.note(&accepted.events);
        if let Some(steps) = asked.lacks(application(&home.state()), &room) {
            self.ask_the_registry(home, steps, A::QUEUES).await;
        }
        let state = home.state();
        let now = self.gate.room(home, &self.applications);
        let has_more =
            now.granted.as_ref().is_some_and(|granted| granted.version > application(&state).grant.seen);
        if !has_more {
            return (Ok(accepted), now);
        }
        let again = home.journal.submit(asked.command(now.clone())).await;
        let submitted = again.map(|mut again| {
            self.note(&again.events);
            let mut events = accepted.events;
            events.append(&mut again.events);
            Accepted { events, ..again }
        });
        (submitted, now)
    }

    /// A tick that would change nothing is not submitted: it begins with a fresh state, and to be told once more that there is
    /// nothing to do costs a request. What others have committed since then the next tick sees.
    async fn submit_what_changes_something<A: Admitting>(&self, home: &Home, command: Command) -> Submitted {
        let (state, at) = (home.state(), now(&self.parts));
        if A::ON_A_FRESH_STATE && decide(application(&state), &command, at).is_ok_and(|none| none.is_empty())
        {
            return Ok(Accepted { events: Vec::new(), seq: state.seq, at: at.0 });
        }
        home.journal.submit(command).await
    }

    /// Asks for these steps; without any, a driver's wish that is still there is withdrawn.
    async fn ask_the_registry(&self, home: &Home, steps: Vec<Step>, queues: bool) {
        let ask = Raise {
            application: home.id.clone(),
            host: self.gate.host.id.clone(),
            limit: self.gate.limit,
            steps,
            queues,
        };
        // What the registry as it is known here does not give, is asked again when it has changed.
        let would_change = !self.applications.registry().state.0.division.raise(&ask).is_empty();
        if would_change {
            self.tell_the_registry(home, RegistryCommand::Raise(ask)).await;
        }
    }

    /// Brings the registry down to what the application holds, and has it cover what lives. After a crash between two
    /// steps this is what repairs it.
    pub(crate) async fn settle_with_the_registry(&self, home: &Home) {
        let state = home.state();
        let app = application(&state);
        home.note_surplus(self.has_surplus(app));
        let live = quota::live(app);
        if !live.within(&app.grant.amounts) {
            return self.tell_the_registry(home, RegistryCommand::Cover(home.id.clone(), live)).await;
        }
        let granted = self.applications.registry().state.0.division.granted_to(&home.id);
        if granted.version == app.grant.seen && granted.amounts != app.grant.amounts {
            let (application, seen, held) = (home.id.clone(), app.grant.seen, app.grant.amounts.clone());
            self.tell_the_registry(home, RegistryCommand::Lower { application, seen, held }).await;
        }
    }

    fn has_surplus(&self, app: &Application) -> bool {
        let room = Room { heap_share_mib: self.gate.share(), ..room_without_admission(&self.gate.host) };
        let held = &app.grant.amounts;
        held.cpu > firesteel_core::admission::in_use(app).cpu
            || held.heap_on(&room.host) > firesteel_core::admission::heap_in_use(app, &room)
    }

    /// Whatever it answers, the next tick looks at what has become of it.
    async fn tell_the_registry(&self, home: &Home, command: RegistryCommand) {
        if let Err(error) = self.applications.divide(command).await {
            tracing::debug!(application = %home.id, %error, "the registry did not change");
        }
    }
}

/// When the surplus of an application is due to go back.
pub(super) fn surplus_is_due(home: &Home) -> Option<Duration> {
    home.surplus_since().map(|since| KEPT.saturating_sub(since.elapsed()))
}
