//! The control planes that stand beside this one on the same state: each says in `servers/<id>.json` where runners reach
//! it, and a runner is given all of them when it is launched and with each answer. So it is heard when all that were there at its
//! launch are gone.
//!
//! It decides nothing about who may do what: a runner that speaks to any of them speaks to the same state. But a host of which for
//! a minute nobody has heard – no heartbeat, and no runner by any control plane – is taken for lost. A minute is so many looks
//! that the store has answered: while it is away, nobody can say that they are there.

mod beside;
mod hearing;

pub use beside::Beside;

use crate::ports::Neighbours;
use anyhow::Context;
use bytes::Bytes;
use firesteel_core::id::{ApplicationId, HostId};
use firesteel_journal::keys::SERVERS;
use firesteel_journal::{Clock, Millis, Store};
use hearing::{Hearing, LOOKS};
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
/// Servers on one page of a listing.
const PAGE: usize = 1_000;

/// One control plane's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Heartbeat {
    /// Where runners reach it: base URLs without a trailing slash.
    endpoints: Vec<String>,
    /// When it said so.
    at: Millis,
    /// Hosts of runners that it has heard since it said so the last time but one: who listens may miss a word.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    heard: BTreeSet<String>,
}

/// This control plane among the others on its state.
pub struct Servers {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    id: String,
    endpoints: Vec<String>,
    others: Mutex<(Millis, Vec<String>)>,
    hearing: Mutex<Hearing>,
    /// Where the others were reached at the last listening.
    listened: Mutex<Vec<String>>,
}

impl Servers {
    /// The control plane `id`, reached by runners at `endpoints`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, id: &str, endpoints: Vec<String>) -> Self {
        let others = Mutex::new((Millis::MIN, Vec::new()));
        Self {
            store,
            clock,
            id: id.to_owned(),
            endpoints,
            others,
            hearing: Mutex::default(),
            listened: Mutex::default(),
        }
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
        let heard = self.hearing().next_names();
        self.say(heard).await?;
        self.hearing().said();
        let words = self.words().await?;
        *self.listened() = self.standing(&words, self.clock.now());
        self.hearing().look(&words, self.clock.boot());
        Ok(())
    }

    async fn say(&self, heard: BTreeSet<String>) -> anyhow::Result<()> {
        let word = Heartbeat { endpoints: self.endpoints.clone(), at: self.clock.now(), heard };
        self.store.put(&self.key(), Bytes::from(serde_json::to_vec(&word)?)).await.context(self.key())
    }

    fn hearing(&self) -> MutexGuard<'_, Hearing> {
        self.hearing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listened(&self) -> MutexGuard<'_, Vec<String>> {
        self.listened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks in a row, the last of them just now, that heard nothing of that host; of its own host none.
    pub fn silence(&self, host: &HostId) -> u32 {
        if host.as_str() == self.id {
            return 0;
        }
        let boot = self.clock.boot();
        self.hearing().silence(host.as_str(), boot)
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
        let words = self.words().await?;
        for (server, _) in words.iter().filter(|(_, word)| now.saturating_sub(word.at) > OLD) {
            self.store.delete(&key_of(server)).await?;
        }
        Ok(self.standing(&words, now))
    }

    /// Where those of the others are reached whose word stands.
    fn standing(&self, words: &BTreeMap<String, Heartbeat>, now: Millis) -> Vec<String> {
        let stands = |word: &&Heartbeat| now.saturating_sub(word.at).abs() < STANDS;
        let urls = words.values().filter(stands).flat_map(|word| &word.endpoints);
        let urls: BTreeSet<&String> = urls.filter(|url| !self.endpoints.contains(url)).collect();
        urls.into_iter().cloned().collect()
    }

    /// The other control planes' heartbeats.
    async fn words(&self) -> anyhow::Result<BTreeMap<String, Heartbeat>> {
        let (mut words, mut after, mut more) = (BTreeMap::new(), String::new(), true);
        while more {
            let page = self.store.list(SERVERS, &after, PAGE).await?;
            more = page.more;
            for listed in page.entries {
                after.clone_from(&listed.key);
                let name = listed.key.strip_prefix(SERVERS).and_then(|name| name.strip_suffix(".json"));
                let Some(server) = name.filter(|server| *server != self.id) else { continue };
                let Some(bytes) = self.store.get(&listed.key).await? else { continue };
                if let Ok(word) = serde_json::from_slice::<Heartbeat>(&bytes) {
                    words.insert(server.to_owned(), word);
                }
            }
        }
        Ok(words)
    }
}

impl Neighbours for Servers {
    fn heard(&self, host: &HostId) {
        if host.as_str() != self.id {
            self.hearing().hears(host.as_str());
        }
    }

    fn has_lost(&self, host: &HostId) -> bool {
        self.silence(host) >= LOOKS
    }

    fn is_there(&self, host: &HostId) -> bool {
        self.hearing().is_there(host.as_str())
    }

    fn looks_after(&self, application: &ApplicationId) -> bool {
        self.hearing().is_nearest(&self.id, application.as_str())
    }

    fn endpoints(&self) -> Vec<String> {
        let all: BTreeSet<String> = self.listened().iter().chain(&self.endpoints).cloned().collect();
        all.into_iter().collect()
    }
}

fn key_of(server: &str) -> String {
    format!("{SERVERS}{server}.json")
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
    async fn runners_are_told_the_same_by_each() {
        let stage = Stage::new();
        let (a, b) = (stage.server("a"), stage.server("b"));
        assert_eq!(a.endpoints(), ["http://a"], "before it has listened");
        for _ in 0..2 {
            b.say_and_listen().await.unwrap();
            a.say_and_listen().await.unwrap();
        }
        assert_eq!(a.endpoints(), ["http://a", "http://b"]);
        assert_eq!(b.endpoints(), a.endpoints());
        b.leave().await;
        a.say_and_listen().await.unwrap();
        assert_eq!(a.endpoints(), ["http://a"]);
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

    #[tokio::test]
    async fn each_application_is_looked_after_by_one_that_is_there() {
        let stage = Stage::new();
        let all = ["a", "b", "c"].map(|id| stage.server(id));
        let apps: Vec<ApplicationId> = (0..300).map(|n| ApplicationId::new(format!("00f{n:013}"))).collect();
        let mine =
            |server: &Servers| -> Vec<bool> { apps.iter().map(|app| server.looks_after(app)).collect() };
        assert!(mine(&all[0]).iter().all(|mine| *mine), "who knows nobody looks after all");
        for server in all.iter().chain(&all) {
            server.say_and_listen().await.unwrap();
        }
        assert!(all[0].is_there(&HostId::new("c")) && !all[0].is_there(&HostId::new("a")));
        let before = [mine(&all[0]), mine(&all[1]), mine(&all[2])];
        for n in 0..apps.len() {
            assert_eq!(before.iter().filter(|mine| mine[n]).count(), 1, "{n}");
        }
        let shares = before.each_ref().map(|mine| mine.iter().filter(|mine| **mine).count());
        assert!(shares.iter().all(|share| (60..=140).contains(share)), "{shares:?}");
        // One falls silent: the others take over what it had and keep what they have.
        for _ in 0..4 {
            stage.pass(10_000);
            for server in &all[..2] {
                server.say_and_listen().await.unwrap();
            }
        }
        assert!(!all[0].is_there(&HostId::new("c")));
        let after = [mine(&all[0]), mine(&all[1])];
        for n in 0..apps.len() {
            assert_eq!(after.iter().filter(|mine| mine[n]).count(), 1, "{n}");
            assert!((!before[0][n] || after[0][n]) && (!before[1][n] || after[1][n]), "{n}");
        }
    }

    #[tokio::test]
    async fn an_old_look_says_nothing() {
        let stage = Stage::new();
        let (a, host) = (stage.server("a"), HostId::new("b"));
        assert!(!a.has_lost(&host));
        looks(&a, LOOKS).await;
        assert!(a.has_lost(&host));
        stage.pass(30_001);
        assert!(!a.has_lost(&host), "this machine slept: nobody knows what was heard meanwhile");
        looks(&a, 1).await;
        assert!(a.has_lost(&host));
        a.heard(&host);
        assert!(!a.has_lost(&host), "its runner has just spoken");
    }

    #[tokio::test]
    async fn every_server_is_looked_at_however_many_there_are() {
        let stage = Stage::new();
        for old in 0..PAGE + 5 {
            let key = key_of(&format!("old-{old:04}"));
            stage.store.put(&key, Bytes::from_static(b"{\"endpoints\":[],\"at\":7}")).await.unwrap();
        }
        let (a, z) = (stage.server("a"), stage.server("zz"));
        assert!(!a.has_lost(&HostId::new("zz")));
        for _ in 0..=LOOKS {
            stage.pass(1);
            z.say_and_listen().await.unwrap();
            looks(&a, 1).await;
        }
        assert!(!a.has_lost(&HostId::new("zz")));
    }

    #[test]
    fn the_first_form_of_a_heartbeat_is_read() {
        let word: Heartbeat = serde_json::from_str(r#"{"endpoints":["http://b"],"at":7}"#).unwrap();
        assert_eq!(word, Heartbeat { endpoints: vec!["http://b".into()], at: 7, heard: BTreeSet::new() });
    }
}
