//! What a journal promises and what it costs in requests: one behaviour a test, on paused time.
mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Command, Event, Refusal, TestClock, add, log, open};
use firesteel_journal::{
    Counts, Entry, Fault, FaultyStore, Kind, MemoryStore, Odds, ReadError, RecordingStore, SeededPlan, Store,
    SubmitError, Verdict, decode, encode, keys,
};
use futures::future::join_all;

#[tokio::test(start_paused = true)]
async fn a_command_becomes_an_entry_and_is_read_again() {
    let (store, clock) = (Arc::new(MemoryStore::new()), TestClock::new());
    let journal = open(store.clone(), &clock, "w").await;
    let accepted = journal.submit(add(1, 5)).await.unwrap();
    assert_eq!((accepted.seq, accepted.at), (1, common::START));
    assert_eq!(journal.state().state.accounts["a"], 5);
    let body = store.get(&log().entry(1)).await.unwrap().unwrap();
    let entry: Entry<Event> = decode(&log().entry(1), 1, &body).unwrap();
    assert_eq!(entry.events, accepted.events);
    assert_eq!(encode(&entry).unwrap(), body, "what is written is the form that golden files keep");
    let again = open(store, &clock, "x").await;
    assert_eq!(again.state(), journal.state());
}

#[tokio::test(start_paused = true)]
async fn a_loser_reads_what_won_and_decides_again() {
    let (store, clock) = (Arc::new(MemoryStore::new()), TestClock::new());
    let (a, b) = (open(store.clone(), &clock, "a").await, open(store, &clock, "b").await);
    a.submit(add(1, 5)).await.unwrap();
    assert_eq!(b.state().seq, 0);
    assert_eq!(b.submit(add(2, -3)).await.unwrap().seq, 2);
    assert_eq!(a.submit(add(3, -3)).await, Err(SubmitError::Refused(Refusal::Overdrawn(2))));
}

/// A recording store over a disturbed one over memory.
type Probe = Arc<RecordingStore<FaultyStore<Arc<MemoryStore>>>>;

fn disturbed(plan: impl firesteel_journal::Plan + 'static) -> (Arc<MemoryStore>, Probe) {
    let memory = Arc::new(MemoryStore::new());
    let faulty = FaultyStore::new(Arc::clone(&memory), plan);
    (memory, Arc::new(RecordingStore::new(faulty)))
}

fn fine() -> (Arc<MemoryStore>, Probe) {
    disturbed(SeededPlan::new(0, Odds::FINE))
}

fn slow(millis: u64) -> impl FnMut(Kind, &str) -> Verdict + Send {
    move |_, _: &str| Verdict { after: Duration::from_millis(millis), ..Verdict::FINE }
}

/// The numbers of entries stored, and the largest in bytes.
fn entries(memory: &MemoryStore) -> (Vec<u64>, usize) {
    let prefix = log().entries();
    let objects = memory.objects();
    let found = objects.iter().filter(|(key, _)| key.starts_with(&prefix));
    let (seqs, sizes): (Vec<u64>, Vec<usize>) =
        found.map(|(key, body)| (keys::seq_of(key).unwrap(), body.len())).unzip();
    (seqs, sizes.into_iter().max().unwrap_or(0))
}

fn cost(create: u64, get: u64, list: u64) -> impl Fn(Counts) {
    move |counts| assert_eq!((counts.create, counts.get, counts.list), (create, get, list))
}

#[tokio::test(start_paused = true)]
async fn commands_that_arrive_during_a_put_share_the_next_entry() {
    let (memory, store) = disturbed(slow(50));
    let journal = open(store.clone(), &TestClock::new(), "w").await;
    store.take();
    let accepted = join_all((0..100).map(|id| journal.submit(add(id, 1)))).await;
    cost(1, 0, 0)(store.take());
    let first = journal.submit(add(100, 1));
    let rest = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        join_all((101..200).map(|id| journal.submit(add(id, 1)))).await
    };
    let (first, rest) = tokio::join!(first, rest);
    cost(2, 0, 0)(store.take());
    assert_eq!(first.unwrap().seq, 2);
    assert!(rest.into_iter().all(|accepted| accepted.unwrap().seq == 3));
    assert!(accepted.into_iter().all(|accepted| accepted.unwrap().seq == 1));
    assert_eq!(entries(&memory).0, [1, 2, 3]);
    assert_eq!(journal.state().state.accounts["a"], 200);
}

#[tokio::test(start_paused = true)]
async fn later_commands_see_earlier_ones_and_refusals_hurt_nobody() {
    let (_, store) = fine();
    let journal = open(store.clone(), &TestClock::new(), "w").await;
    store.take();
    let commands = [add(1, 5), add(2, -4), add(3, -4), add(4, 7), Command::Close, add(5, 1)];
    let answers = join_all(commands.into_iter().map(|c| journal.submit(c))).await;
    let told: Vec<_> = answers.into_iter().map(|a| a.map(|a| a.seq)).collect();
    let overdrawn = SubmitError::Refused(Refusal::Overdrawn(1));
    let closed = SubmitError::Refused(Refusal::Closed);
    assert_eq!(told, [Ok(1), Ok(1), Err(overdrawn), Ok(1), Ok(1), Err(closed)]);
    cost(1, 0, 0)(store.take());
    assert_eq!(journal.state().state.accounts["a"], 8);
}

#[tokio::test(start_paused = true)]
async fn an_entry_is_bounded_and_what_does_not_fit_waits() {
    let (memory, store) = fine();
    let journal = open(store, &TestClock::new(), "w").await;
    let big = |id, padding| Command::Add { id, account: "a".into(), amount: 1, padding };
    let sizes = [1 << 20, 1 << 20, 1 << 20, 1 << 20, 5 << 20, 10, (4 << 20) - 1000, 10];
    let commands = (0..).zip(sizes).map(|(id, size)| journal.submit(big(id, size)));
    let answers = join_all(commands).await;
    let told: Vec<_> = answers.into_iter().map(|a| a.map(|a| a.seq).ok()).collect();
    assert_eq!(told, [Some(1), Some(1), Some(1), Some(2), None, Some(2), Some(3), Some(3)]);
    let (seqs, largest) = entries(&memory);
    assert_eq!(seqs, [1, 2, 3]);
    assert!(largest <= 4 << 20, "{largest}");
    let refused = journal.submit(big(9, 5 << 20)).await;
    assert!(matches!(refused, Err(SubmitError::TooLarge { bound: 4_194_304, .. })));
}

#[tokio::test(start_paused = true)]
async fn answers_without_events_come_from_a_fresh_fold() {
    let (memory, store) = fine();
    let clock = TestClock::new();
    let (a, b) = (open(store.clone(), &clock, "a").await, open(memory, &clock, "b").await);
    let ensure = || Command::Ensure { account: "a".into() };
    b.submit(add(1, 5)).await.unwrap();
    store.take();
    // `a` has not seen the account; it would write, loses, and finds nothing left to do.
    let nothing = a.submit(ensure()).await.unwrap();
    assert_eq!((nothing.events.len(), nothing.seq), (0, 1));
    b.submit(add(2, -5)).await.unwrap();
    // `a` still believes in 5: it would refuse -6 and must look first.
    b.submit(add(3, 10)).await.unwrap();
    store.take();
    assert_eq!(a.submit(add(4, -6)).await.unwrap().seq, 4);
    cost(1, 3, 0)(store.take());
    let refused = a.submit(add(5, -99)).await;
    assert_eq!(refused, Err(SubmitError::Refused(Refusal::Overdrawn(4))));
    a.submit(ensure()).await.unwrap();
    cost(0, 2, 0)(store.take());
    a.set_alone(true).await.unwrap();
    store.take();
    a.submit(ensure()).await.unwrap();
    a.submit(add(5, -99)).await.unwrap_err();
    cost(0, 0, 0)(store.take());
}

#[tokio::test(start_paused = true)]
async fn one_probe_serves_all_readers_and_alone_needs_none() {
    let (memory, store) = disturbed(slow(20));
    let clock = TestClock::new();
    let (a, b) = (open(store.clone(), &clock, "a").await, open(memory, &clock, "b").await);
    b.submit(add(1, 5)).await.unwrap();
    store.take();
    let seen = join_all((0..50).map(|_| a.fresh())).await;
    assert!(seen.iter().all(|s| s.as_ref().unwrap().seq == 1));
    cost(0, 2, 0)(store.take());
    join_all((0..50).map(|_| a.fresh())).await;
    cost(0, 1, 0)(store.take());
    // A reader that comes during a probe is not served by it: something may have come after the probe's read.
    let early = a.fresh();
    let late = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        b.submit(add(2, 5)).await.unwrap();
        a.fresh().await
    };
    let (early, late) = tokio::join!(early, late);
    assert_eq!((early.unwrap().seq, late.unwrap().seq), (1, 2));
    a.set_alone(true).await.unwrap();
    store.take();
    assert_eq!(a.fresh().await.unwrap().seq, 2);
    cost(0, 0, 0)(store.take());
    a.refresh().await.unwrap();
    cost(0, 1, 0)(store.take());
}

#[tokio::test(start_paused = true)]
async fn alone_does_not_hide_a_write_that_was_given_up() {
    let late = Fault::LateWrite(Duration::from_secs(50));
    let plan = move |kind, _: &str| Verdict::of(if kind == Kind::Create { late } else { Fault::None });
    let (_, store) = disturbed(plan);
    let journal = open(store.clone(), &TestClock::new(), "w").await;
    journal.set_alone(true).await.unwrap();
    let told = journal.submit(add(1, 5)).await;
    assert!(matches!(told, Err(SubmitError::Unavailable(_))), "{told:?}");
    assert_eq!(journal.fresh().await.unwrap().seq, 0);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(journal.fresh().await.unwrap().seq, 1, "it came late and is seen");
    store.take();
    journal.fresh().await.unwrap();
    cost(0, 0, 0)(store.take());
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_costs_one_read_and_an_absent_entry_is_put_again() {
    for (fault, creates) in [(Fault::LostReply, 1), (Fault::Lost, 2), (Fault::Refused, 2)] {
        let mut first = true;
        let (memory, store) = disturbed(move |kind, _: &str| {
            let hit = kind == Kind::Create && std::mem::take(&mut first);
            Verdict::of(if hit { fault } else { Fault::None })
        });
        let journal = open(store.clone(), &TestClock::new(), "w").await;
        store.take();
        assert_eq!(journal.submit(add(1, 5)).await.unwrap().seq, 1);
        // Found ours: one read, and one that shows that nothing came after. Absent: one read.
        cost(creates, if creates == 1 { 2 } else { 1 }, 0)(store.take());
        assert_eq!(entries(&memory).0, [1]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_caller_loses_the_answer_only() {
    let (memory, store) = disturbed(slow(50));
    let journal = open(store, &TestClock::new(), "w").await;
    for id in 0..3 {
        let gave_up = tokio::time::timeout(Duration::from_millis(10), journal.submit(add(id, 1))).await;
        assert!(gave_up.is_err());
    }
    assert_eq!(journal.submit(add(9, 1)).await.unwrap().seq, 2);
    assert_eq!(journal.state().state.count, 4);
    assert_eq!(entries(&memory).0, [1, 2]);
    // Every handle gone while a command is in hand: it is finished all the same.
    let gone = tokio::time::timeout(Duration::from_millis(10), journal.submit(add(10, 1))).await;
    assert!(gone.is_err());
    drop(journal);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(entries(&memory).0, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn closing_answers_what_came_before_and_nothing_after() {
    let (memory, store) = disturbed(slow(50));
    let journal = open(store, &TestClock::new(), "w").await;
    let other = journal.clone();
    let (before, ()) = tokio::join!(journal.submit(add(1, 1)), journal.close());
    assert_eq!(before.unwrap().seq, 1);
    assert_eq!(other.submit(add(2, 1)).await, Err(SubmitError::Closed));
    assert_eq!(other.fresh().await, Err(ReadError::Closed));
    assert_eq!(other.state().seq, 1, "what was known is known");
    assert_eq!(entries(&memory).0, [1]);
}

#[tokio::test(start_paused = true)]
async fn changes_wake_and_none_is_missed() {
    let (_, store) = fine();
    let clock = TestClock::new();
    let (a, b) = (open(store.clone(), &clock, "a").await, open(store, &clock, "b").await);
    let mut changed = a.changed();
    a.submit(add(1, 1)).await.unwrap();
    b.submit(add(2, 1)).await.unwrap();
    a.refresh().await.unwrap();
    changed.changed().await.unwrap();
    assert_eq!(changed.borrow_and_update().seq, 2);
    assert!(!changed.has_changed().unwrap());
    a.refresh().await.unwrap();
    assert!(!changed.has_changed().unwrap(), "no change, no wake-up");
}

#[tokio::test(start_paused = true)]
async fn time_never_runs_backwards_along_the_log() {
    let (memory, clock) = (Arc::new(MemoryStore::new()), TestClock::new());
    let journal = open(memory, &clock, "w").await;
    let first = journal.submit(add(1, 1)).await.unwrap().at;
    clock.set_wall(-5_000);
    assert_eq!(journal.submit(add(2, 1)).await.unwrap().at, first);
    clock.set_wall(6_000);
    assert_eq!(journal.submit(add(3, 1)).await.unwrap().at, first + 1_000);
}
