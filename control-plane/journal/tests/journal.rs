//! What a journal promises, on a store without faults.
mod common;

use std::sync::Arc;

use common::{Event, Refusal, TestClock, add, log, open};
use firesteel_journal::{Entry, MemoryStore, Store, SubmitError, decode};

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
