//! The store: what is really kept ([`Shelf`]), behind faults, behind one control plane's line to it ([`Line`]).

use crate::cord::Cord;
use crate::mistake::Mistake;
use crate::site::Site;
use crate::truth::{Step, Truth, entry_of};
use async_trait::async_trait;
use bytes::Bytes;
use firesteel_core::event::Event;
use firesteel_journal::{
    Created, Entry, FaultyStore, Kind, MemoryStore, Odds, Page, Plan, SeededPlan, Store, StoreError, Verdict,
    encode_checkpoint, keys,
};
use firesteel_service::ApplicationLedger;
use firesteel_substrate::{LaunchOrder, Substrate};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// What is really kept; every write is a step of the truth.
pub struct Shelf {
    memory: Arc<MemoryStore>,
    truth: Arc<Truth>,
    mistake: Option<Mistake>,
}

/// The store as a network shows it.
pub type Network = FaultyStore<Arc<Shelf>>;

impl Shelf {
    /// A shelf over `memory`.
    pub fn new(memory: Arc<MemoryStore>, truth: Arc<Truth>, mistake: Option<Mistake>) -> Arc<Self> {
        Arc::new(Self { memory, truth, mistake })
    }

    /// The mistake: a checkpoint of everything, then every entry but the first and the newest goes.
    async fn trim_at_once(&self, key: &str) -> Result<(), StoreError> {
        let Some((app, seq)) = entry_of(key).filter(|(_, seq)| seq % 3 == 0) else { return Ok(()) };
        let log = keys::Log::application(app.as_str());
        let snapshot = {
            let known = self.truth.known();
            let Some(told) = known.told.get(&app) else { return Ok(()) };
            firesteel_journal::Snapshot { seq, at: told.at, state: ApplicationLedger(told.app.clone()) }
        };
        let body = encode_checkpoint(&snapshot).map_err(|e| StoreError::NotDone(e.to_string()))?;
        self.memory.put(&log.checkpoint(seq), body).await?;
        for old in seq.saturating_sub(4).max(2)..seq {
            self.memory.delete(&log.entry(old)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Store for Shelf {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        let created = self.memory.create(key, body.clone()).await?;
        if created == Created::Committed {
            self.truth.stored(key, &body);
            self.truth.registered(key, &body);
            if self.mistake == Some(Mistake::TrimAtOnce) {
                self.trim_at_once(key).await?;
            }
        }
        Ok(created)
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        self.truth.step(&Step::Archiving { key });
        self.memory.put(key, body.clone()).await?;
        self.truth.stored(key, &body);
        self.truth.said(key, &body);
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.memory.get(key).await
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Page, StoreError> {
        self.memory.list(prefix, after, limit).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.memory.delete(key).await
    }
}

/// Faults as the seed draws them, but none for the start-up probe: a server that cannot prove its store just starts again.
pub struct Weather {
    all: SeededPlan,
    heartbeats: SeededPlan,
}

impl Weather {
    /// Faults with these odds, and heartbeats with those.
    pub fn new(seed: u64, odds: Odds, heartbeats: Odds) -> Self {
        Self { all: SeededPlan::new(seed, odds), heartbeats: SeededPlan::new(!seed, heartbeats) }
    }
}

impl Plan for Weather {
    fn next(&mut self, kind: Kind, key: &str) -> Verdict {
        match key {
            key if key.starts_with("probe/") => Verdict::FINE,
            key if key.starts_with(keys::SERVERS) => self.heartbeats.next(kind, key),
            key => self.all.next(kind, key),
        }
    }
}

/// One control plane's line to the store.
pub struct Line {
    /// Its life.
    pub cord: Cord,
    /// The network.
    pub network: Arc<Network>,
    /// What is wrong on purpose.
    pub mistake: Option<Mistake>,
    /// Where it ends.
    pub site: Arc<Site>,
    /// For a mistake that acts before it commits.
    pub substrate: Arc<dyn Substrate>,
}

impl Line {
    /// Asks the network, if there is a way to it and back.
    async fn across<T>(&self, asking: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let way = async {
            if self.site.reaches_out() {
                let answer = asking.await;
                if self.site.reaches_out() {
                    return answer;
                }
            }
            tokio::time::sleep(NO_WAY).await;
            Err(StoreError::Unknown("no way to the store".to_owned()))
        };
        self.cord.act(way).await
    }

    async fn launch_before_commit(&self, body: &[u8]) {
        let Ok(entry) = serde_json::from_slice::<Entry<Event>>(body) else { return };
        for event in entry.events {
            if let Event::WorkerAdmitted { id, worker, .. } = event {
                let order = LaunchOrder {
                    worker: id,
                    token: String::new(),
                    endpoints: Vec::new(),
                    size: worker.size,
                };
                // The mistake does not look at the answer either.
                let _ = self.substrate.launch(&order).await;
            }
        }
    }

    /// The mistakes in how the quota is divided: events that are not written, or not as they were decided.
    async fn flawed_division(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        let of_registry = key.starts_with(REGISTRY);
        let flawed = match self.mistake {
            Some(Mistake::TakeTheUngranted) if of_registry => without(&body, "grant_raised"),
            Some(Mistake::LowerTheRegistryAlone) if !of_registry => without(&body, "grant_lowered"),
            Some(Mistake::KeepEverything) => without(&body, "grant_lowered"),
            Some(Mistake::TakeAgain) if !of_registry => unseen(&body),
            _ => None,
        };
        self.network.create(key, flawed.unwrap_or(body)).await
    }

    async fn flawed_create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        if entry_of(key).is_none() {
            return self.flawed_division(key, body).await;
        }
        match self.mistake {
            Some(Mistake::Overwrite) => self.network.put(key, body).await.map(|()| Created::Committed),
            Some(Mistake::LaunchBeforeCommit) => {
                self.launch_before_commit(&body).await;
                self.network.create(key, body).await
            }
            Some(Mistake::LowerTheRegistryAlone | Mistake::KeepEverything | Mistake::TakeAgain) => {
                self.flawed_division(key, body).await
            }
            Some(Mistake::GiveUpUnfenced) => {
                let flawed = without(&body, "credentials_granted");
                self.network.create(key, flawed.unwrap_or(body)).await
            }
            Some(Mistake::TimeRunsBackwards) => self.network.create(key, earlier(key, body)).await,
            mistake => Ok(match (self.network.create(key, body).await?, mistake) {
                (Created::Unknown, Some(Mistake::UnknownIsCommitted))
                | (Created::Exists, Some(Mistake::ExistsIsCommitted)) => Created::Committed,
                (created, _) => created,
            }),
        }
    }

    async fn flawed_get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let found = self.network.get(key).await?;
        let blind = match self.mistake {
            Some(Mistake::ForgetArchivedTokens) => key.starts_with(keys::TOKENS),
            Some(Mistake::StaleReads) => entry_of(key).is_some_and(|(_, seq)| seq % 4 == 0),
            _ => false,
        };
        Ok(found.filter(|_| !blind))
    }
}

/// How long it takes to see that there is no way.
const NO_WAY: Duration = Duration::from_secs(2);
/// Where the registry's entries are.
pub const REGISTRY: &str = "registry/journal/";

/// The entry without events of this name.
fn without(body: &[u8], event: &str) -> Option<Bytes> {
    rewritten(body, |events| events.retain(|known| known["event"] != event))
}

/// The entry whose lowerings refuse nothing that was granted before.
fn unseen(body: &[u8]) -> Option<Bytes> {
    rewritten(body, |events| {
        for lowered in events.iter_mut().filter(|known| known["event"] == "grant_lowered") {
            lowered["seen"] = Value::from(0);
        }
    })
}

fn rewritten(body: &[u8], change: impl FnOnce(&mut Vec<Value>)) -> Option<Bytes> {
    let mut entry: Value = serde_json::from_slice(body).ok()?;
    change(entry.get_mut("events")?.as_array_mut()?);
    serde_json::to_vec(&entry).ok().map(Bytes::from)
}

/// Every third entry says that it was decided a minute earlier.
fn earlier(key: &str, body: Bytes) -> Bytes {
    let third = entry_of(key).is_some_and(|(_, seq)| seq % 3 == 0);
    match serde_json::from_slice::<Entry<Event>>(&body) {
        Ok(mut entry) if third => {
            entry.at -= 60_000;
            firesteel_journal::encode(&entry).unwrap_or(body)
        }
        _ => body,
    }
}

#[async_trait]
impl Store for Line {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        match self.across(self.flawed_create(key, body)).await {
            Err(StoreError::Unknown(_)) => Ok(Created::Unknown),
            answer => answer,
        }
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        if self.mistake == Some(Mistake::ForgetHistory) && keys::history_of(key).is_some() {
            return Ok(());
        }
        self.across(self.network.put(key, body)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.across(self.flawed_get(key)).await
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Page, StoreError> {
        self.across(self.network.list(prefix, after, limit)).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.across(self.network.delete(key)).await
    }
}
