//! The control planes that stand beside this one on the same state: each says in `servers/<id>.json` where runners reach
//! it, and a runner is given all of them when it is launched. So it is heard when the one that launched it is lost.
//!
//! It decides nothing about who may do what: a runner that speaks to any of them speaks to the same state. But a host of which for
//! a minute nobody has heard – no heartbeat, and no runner by any control plane – is taken for lost. A minute is so many looks
//! that the store has answered: while it is away, nobody can say that they are there.

use anyhow::Context;
use async_trait::async_trait;
use bytes::Bytes;
use firesteel_core::id::{HostId, WorkerId};
use firesteel_journal::keys::SERVERS;
use firesteel_journal::{Clock, Millis, Store};
use firesteel_service::Neighbours;
use firesteel_substrate::{HostFacts, LaunchError, LaunchOrder, Sighting, Substrate, SubstrateError};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
/// After so many looks in a row that heard nothing of it, a host is lost: a minute and the look that began it.
const LOOKS: u32 = 7;

/// One control plane's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Heartbeat {
    /// Where runners reach it: base URLs without a trailing slash.
    endpoints: Vec<String>,
    /// When it said so.
    at: Millis,
    /// Hosts of runners that it has heard since it last said so.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    heard: BTreeSet<String>,
}

/// What is heard of other hosts.
#[derive(Default)]
struct Hearing {
    /// Of these a runner has spoken to this control plane since the last heartbeat.
    heard: BTreeSet<String>,
    /// Control planes' last heartbeats, as they said them.
    said: BTreeMap<String, Millis>,
    /// Looks in a row that heard nothing, of each host that somebody has asked about.
    silent: BTreeMap<String, u32>,
}

impl Hearing {
    /// One look: of which hosts anything was heard since the one before.
    fn look(&mut self, mut heard: BTreeSet<String>, words: &BTreeMap<String, Heartbeat>) {
        for (server, word) in words {
            // Its clock may be another's; what counts is that it has said something new.
            if self.said.insert(server.clone(), word.at) != Some(word.at) {
                heard.insert(server.clone());
                heard.extend(word.heard.iter().cloned());
            }
        }
        self.said.retain(|server, _| words.contains_key(server));
        for (host, looks) in &mut self.silent {
            *looks = if heard.contains(host) { 0 } else { looks.saturating_add(1) };
        }
    }

    /// A host that is asked about for the first time has its minute from now on.
    fn has_lost(&mut self, host: &str) -> bool {
        *self.silent.entry(host.to_owned()).or_insert(0) >= LOOKS
    }
}

/// This control plane among the others on its state.
pub struct Servers {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    id: String,
    endpoints: Vec<String>,
    others: Mutex<(Millis, Vec<String>)>,
    hearing: Mutex<Hearing>,
}

impl Servers {
    /// The control plane `id`, reached by runners at `endpoints`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, id: &str, endpoints: Vec<String>) -> Self {
        let others = Mutex::new((Millis::MIN, Vec::new()));
        Self { store, clock, id: id.to_owned(), endpoints, others, hearing: Mutex::default() }
    }

    /// Says that it is there and listens for the others, again and again; ends never.
    pub async fn keep_saying(self: Arc<Self>) {
        loop {
            if let Err(error) = self.say_and_listen().await {
                tracing::warn!(error = %format!("{error:#}"), "could not tell the other control planes of this one");
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn say_and_listen(&self) -> anyhow::Result<()> {
        let heard = std::mem::take(&mut self.hearing().heard);
        let told = async {
            self.say(heard.clone()).await?;
            self.words().await
        };
        match told.await {
            Ok(words) => self.hearing().look(heard, &words),
            Err(error) => {
                // It is said, and counts, the next time.
                self.hearing().heard.extend(heard);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn say(&self, heard: BTreeSet<String>) -> anyhow::Result<()> {
        let word = Heartbeat { endpoints: self.endpoints.clone(), at: self.clock.now(), heard };
        self.store.put(&self.key(), Bytes::from(serde_json::to_vec(&word)?)).await.context(self.key())
    }

    fn hearing(&self) -> MutexGuard<'_, Hearing> {
        self.hearing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes its word back: it stops.
    pub async fn leave(&self) {
        if let Err(error) = self.store.delete(&self.key()).await {
            tracing::debug!(%error, "its heartbeat stays until it is old");
        }
    }

    fn key(&self) -> String {
        key_of(&self.id)
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
        for (server, word) in self.words().await? {
            let age = now.saturating_sub(word.at);
            if age.abs() < STANDS {
                found.extend(word.endpoints.into_iter().filter(|url| !self.endpoints.contains(url)));
            } else if age > OLD {
                self.store.delete(&key_of(&server)).await?;
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// The other control planes' heartbeats.
    async fn words(&self) -> anyhow::Result<BTreeMap<String, Heartbeat>> {
        let mut words = BTreeMap::new();
        for listed in self.store.list(SERVERS, "", MOST).await?.entries {
            let name = listed.key.strip_prefix(SERVERS).and_then(|name| name.strip_suffix(".json"));
            let Some(server) = name.filter(|server| *server != self.id) else { continue };
            let Some(bytes) = self.store.get(&listed.key).await? else { continue };
            if let Ok(word) = serde_json::from_slice::<Heartbeat>(&bytes) {
                words.insert(server.to_owned(), word);
            }
        }
        Ok(words)
    }
}

impl Neighbours for Servers {
    fn heard(&self, host: &HostId) {
        if host.as_str() != self.id {
            self.hearing().heard.insert(host.as_str().to_owned());
        }
    }

    fn has_lost(&self, host: &HostId) -> bool {
        host.as_str() != self.id && self.hearing().has_lost(host.as_str())
    }
}

fn key_of(server: &str) -> String {
    format!("{SERVERS}{server}.json")
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
            server.say_and_listen().await.unwrap();
        }
        assert_eq!(all[0].others().await, ["http://b", "http://c"]);
        assert_eq!(all[2].others().await, ["http://a", "http://b"]);
    }

    #[tokio::test]
    async fn who_left_or_fell_silent_is_not_named_and_what_is_old_goes() {
        let stage = Stage::new();
        let (a, b, c) = (stage.server("a"), stage.server("b"), stage.server("c"));
        b.say_and_listen().await.unwrap();
        c.say_and_listen().await.unwrap();
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
        b.say_and_listen().await.unwrap();
        assert_eq!(a.others().await, ["http://b"]);
        b.leave().await;
        assert_eq!(a.others().await, ["http://b"], "looked at a moment ago");
        stage.pass(SEEN);
        assert_eq!(a.others().await, Vec::<String>::new());
    }

    async fn looks(server: &Servers, looks: u32) {
        for _ in 0..looks {
            server.say_and_listen().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_host_is_lost_after_a_minute_of_silence() {
        let stage = Stage::new();
        let (a, b, host) = (stage.server("a"), stage.server("b"), HostId::new("b"));
        b.say_and_listen().await.unwrap();
        assert!(!a.has_lost(&host), "asked about for the first time");
        looks(&a, LOOKS).await;
        assert!(!a.has_lost(&host), "the first of these looks has heard it");
        looks(&a, 1).await;
        assert!(a.has_lost(&host));
        stage.pass(1);
        b.say_and_listen().await.unwrap();
        looks(&a, 1).await;
        assert!(!a.has_lost(&host), "it is back");
        assert!(!a.has_lost(&HostId::new("a")), "never itself");
    }

    #[tokio::test]
    async fn a_host_whose_runners_anybody_hears_is_not_lost() {
        let stage = Stage::new();
        let (a, b, host) = (stage.server("a"), stage.server("b"), HostId::new("dark"));
        assert!(!a.has_lost(&host));
        for _ in 0..2 * LOOKS {
            stage.pass(EVERY.as_millis() as Millis);
            b.heard(&host);
            b.say_and_listen().await.unwrap();
            looks(&a, 1).await;
        }
        assert!(!a.has_lost(&host), "another control plane hears it");
        for _ in 0..2 * LOOKS {
            a.heard(&host);
            looks(&a, 1).await;
        }
        assert!(!a.has_lost(&host), "this one hears it");
        looks(&a, LOOKS).await;
        assert!(a.has_lost(&host));
    }

    #[test]
    fn the_first_form_of_a_heartbeat_is_read() {
        let word: Heartbeat = serde_json::from_str(r#"{"endpoints":["http://b"],"at":7}"#).unwrap();
        assert_eq!(word, Heartbeat { endpoints: vec!["http://b".into()], at: 7, heard: BTreeSet::new() });
    }
}
