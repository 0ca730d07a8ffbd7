//! The applications of one installation: the registry, and a home for each.

use crate::history::segments::Segments;
use crate::home::Home;
use crate::ledger::{ApplicationLedger, RegistryLedger};
use crate::ports::Parts;
use crate::tokens::Tokens;
use firesteel_core::application::ApplicationState;
use firesteel_core::event::Event;
use firesteel_core::id::ApplicationId;
use firesteel_core::refusal::Refusal;
use firesteel_core::registry::{Registered, RegistryCommand};
use firesteel_core::time::Millis;
use firesteel_journal::{
    Accepted, Deps, Journal, Log, ReadError, Settings, Snapshot, StoreError, SubmitError, protocols,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::{mpsc, watch};

/// Why an application cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// There is none with this id.
    #[error("no such application")]
    Unknown,
    /// The state could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The first entry could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// All applications.
pub struct Applications {
    parts: Parts,
    registry: Journal<RegistryLedger>,
    tokens: Arc<Tokens>,
    segments: Arc<Segments>,
    homes: Mutex<BTreeMap<ApplicationId, Arc<Home>>>,
    opening: AsyncMutex<()>,
    opened: mpsc::UnboundedSender<Arc<Home>>,
}

impl Applications {
    /// Opens the registry. Every home that is opened later is also sent to `opened`.
    pub async fn open(parts: Parts, opened: mpsc::UnboundedSender<Arc<Home>>) -> anyhow::Result<Self> {
        let settings = settings(&parts);
        let registry = Journal::open(parts.state.clone(), Log::registry(), deps(&parts), settings).await?;
        let tokens = Tokens::open(&parts);
        Ok(Self {
            parts,
            registry,
            tokens,
            segments: Arc::default(),
            homes: Mutex::default(),
            opening: AsyncMutex::default(),
            opened,
        })
    }

    /// Opens every application that is not deleted.
    pub async fn open_all(&self) -> Result<(), Unreachable> {
        for id in self.live().await? {
            self.home(id.as_str()).await?;
        }
        Ok(())
    }

    /// Ids of the applications that are not deleted, oldest first.
    pub async fn live(&self) -> Result<Vec<ApplicationId>, ReadError> {
        let registry = self.registry.fresh().await?;
        let live = registry.state.0.applications.iter().filter(|(_, known)| known.deleted.is_none());
        Ok(live.map(|(id, _)| id.clone()).collect())
    }

    /// The application with this id.
    pub async fn home(&self, id: &str) -> Result<Arc<Home>, Unreachable> {
        if let Some(home) = self.open_home(id) {
            return Ok(home);
        }
        let _one_at_a_time = self.opening.lock().await;
        if let Some(home) = self.open_home(id) {
            return Ok(home);
        }
        let registered = {
            let registry = self.registry.fresh().await?;
            registry.state.0.applications.get(id).cloned().ok_or(Unreachable::Unknown)?
        };
        let home = Arc::new(self.settle_in(&registered).await?);
        self.homes().insert(home.id.clone(), home.clone());
        // Nobody listens only while the control plane stops.
        let _ = self.opened.send(home.clone());
        Ok(home)
    }

    /// The homes that are open here.
    pub fn open_homes(&self) -> Vec<Arc<Home>> {
        self.homes().values().cloned().collect()
    }

    /// Lets go of a home; whoever asks for the application again opens it anew.
    pub fn forget(&self, id: &ApplicationId) {
        self.homes().remove(id);
    }

    /// Registers an application, or finds the one that the same token registered.
    pub async fn register(&self, new: Registered) -> Result<Registered, SubmitError<Refusal>> {
        let token = new.token.clone();
        let accepted = self.registry.submit(RegistryCommand::Register(Box::new(new.clone()))).await?;
        if !accepted.events.is_empty() {
            return Ok(new);
        }
        let state = self.registry.state();
        state.state.0.by_token(&token).cloned().ok_or(SubmitError::Refused(Refusal::NoApplication))
    }

    /// Notes in the registry that an application's journal is closed.
    pub async fn deleted(
        &self,
        id: &ApplicationId,
    ) -> Result<Accepted<firesteel_core::registry::RegistryEvent>, SubmitError<Refusal>> {
        self.registry.submit(RegistryCommand::Deleted(id.clone())).await
    }

    /// The registry as it is known here.
    pub fn registry(&self) -> Arc<Snapshot<RegistryLedger>> {
        self.registry.state()
    }

    /// Wakes whenever the registry has changed.
    pub fn registry_changed(&self) -> watch::Receiver<Arc<Snapshot<RegistryLedger>>> {
        self.registry.changed()
    }

    /// Changes what is divided between the applications.
    pub async fn divide(&self, command: RegistryCommand) -> Result<(), SubmitError<Refusal>> {
        self.registry.submit(command).await.map(|_| ())
    }

    /// Closes every journal: what was submitted before is answered first.
    pub async fn close(&self) {
        for home in self.open_homes() {
            home.journal.close().await;
        }
        self.registry.close().await;
    }

    /// The application's first entry follows from the registry's, whoever writes it.
    async fn settle_in(&self, registered: &Registered) -> Result<Home, Unreachable> {
        let identity = &registered.identity;
        let log = Log::application(identity.id.as_str());
        let (store, settings) = (self.parts.state.clone(), settings(&self.parts));
        let journal: Journal<ApplicationLedger> =
            Journal::open(store, log.clone(), deps(&self.parts), settings).await?;
        if journal.state().seq == 0 {
            let (at, first) = (identity.created.0, first_events(registered));
            protocols::write_first(&*self.parts.state, &log, "registry", at, first).await?;
            journal.refresh().await?;
        }
        Ok(Home::new(identity.id.clone(), journal, self.tokens.clone(), self.segments.clone()))
    }

    fn open_home(&self, id: &str) -> Option<Arc<Home>> {
        self.homes().get(id).cloned()
    }

    fn homes(&self) -> std::sync::MutexGuard<'_, BTreeMap<ApplicationId, Arc<Home>>> {
        self.homes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing has to be prepared for an application: it is CREATED from its first entry on, and takes runs at once.
fn first_events(registered: &Registered) -> Vec<Event> {
    let Registered { identity, settings, tags, .. } = registered.clone();
    let moved = Event::ApplicationMoved {
        state: ApplicationState::Created,
        details: String::new(),
        at: identity.created,
    };
    vec![Event::ApplicationCreated { identity, settings, tags }, moved]
}

fn settings(parts: &Parts) -> Settings {
    Settings { alone: parts.config.alone, ..Settings::default() }
}

fn deps(parts: &Parts) -> Deps {
    let chance = parts.world.clone();
    let clock = WorldClock(parts.world.clone());
    let marks = move || format!("{:016x}{:016x}", chance.chance(), chance.chance());
    Deps { clock: Arc::new(clock), marks: Arc::new(marks) }
}

struct WorldClock(Arc<dyn crate::ports::World>);

impl firesteel_journal::Clock for WorldClock {
    fn now(&self) -> i64 {
        self.0.now()
    }

    fn boot(&self) -> i64 {
        self.0.boot()
    }
}

/// The time of the world.
pub fn now(parts: &Parts) -> Millis {
    Millis(parts.world.now())
}
