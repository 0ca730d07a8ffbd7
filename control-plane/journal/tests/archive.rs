//! What is written before what outside the journal: bodies by hash, the archive, tokens, first entries.
mod common;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use common::{Event, Ledger, START, TestClock, deps, open};
use firesteel_journal::protocols::{
    Settled, TOKEN_DAYS, archive, find_history, find_token, forget_launches, sweep_tokens, write_first,
};
use firesteel_journal::requests::{BODY_DAYS, BodyError, INLINE_BYTES, load_body, store_body, sweep_bodies};
use firesteel_journal::segments::{SegmentError, find_tags, load_segment, store_segment, store_tags};
use firesteel_journal::{
    Fault, FaultyStore, Journal, Kind, Log, MemoryStore, Millis, RecordingStore, Settings, Store, Stored,
    Verdict, keys,
};
use serde_json::json;

const DAY: Millis = 86_400_000;

fn settled(run: &str, created: Millis, token: Option<&str>) -> Settled {
    Settled {
        run: run.to_owned(),
        created,
        token: token.map(|hash| (hash.to_owned(), "content".to_owned())),
        body: Bytes::from(format!("body of {run}")),
    }
}

#[tokio::test]
async fn a_small_body_stays_inline_and_a_large_one_is_put_first() {
    let store = RecordingStore::new(MemoryStore::new());
    let exact = json!("x".repeat(INLINE_BYTES - 2));
    let stored = store_body(&store, "app", exact.clone(), START).await.unwrap();
    assert_eq!(stored, Stored::Inline(exact));
    assert_eq!(store.take().create, 0);
    let large = json!({ "args": "x".repeat(INLINE_BYTES) });
    let stored = store_body(&store, "app", large.clone(), START).await.unwrap();
    let Stored::ByHash { sha256, size, day } = &stored else { panic!("{stored:?}") };
    assert_eq!(*size, INLINE_BYTES as u64 + 11);
    let key = keys::request("app", day.as_deref(), sha256);
    assert!(store.inner().objects().into_keys().eq([key.clone()]), "one object, by its hash");
    assert_eq!(store_body(&store, "app", large.clone(), START).await.unwrap(), stored, "again is the same");
    assert_eq!(load_body(&store, "app", &stored).await.unwrap(), large);

    store.put(&key, Bytes::from(vec![b'1'; *size as usize])).await.unwrap();
    let damaged = load_body(&store, "app", &stored).await;
    assert_eq!(damaged, Err(BodyError::Damaged(sha256.clone())));
    store.delete(&key).await.unwrap();
    let missing = load_body(&store, "app", &stored).await;
    assert_eq!(missing, Err(BodyError::Missing(sha256.clone())));
}

#[tokio::test]
async fn a_body_whose_storing_is_in_doubt_is_never_named() {
    let large = json!("x".repeat(9000));
    for (fault, named) in [(Fault::LostReply, true), (Fault::Lost, false), (Fault::Refused, false)] {
        let store = FaultyStore::new(MemoryStore::new(), move |kind, _: &str| {
            Verdict::of(if kind == Kind::Create { fault } else { Fault::None })
        });
        let stored = store_body(&store, "app", large.clone(), START).await;
        assert_eq!(stored.is_ok(), named, "{fault:?}");
        assert_eq!(store.inner().objects().len(), usize::from(named));
    }
}

#[tokio::test]
async fn the_token_comes_before_the_history_and_the_proof_after_both() {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    let store = FaultyStore::new(MemoryStore::new(), move |kind, key: &str| {
        let fails = kind == Kind::Put && key.starts_with(keys::TOKENS);
        let mut seen = seen.lock().unwrap();
        seen.push((kind, key.to_owned()));
        Verdict::of(if fails && seen.len() == 1 { Fault::LostReply } else { Fault::None })
    });
    let run = settled("r1", START, Some("t1"));
    assert!(archive(&store, "app", &run, START).await.is_err(), "in doubt: no proof");
    let history = keys::history("app", START, "r1");
    assert!(!store.inner().objects().contains_key(&history), "no history before the token is certain");
    let proof = archive(&store, "app", &run, START).await.unwrap();
    assert_eq!((proof.run(), proof.history()), ("r1", history.as_str()));
    let order: Vec<(Kind, String)> = requests.lock().unwrap().drain(..).collect();
    let token = keys::token(keys::Day::of(START), "t1");
    let put = |key: &str| (Kind::Put, key.to_owned());
    assert_eq!(order, [put(&token), put(&token), put(&history)]);
    assert_eq!(
        find_history(&store, "app", START, "r1").await.unwrap(),
        Some(Bytes::from_static(b"body of r1"))
    );
    assert_eq!(find_history(&store, "app", START, "r2").await.unwrap(), None);
}

#[tokio::test]
async fn a_token_is_found_for_a_day_at_least_and_swept_when_no_question_reaches_it() {
    let store = RecordingStore::new(MemoryStore::new());
    let midnight = keys_midnight();
    for at in [midnight, midnight + DAY - 1] {
        archive(&store, "app", &settled("r1", START, Some("t1")), at).await.unwrap();
        for later in [0, DAY / 2, DAY] {
            let found = find_token(&store, "t1", at + later).await.unwrap().unwrap();
            assert_eq!((found.run.as_str(), found.content.as_str()), ("r1", "content"));
        }
    }
    store.take();
    assert_eq!(find_token(&store, "t2", midnight).await.unwrap(), None);
    assert_eq!(store.take().get, TOKEN_DAYS as u64 + 1, "what a question costs");
    for days in 0..=TOKEN_DAYS + 1 {
        assert_eq!(sweep_tokens(&store, midnight + days * DAY, 10).await.unwrap(), 0);
    }
    let gone = midnight + (TOKEN_DAYS + 2) * DAY;
    archive(&store, "app", &settled("r2", START, Some("t2")), gone).await.unwrap();
    assert_eq!(sweep_tokens(&store, gone, 10).await.unwrap(), 1);
    assert_eq!(sweep_tokens(&store, gone, 10).await.unwrap(), 0);
    assert!(find_token(&store, "t2", gone).await.unwrap().is_some());
}

fn keys_midnight() -> Millis {
    START - START.rem_euclid(DAY)
}

#[tokio::test]
async fn old_bodies_that_nobody_names_are_swept() {
    let store = MemoryStore::new();
    let mut hashes = Vec::new();
    for (days, text) in [(0, "a"), (0, "b"), (1, "c"), (3, "a")] {
        let body = json!(text.repeat(INLINE_BYTES));
        let stored = store_body(&store, "app", body, START + days * DAY).await.unwrap();
        let Stored::ByHash { sha256, .. } = stored else { panic!("{stored:?}") };
        hashes.push(sha256);
    }
    let undated = keys::request("app", None, &hashes[0]);
    store.put(&undated, Bytes::new()).await.unwrap();
    let sweep = async |days: i64, named: &[&str]| {
        sweep_bodies(&store, "app", START + days * DAY, |sha256| named.contains(&sha256)).await.unwrap()
    };
    assert_eq!(sweep(BODY_DAYS, &[]).await, 0, "a writer may be about to name it");
    assert_eq!(sweep(BODY_DAYS + 1, &[&hashes[0]]).await, 1, "only what nobody names");
    assert_eq!(sweep(BODY_DAYS + 1, &[]).await, 1);
    assert_eq!(sweep(BODY_DAYS + 2, &[]).await, 1);
    let left: Vec<String> = store.objects().into_keys().collect();
    assert!(left.len() == 2 && left.contains(&undated), "{left:?}");
}

#[tokio::test]
async fn a_segment_is_named_by_its_bytes_and_verified() {
    let store = RecordingStore::new(MemoryStore::new());
    let body = Bytes::from_static(b"a thousand runs");
    let name = store_segment(&store, "app", body.clone()).await.unwrap();
    assert_eq!(store_segment(&store, "app", body.clone()).await.unwrap(), name, "again is the same");
    assert_eq!(store.inner().objects().len(), 1);
    store.take();
    assert_eq!(load_segment(&store, "app", &name).await.unwrap(), body);
    assert_eq!(store.take().get, 1, "what reading one costs");
    let missing = load_segment(&store, "other", &name).await;
    assert_eq!(missing, Err(SegmentError::Missing(name.clone())));
    store.put(&keys::history_segment("app", &name), Bytes::from_static(b"999 runs")).await.unwrap();
    assert_eq!(load_segment(&store, "app", &name).await, Err(SegmentError::Damaged(name)));
}

#[tokio::test]
async fn what_is_in_doubt_is_looked_at_before_an_entry_may_name_it() {
    for (fault, stored) in [(Fault::LostReply, true), (Fault::Lost, false)] {
        let plan =
            move |kind: Kind, _: &str| Verdict::of(if kind == Kind::Create { fault } else { Fault::None });
        let store = FaultyStore::new(MemoryStore::new(), plan);
        assert_eq!(store_segment(&store, "app", Bytes::new()).await.is_ok(), stored, "{fault:?}");
        assert_eq!(store_tags(&store, "app", "r", 1, Bytes::new()).await.is_ok(), stored, "{fault:?}");
    }
}

#[tokio::test]
async fn of_changed_tags_the_last_version_counts_whoever_writes_last() {
    let store = MemoryStore::new();
    assert_eq!(find_tags(&store, "app", "r").await.unwrap(), None);
    for version in [7, 12, 9] {
        store_tags(&store, "app", "r", version, Bytes::from(format!("tags {version}"))).await.unwrap();
    }
    store_tags(&store, "app", "r2", 30, Bytes::new()).await.unwrap();
    assert_eq!(find_tags(&store, "app", "r").await.unwrap(), Some(Bytes::from_static(b"tags 12")));
}

#[tokio::test(start_paused = true)]
async fn a_first_entry_may_be_derived_by_anyone_any_number_of_times() {
    let (memory, clock) = (Arc::new(MemoryStore::new()), TestClock::new());
    let log = Log::application("app");
    let events = || vec![Event::Added { id: 1, account: "a".into(), amount: 5, padding: "".into() }];
    write_first(&*memory, &log, "of app", START, events()).await.unwrap();
    let bytes = memory.objects();
    let journal = open(memory.clone(), &clock, "w").await;
    journal.submit(common::add(2, 1)).await.unwrap();
    write_first(&*memory, &log, "of app", START, events()).await.unwrap();
    assert_eq!(memory.objects()[&log.entry(1)], bytes[&log.entry(1)]);
    let again: Journal<Ledger> =
        Journal::open(memory, log, deps(&clock, "x"), Settings::default()).await.unwrap();
    assert_eq!(again.state().state.accounts["a"], 6);
}

#[tokio::test]
async fn launch_objects_of_one_attempt_are_forgotten_together() {
    let store = MemoryStore::new();
    for (attempt, hash) in [("r-1", "a"), ("r-1", "b"), ("r-10", "c")] {
        store.put(&keys::launch("app", attempt, hash), Bytes::new()).await.unwrap();
    }
    assert_eq!(forget_launches(&store, "app", "r-1").await.unwrap(), 2);
    let left: Vec<String> = store.objects().into_keys().collect();
    assert_eq!(left, [keys::launch("app", "r-10", "c")]);
}
