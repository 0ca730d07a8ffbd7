//! Checkpoints, trimming, starts, and sleepers that wake up beside a log that went on without them.
mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Ledger, TestClock, add, deps, log, open, open_with};
use firesteel_journal::{
    Counts, Fault, FaultyStore, Journal, Kind, MemoryStore, Odds, ReadError, RecordingStore, SeededPlan,
    Settings, Store, SubmitError, Verdict, keys,
};

const DAY: Duration = Duration::from_secs(86_400);

fn often() -> Settings {
    Settings { checkpoint_every: 10, ..Settings::default() }
}

fn seqs(memory: &MemoryStore, prefix: &str) -> Vec<u64> {
    let objects = memory.objects();
    objects.keys().filter(|key| key.starts_with(prefix)).filter_map(|key| keys::seq_of(key)).collect()
}

async fn commit(journal: &Journal<Ledger>, ids: std::ops::Range<u64>) {
    for id in ids {
        journal.submit(add(id, 1)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_reads_one_checkpoint_and_a_short_tail() {
    let memory = Arc::new(MemoryStore::new());
    let store = Arc::new(RecordingStore::new(Arc::clone(&memory)));
    let clock = TestClock::new();
    let journal = open_with(store.clone(), &clock, "w", often()).await;
    commit(&journal, 0..95).await;
    assert_eq!(seqs(&memory, &log().checkpoints()), [60, 70, 80, 90]);
    assert_eq!(seqs(&memory, &log().entries()).len(), 95, "nothing is trimmed within seven days");
    store.take();
    let again = open(store.clone(), &clock, "x").await;
    let Counts { create, put, get, list, delete, .. } = store.take();
    assert_eq!((create, put, get, list, delete), (0, 0, 6, 2, 0));
    assert_eq!(again.state(), journal.state());
}

#[tokio::test(start_paused = true)]
async fn many_bytes_bring_a_checkpoint_early() {
    let memory = Arc::new(MemoryStore::new());
    let settings = Settings { checkpoint_bytes: 10_000, ..Settings::default() };
    let journal = open_with(memory.clone(), &TestClock::new(), "w", settings).await;
    let big = common::Command::Add { id: 1, account: "a".into(), amount: 1, padding: 6_000 };
    for _ in 0..4 {
        journal.submit(big.clone()).await.unwrap();
    }
    journal.close().await;
    assert_eq!(seqs(&memory, &log().checkpoints()), [2, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_large_state_is_written_down_less_often_but_not_for_ever() {
    let memory = Arc::new(MemoryStore::new());
    let settings = Settings { keep_checkpoints: 100, ..often() };
    let journal = open_with(memory.clone(), &TestClock::new(), "w", settings).await;
    for id in 0..300 {
        let account = format!("{id:0100}");
        let command = common::Command::Add { id, account, amount: 1, padding: 0 };
        journal.submit(command).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let before = seqs(&memory, &log().checkpoints());
    assert_eq!(before[..2], [10, 20], "as long as the state is small");
    commit(&journal, 300..700).await;
    let after = seqs(&memory, &log().checkpoints()).split_off(before.len());
    assert!(after.len() >= 5, "at the latest after 80 entries: {after:?}");
    assert!(after.windows(2).all(|two| two[1] - two[0] == 80), "30 KB are not written every 2 KB: {after:?}");
}

#[tokio::test(start_paused = true)]
async fn only_entries_older_than_seven_days_below_the_kept_checkpoints_are_trimmed() {
    let memory = Arc::new(MemoryStore::new());
    let store = Arc::new(RecordingStore::new(Arc::clone(&memory)));
    let clock = TestClock::new();
    let journal = open_with(store.clone(), &clock, "w", often()).await;
    commit(&journal, 0..25).await;
    tokio::time::sleep(6 * DAY).await;
    commit(&journal, 25..55).await;
    assert_eq!(seqs(&memory, &log().entries()).len(), 55);
    tokio::time::sleep(2 * DAY).await;
    commit(&journal, 55..65).await;
    journal.close().await;
    assert_eq!(seqs(&memory, &log().checkpoints()), [30, 40, 50, 60]);
    let left = seqs(&memory, &log().entries());
    assert_eq!(left, (26..=65).collect::<Vec<_>>(), "1 to 25 are eight days old, 26 and on two");
    assert_eq!(open(store, &clock, "x").await.state().state.count, 65);
}

#[tokio::test(start_paused = true)]
async fn an_idle_journal_looks_before_it_writes() {
    let store = Arc::new(RecordingStore::new(Arc::new(MemoryStore::new())));
    let journal = open(store.clone(), &TestClock::new(), "w").await;
    for (idle, get, list) in [(20, 0, 0), (40, 1, 0), (3600, 1, 2)] {
        journal.submit(add(1, 1)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(idle)).await;
        store.take();
        journal.submit(add(2, 1)).await.unwrap();
        let Counts { create, get: gets, list: lists, .. } = store.take();
        let lists_only = if list > 0 { 0 } else { get };
        assert_eq!((create, gets, lists), (1, lists_only, list), "idle for {idle} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_believed_only_after_folding_again() {
    let mut first = true;
    let plan = move |kind, _: &str| {
        let hit = kind == Kind::Create && std::mem::take(&mut first);
        Verdict { after: Duration::from_secs(if hit { 90 } else { 0 }), ..Verdict::FINE }
    };
    let store = Arc::new(RecordingStore::new(FaultyStore::new(MemoryStore::new(), plan)));
    let patient = Settings { request_timeout: Duration::from_secs(1000), ..Settings::default() };
    let journal = open_with(store.clone(), &TestClock::new(), "w", patient).await;
    store.take();
    assert_eq!(journal.submit(add(1, 1)).await.unwrap().seq, 1);
    let Counts { create, get, list, .. } = store.take();
    assert_eq!((create, get, list), (1, 1, 2), "checkpoints, the tail, and the entry itself");
}

/// A writer whose request for entry 2 sleeps for eight days while another goes on, writes checkpoints and trims; then it
/// finds its old slot free. Returns what it was told, and what both believe afterwards.
async fn sleeper(late_after: Duration) -> (Result<u64, String>, u64, u64) {
    let memory = Arc::new(MemoryStore::new());
    let clock = TestClock::new();
    let asleep = Arc::new(Mutex::new(false));
    let flag = Arc::clone(&asleep);
    let plan = move |kind, _: &str| {
        let hit = kind == Kind::Create && std::mem::take(&mut *flag.lock().unwrap());
        Verdict { before: if hit { 8 * DAY } else { Duration::ZERO }, ..Verdict::FINE }
    };
    let store = Arc::new(FaultyStore::new(Arc::clone(&memory), plan));
    let forever = Duration::from_secs(86_400 * 1000);
    let settings = Settings { late_after, request_timeout: forever, ..Settings::default() };
    let a = open_with(store, &clock, "a", settings).await;
    a.submit(add(1, 1)).await.unwrap();
    let b = open_with(memory.clone(), &clock, "b", often()).await;
    *asleep.lock().unwrap() = true;
    let others = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        commit(&b, 100..180).await;
        tokio::time::sleep(8 * DAY - Duration::from_secs(10)).await;
        commit(&b, 200..260).await;
        b.submit(add(999, 1)).await.unwrap().seq
    };
    let (told, last) = tokio::join!(a.submit(add(2, 1)), others);
    let told = told.map(|accepted| accepted.seq).map_err(|error| match error {
        SubmitError::Unavailable(reason) => reason,
        other => other.to_string(),
    });
    assert!(seqs(&memory, &log().entries()).contains(&2), "it was written into the old slot");
    assert!(!seqs(&memory, &log().entries()).contains(&3), "which the others had trimmed");
    let seen = a.refresh().await.unwrap().state.count;
    assert_eq!(b.refresh().await.unwrap().seq, last);
    (told, seen, b.state().state.count)
}

#[tokio::test(start_paused = true)]
async fn a_sleeper_that_finds_its_old_slot_free_acknowledges_nothing() {
    let (told, a, b) = sleeper(Duration::from_secs(60)).await;
    assert!(told.clone().is_err_and(|reason| reason.contains("checkpoint")), "{told:?}");
    assert_eq!(a, b, "and it goes on from where the others are");
}

// The mistake that the rule is for: believing the store's "created" however late it comes.
#[tokio::test(start_paused = true)]
async fn without_the_rule_the_sleeper_would_acknowledge_a_ghost() {
    let (told, a, b) = sleeper(1000 * DAY).await;
    assert_eq!(told, Ok(2));
    assert_ne!(a, b);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_folds_again_from_the_newest_checkpoint() {
    let memory = Arc::new(MemoryStore::new());
    let (here, there) = (TestClock::new(), TestClock::new());
    let a = open(memory.clone(), &here, "a").await;
    a.submit(add(1, 1)).await.unwrap();
    let b = open_with(memory.clone(), &there, "b", often()).await;
    commit(&b, 2..82).await;
    there.sleep(8 * DAY);
    commit(&b, 82..142).await;
    b.close().await;
    assert!(!seqs(&memory, &log().entries()).contains(&2), "what comes after entry 1 is trimmed");
    here.sleep(8 * DAY);
    assert_eq!(a.fresh().await.unwrap().state, b.state().state);
    assert_eq!(a.submit(add(200, 1)).await.unwrap().seq, b.state().seq + 1);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_removed_takes_no_more_commands() {
    let (memory, clock) = (Arc::new(MemoryStore::new()), TestClock::new());
    let journal = open(memory.clone(), &clock, "w").await;
    commit(&journal, 0..3).await;
    for key in memory.objects().into_keys() {
        memory.delete(&key).await.unwrap();
    }
    clock.sleep(Duration::from_secs(120));
    let told = journal.submit(add(4, 1)).await;
    let gone = |reason: &str| reason.contains("no longer there");
    assert!(matches!(&told, Err(SubmitError::Unavailable(reason)) if gone(reason)), "{told:?}");
    assert!(memory.objects().is_empty());
}

async fn opens(memory: &Arc<MemoryStore>) -> String {
    let opened = Journal::<Ledger>::open(
        Arc::clone(memory) as Arc<dyn Store>,
        log(),
        deps(&TestClock::new(), "x"),
        Settings::default(),
    );
    match opened.await {
        Ok(journal) => format!("opened at {}", journal.state().seq),
        Err(ReadError::Unavailable(reason)) => reason,
        Err(other) => other.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_understood_is_refused_with_the_key() {
    let memory = Arc::new(MemoryStore::new());
    let journal = open_with(memory.clone(), &TestClock::new(), "w", often()).await;
    commit(&journal, 0..12).await;
    let last = log().entry(12);
    for (body, expected) in [
        (r#"{"format":2,"new":true}"#, "has format 2"),
        (r#"{"format":1,"seq":3,"mark":"m","at":1,"events":[]}"#, "it says that it is entry 3"),
        ("not json", "cannot be read"),
    ] {
        memory.put(&last, body.into()).await.unwrap();
        let reason = opens(&memory).await;
        assert!(reason.contains(expected) && reason.contains(&last), "{reason}");
    }
    memory.delete(&last).await.unwrap();
    memory.put(&log().entry(13), "{}".into()).await.unwrap();
    assert_eq!(opens(&memory).await, "entry 12 is missing, and later entries are there");
}

#[tokio::test(start_paused = true)]
async fn a_long_outage_says_unavailable_and_ends_well() {
    let memory = Arc::new(MemoryStore::new());
    let store = Arc::new(FaultyStore::new(Arc::clone(&memory), SeededPlan::new(1, Odds::FINE)));
    let journal = open(store.clone(), &TestClock::new(), "w").await;
    store.set_plan(|_: Kind, _: &str| Verdict::of(Fault::Refused));
    let (told, read) = tokio::join!(journal.submit(add(1, 1)), journal.fresh());
    assert!(matches!(told, Err(SubmitError::Unavailable(_))), "{told:?}");
    assert!(matches!(read, Err(ReadError::Unavailable(_))), "{read:?}");
    store.set_plan(SeededPlan::new(1, Odds::FINE));
    assert_eq!(journal.submit(add(2, 1)).await.unwrap().seq, 1);
    assert_eq!(journal.state().state.count, 1);
}
