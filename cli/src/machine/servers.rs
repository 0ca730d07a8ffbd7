//! The control planes that stand beside this one on the same state: each says in `servers/<id>.json` where runners reach
//! it, and a runner is given all of them when it is launched. So it is heard when the one that launched it is lost.
//!
//! It decides nothing: a runner that speaks to any of them speaks to the same state.

use anyhow::Context;
use async_trait::async_trait;
use bytes::Bytes;
use firesteel_core::id::WorkerId;
use firesteel_journal::keys::SERVERS;
use firesteel_journal::{Clock, Millis, Store};
use firesteel_substrate::{HostFacts, LaunchError, LaunchOrder, Sighting, Substrate, SubstrateError};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often a control plane says that it is there.
const EVERY: Duration = Duration::from_secs(10);
/// How long its word stands.
const STANDS: Millis = 60_000;
/// After which anyone may remove it.
const OLD: Millis = 24 * 60 * 60 * 1_000;
/// How long what was seen is not looked at again.
const SEEN: Millis = 1_000;
/// More than so many servers are not looked at.
const MOST: usize = 100;

/// One control plane's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Heartbeat {
    /// Where runners reach it: base URLs without a trailing slash.
    endpoints: Vec<String>,
    /// When it said so.
    at: Millis,
}

/// This control plane among the others on its state.
pub struct Servers {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    id: String,
    endpoints: Vec<String>,
    others: Mutex<(Millis, Vec<String>)>,
}

impl Servers {
    /// The control plane `id`, reached by runners at `endpoints`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, id: &str, endpoints: Vec<String>) -> Self {
        let others = Mutex::new((Millis::MIN, Vec::new()));
        Self { store, clock, id: id.to_owned(), endpoints, others }
    }

    /// Says that it is there, again and again; ends never.
    pub async fn keep_saying(self: Arc<Self>) {
        loop {
            if let Err(error) = self.say().await {
                tracing::warn!(error = %format!("{error:#}"), "could not tell the other control planes of this one");
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn say(&self) -> anyhow::Result<()> {
        let word = Heartbeat { endpoints: self.endpoints.clone(), at: self.clock.now() };
        self.store.put(&self.key(), Bytes::from(serde_json::to_vec(&word)?)).await.context(self.key())
    }

    /// Takes its word back: it stops.
    pub async fn leave(&self) {
        if let Err(error) = self.store.delete(&self.key()).await {
            tracing::debug!(%error, "its heartbeat stays until it is old");
        }
    }

    fn key(&self) -> String {
        format!("{SERVERS}{}.json", self.id)
    }

    /// Where the others are reached, looked up unless that was done just now. If it cannot be: as last seen.
    pub async fn others(&self) -> Vec<String> {
        let now = self.clock.now();
        let (when, seen) = self.others.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if now.saturating_sub(when) < SEEN {
            return seen;
        }
        match self.look(now).await {
            Ok(found) => {
                *self.others.lock().unwrap_or_else(PoisonError::into_inner) = (now, found.clone());
                found
            }
            Err(error) => {
                tracing::warn!(error = %format!("{error:#}"), "could not look for the other control planes");
                seen
            }
        }
    }

    async fn look(&self, now: Millis) -> anyhow::Result<Vec<String>> {
        let mut found = Vec::new();
        for listed in self.store.list(SERVERS, "", MOST).await?.entries {
            let key = listed.key;
            if key == self.key() {
                continue;
            }
            let Some(bytes) = self.store.get(&key).await? else { continue };
            let Ok(word) = serde_json::from_slice::<Heartbeat>(&bytes) else { continue };
            let age = now.saturating_sub(word.at);
            if age.abs() < STANDS {
                found.extend(word.endpoints.into_iter().filter(|url| !self.endpoints.contains(url)));
            } else if age > OLD {
                self.store.delete(&key).await?;
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
}

/// A substrate whose runners are told of all control planes.
pub struct Beside<S> {
    /// Where workers live.
    pub substrate: S,
    /// Who else there is.
    pub servers: Arc<Servers>,
}

#[async_trait]
impl<S: Substrate> Substrate for Beside<S> {
    async fn launch(&self, order: &LaunchOrder) -> Result<(), LaunchError> {
        let mut order = order.clone();
        order.endpoints.extend(self.servers.others().await);
        self.substrate.launch(&order).await
    }

    async fn kill(&self, worker: &WorkerId) -> Result<(), SubstrateError> {
        self.substrate.kill(worker).await
    }

    async fn sightings(&self) -> Result<Vec<Sighting>, SubstrateError> {
        self.substrate.sightings().await
    }

    async fn forget(&self, worker: &WorkerId) -> Result<(), SubstrateError> {
        self.substrate.forget(worker).await
    }

    fn host(&self) -> HostFacts {
        self.substrate.host()
    }

    async fn changed(&self) {
        self.substrate.changed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_journal::MemoryStore;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[derive(Default)]
    struct Told(AtomicI64);

    impl Clock for Told {
        fn now(&self) -> Millis {
            self.0.load(Ordering::Relaxed)
        }
        fn boot(&self) -> Millis {
            self.now()
        }
    }

    struct Stage {
        store: Arc<MemoryStore>,
        clock: Arc<Told>,
    }

    impl Stage {
        fn new() -> Self {
            let clock = Arc::new(Told::default());
            clock.0.store(1_800_000_000_000, Ordering::Relaxed);
            Self { store: Arc::new(MemoryStore::default()), clock }
        }

        fn server(&self, id: &str) -> Servers {
            let endpoints = vec![format!("http://{id}")];
            Servers::new(self.store.clone(), self.clock.clone(), id, endpoints)
        }

        fn pass(&self, millis: Millis) {
            self.clock.0.fetch_add(millis, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn each_knows_the_others_and_not_itself() {
        let stage = Stage::new();
        let all = [stage.server("a"), stage.server("b"), stage.server("c")];
        for server in &all {
            server.say().await.unwrap();
        }
        assert_eq!(all[0].others().await, ["http://b", "http://c"]);
        assert_eq!(all[2].others().await, ["http://a", "http://b"]);
    }

    #[tokio::test]
    async fn who_left_or_fell_silent_is_not_named_and_what_is_old_goes() {
        let stage = Stage::new();
        let (a, b, c) = (stage.server("a"), stage.server("b"), stage.server("c"));
        b.say().await.unwrap();
        c.say().await.unwrap();
        c.leave().await;
        assert_eq!(a.others().await, ["http://b"]);
        stage.pass(STANDS);
        assert_eq!(a.others().await, Vec::<String>::new());
        assert!(stage.store.get(&b.key()).await.unwrap().is_some(), "it may come back");
        stage.pass(OLD);
        a.others().await;
        assert_eq!(stage.store.get(&b.key()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_no_heartbeat_harms_nobody() {
        let stage = Stage::new();
        let (a, b) = (stage.server("a"), stage.server("b"));
        stage.store.put(&format!("{SERVERS}z.json"), Bytes::from_static(b"nonsense")).await.unwrap();
        b.say().await.unwrap();
        assert_eq!(a.others().await, ["http://b"]);
        b.leave().await;
        assert_eq!(a.others().await, ["http://b"], "looked at a moment ago");
        stage.pass(SEEN);
        assert_eq!(a.others().await, Vec::<String>::new());
    }
}
