//! The conformance suite over the stores that need no server, and the start-up probe against stores that lie.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use firesteel_journal::{
    Counts, Created, Fault, FaultyStore, Kind, MemoryStore, Odds, Page, ProbeError, RecordingStore,
    SeededPlan, Store, StoreError, Verdict, probe, suite,
};

#[tokio::test]
async fn memory_passes_the_suite() {
    suite::run(&MemoryStore::new(), "suite").await;
}

#[tokio::test(start_paused = true)]
async fn a_faulty_store_without_faults_passes_the_suite() {
    let odds = Odds { delay: std::time::Duration::from_millis(50), ..Odds::FINE };
    let store = FaultyStore::new(MemoryStore::new(), SeededPlan::new(1, odds));
    suite::run(&store, "suite").await;
}

#[tokio::test]
async fn a_recording_store_passes_the_suite_and_counts() {
    let store = RecordingStore::new(MemoryStore::new());
    suite::run(&store, "suite").await;
    assert!(store.take().create > 100);
    store.create("a", Bytes::from_static(b"123")).await.unwrap();
    store.get("a").await.unwrap();
    store.get("b").await.unwrap();
    store.put("a", Bytes::from_static(b"12")).await.unwrap();
    store.list("", "", 1).await.unwrap();
    store.delete("a").await.unwrap();
    let seen = Counts { create: 1, put: 1, get: 2, list: 1, delete: 1, bytes_sent: 5, bytes_received: 3 };
    assert_eq!(store.take(), seen);
    assert_eq!(store.take(), Counts::default());
}

#[tokio::test(start_paused = true)]
async fn each_fault_is_what_it_says() {
    let at = |fault| FaultyStore::new(MemoryStore::new(), move |_, _: &str| Verdict::of(fault));
    let body = Bytes::from_static(b"x");

    let store = at(Fault::Refused);
    assert_eq!(store.create("k", body.clone()).await, Ok(Created::Unknown));
    assert!(matches!(store.put("k", body.clone()).await, Err(StoreError::NotDone(_))));
    assert!(store.inner().objects().is_empty());

    let store = at(Fault::Lost);
    assert_eq!(store.create("k", body.clone()).await, Ok(Created::Unknown));
    assert!(matches!(store.put("k", body.clone()).await, Err(StoreError::Unknown(_))));
    assert!(store.inner().objects().is_empty());

    let store = at(Fault::LostReply);
    assert_eq!(store.create("k", body.clone()).await, Ok(Created::Unknown));
    assert!(matches!(store.get("k").await, Err(StoreError::Unknown(_))));
    assert_eq!(store.inner().objects().len(), 1);
    assert!(matches!(store.delete("k").await, Err(StoreError::Unknown(_))));
    assert!(store.inner().objects().is_empty());

    let store = at(Fault::LateWrite(std::time::Duration::from_secs(5)));
    assert_eq!(store.create("k", body.clone()).await, Ok(Created::Unknown));
    assert!(store.inner().objects().is_empty());
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    assert_eq!(store.inner().objects().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_faults() {
    use firesteel_journal::Plan;
    let draw = |seed| {
        let mut plan = SeededPlan::new(seed, Odds::STORM);
        (0..200).map(|_| plan.next(Kind::Get, "k")).collect::<Vec<_>>()
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
    for fault in [Fault::Refused, Fault::Lost, Fault::LostReply, Fault::None] {
        assert!(draw(7).iter().any(|verdict| verdict.fault == fault), "{fault:?}");
    }
}

#[tokio::test]
async fn the_probe_accepts_an_honest_store_and_leaves_nothing() {
    let store = RecordingStore::new(MemoryStore::new());
    assert_eq!(probe(&store, "m").await, Ok(()));
    assert!(store.inner().objects().is_empty());
    let Counts { create, put, get, list, delete, .. } = store.take();
    assert_eq!((create, put, get, list, delete), (42, 0, 6, 1, 6), "what a start costs");
}

#[tokio::test]
async fn the_probe_refuses_a_store_that_ignores_the_condition() {
    let store = Careless::new(false);
    assert_eq!(probe(&store, "m").await, Err(ProbeError::Ignored));
    let message = probe(&store, "n").await.unwrap_err().to_string();
    assert!(message.contains("ignores If-None-Match"), "{message}");
    assert!(store.objects.lock().unwrap().is_empty(), "it cleans up after a refusal too");
}

#[tokio::test]
async fn the_probe_refuses_a_store_whose_creates_race() {
    let refused = probe(&Careless::new(true), "m").await.unwrap_err();
    let ProbeError::Races { winners, round: 1 } = refused else { panic!("{refused}") };
    assert!(winners > 1);
}

#[tokio::test(start_paused = true)]
async fn the_probe_refuses_a_store_without_clear_answers() {
    for fault in [Fault::Refused, Fault::Lost, Fault::LostReply] {
        let store = FaultyStore::new(MemoryStore::new(), move |kind, _: &str| {
            Verdict::of(if kind == Kind::Create { fault } else { Fault::None })
        });
        assert!(matches!(probe(&store, "m").await, Err(ProbeError::Unavailable(_))), "{fault:?}");
    }
}

/// Checks the condition before it has the body, as several real stores did; or not at all.
struct Careless {
    objects: Mutex<BTreeMap<String, Bytes>>,
    checks: bool,
}

impl Careless {
    fn new(checks: bool) -> Self {
        Self { objects: Mutex::default(), checks }
    }
}

#[async_trait]
impl Store for Careless {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        let exists = self.objects.lock().unwrap().contains_key(key);
        tokio::task::yield_now().await;
        if self.checks && exists {
            return Ok(Created::Exists);
        }
        self.objects.lock().unwrap().insert(key.to_owned(), body);
        Ok(Created::Committed)
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        self.objects.lock().unwrap().insert(key.to_owned(), body);
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.objects.lock().unwrap().get(key).cloned())
    }

    async fn list(&self, prefix: &str, _: &str, _: usize) -> Result<Page, StoreError> {
        let objects = self.objects.lock().unwrap();
        let found = objects.iter().filter(|(key, _)| key.starts_with(prefix));
        let entries =
            found.map(|(key, body)| firesteel_journal::Listed { key: key.clone(), size: body.len() as u64 });
        Ok(Page { entries: entries.collect(), more: false })
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.objects.lock().unwrap().remove(key);
        Ok(())
    }
}
