//! A small ledger to fold, a clock that follows tokio's (paused) time, and marks from a counter.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use firesteel_journal::{Clock, Deps, Fold, Journal, Log, Millis, Settings, Store};
use serde::{Deserialize, Serialize};

/// Accounts by name; every deposit carries an id so that the log can be searched for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    pub accounts: BTreeMap<String, i64>,
    pub count: u64,
    pub closed: bool,
}

#[derive(Debug, Clone)]
pub enum Command {
    /// Add an amount; refused below zero, and after closing.
    Add {
        id: u64,
        account: String,
        amount: i64,
        padding: usize,
    },
    /// Succeeds and changes nothing if the account exists.
    Ensure {
        account: String,
    },
    Close,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    Added { id: u64, account: String, amount: i64, padding: String },
    Closed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Overdrawn(i64),
    Closed,
}

impl Fold for Ledger {
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(&self, command: &Command, _now: Millis) -> Result<Vec<Event>, Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        match command {
            Command::Add { id, account, amount, padding } => {
                let balance = self.accounts.get(account).copied().unwrap_or(0);
                if balance + amount < 0 {
                    return Err(Refusal::Overdrawn(balance));
                }
                let padding = "x".repeat(*padding);
                Ok(vec![Event::Added { id: *id, account: account.clone(), amount: *amount, padding }])
            }
            Command::Ensure { account } if self.accounts.contains_key(account) => Ok(vec![]),
            Command::Ensure { account } => {
                Ok(vec![Event::Added { id: 0, account: account.clone(), amount: 0, padding: String::new() }])
            }
            Command::Close => Ok(vec![Event::Closed]),
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Added { account, amount, .. } => {
                *self.accounts.entry(account.clone()).or_default() += amount;
                self.count += 1;
            }
            Event::Closed => self.closed = true,
        }
    }
}

pub fn add(id: u64, amount: i64) -> Command {
    Command::Add { id, account: "a".into(), amount, padding: 0 }
}

/// 2026-11-21, so that stored times are realistic.
pub const START: Millis = 1_795_265_200_000;

/// Follows tokio's time; both clocks can be pushed ahead as a sleeping machine would.
pub struct TestClock {
    start: tokio::time::Instant,
    wall: AtomicI64,
    slept: AtomicI64,
}

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            start: tokio::time::Instant::now(),
            wall: AtomicI64::new(START),
            slept: AtomicI64::new(0),
        })
    }

    /// The machine slept: wall and boot clock went on, timers did not.
    pub fn sleep(&self, slept: Duration) {
        self.slept.fetch_add(slept.as_millis() as i64, Ordering::SeqCst);
    }

    /// The wall clock was set.
    pub fn set_wall(&self, by: i64) {
        self.wall.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        self.wall.load(Ordering::SeqCst) + self.boot()
    }

    fn boot(&self) -> Millis {
        self.start.elapsed().as_millis() as i64 + self.slept.load(Ordering::SeqCst)
    }
}

pub fn deps(clock: &Arc<TestClock>, writer: &'static str) -> Deps {
    let next = AtomicU64::new(0);
    Deps {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        marks: Arc::new(move || format!("{writer}-{}", next.fetch_add(1, Ordering::SeqCst))),
    }
}

pub fn log() -> Log {
    Log::application("app")
}

pub async fn open(store: Arc<dyn Store>, clock: &Arc<TestClock>, writer: &'static str) -> Journal<Ledger> {
    open_with(store, clock, writer, Settings::default()).await
}

pub async fn open_with(
    store: Arc<dyn Store>,
    clock: &Arc<TestClock>,
    writer: &'static str,
    settings: Settings,
) -> Journal<Ledger> {
    Journal::open(store, log(), deps(clock, writer), settings).await.expect("the log opens")
}

/// Wall and boot clock of this machine, for tests against real servers.
pub struct RealClock(pub std::time::Instant);

impl Clock for RealClock {
    fn now(&self) -> Millis {
        START + self.boot()
    }

    fn boot(&self) -> Millis {
        self.0.elapsed().as_millis() as i64
    }
}

fn real_deps(writer: &'static str) -> Deps {
    let next = AtomicU64::new(0);
    Deps {
        clock: Arc::new(RealClock(std::time::Instant::now())),
        marks: Arc::new(move || format!("{writer}-{}", next.fetch_add(1, Ordering::SeqCst))),
    }
}

/// Two journals on one log, each with `each` commands in flight at once: every one is accepted once, and both agree with
/// a third that reads the log from the beginning.
pub async fn race_two_journals(store: Arc<dyn Store>, each: u64) {
    let settings = Settings { checkpoint_every: 4, ..Settings::default() };
    let mut journals = Vec::new();
    for writer in ["a", "b", "c"] {
        let (store, settings) = (Arc::clone(&store), settings.clone());
        let journal: Journal<Ledger> =
            Journal::open(store, log(), real_deps(writer), settings).await.expect("it opens");
        journals.push(journal);
    }
    let commands = (0..2 * each).map(|id| {
        let journal = journals[(id % 2) as usize].clone();
        async move {
            tokio::time::sleep(Duration::from_millis(id * 7 % 100)).await;
            journal.submit(add(id, 1)).await.expect("accepted")
        }
    });
    futures::future::join_all(commands).await;
    let mut states = Vec::new();
    for journal in &journals {
        states.push(journal.fresh().await.expect("readable"));
        journal.close().await;
    }
    assert_eq!(states[0].state.accounts["a"], 2 * each as i64);
    assert_eq!(states[0], states[1]);
    assert_eq!(states[0], states[2]);
    let reopened: Journal<Ledger> =
        Journal::open(store, log(), real_deps("d"), settings).await.expect("it opens");
    assert_eq!(reopened.state(), states[0]);
}
