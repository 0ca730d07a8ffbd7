//! A store that loses, delays and reorders answers as a plan from outside says.
//!
//! It draws no chance of its own: the same plan gives the same faults. Waiting is tokio's time only, so a paused
//! clock makes a whole storm instantaneous.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::port::{Created, Page, Store, StoreError};

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A create-only write.
    Create,
    /// An overwrite.
    Put,
    /// A read.
    Get,
    /// One page of a listing.
    List,
    /// A removal.
    Delete,
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing out of the ordinary.
    None,
    /// Answered 503 before anything happened. As with a real store, a create-only write's outcome is then unknown to
    /// the caller; the other requests are told that it was not done.
    Refused,
    /// Nothing happens and no answer comes.
    Lost,
    /// It takes effect, and the answer is lost.
    LostReply,
    /// No answer comes, and the write takes effect this much later, whatever happened in between. For reads: `Lost`.
    LateWrite(Duration),
}

/// A fault, and how long the request takes on either side of its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Time before the effect.
    pub before: Duration,
    /// Time from the effect to the answer.
    pub after: Duration,
    /// What goes wrong.
    pub fault: Fault,
}

impl Verdict {
    /// An immediate, undisturbed answer.
    pub const FINE: Self = Self { before: Duration::ZERO, after: Duration::ZERO, fault: Fault::None };

    /// No delay, this fault.
    #[must_use]
    pub fn of(fault: Fault) -> Self {
        Self { fault, ..Self::FINE }
    }
}

/// Decides what happens to each request, in the order in which they are made.
pub trait Plan: Send {
    /// The fate of this request.
    fn next(&mut self, kind: Kind, key: &str) -> Verdict;
}

impl<F: FnMut(Kind, &str) -> Verdict + Send> Plan for F {
    fn next(&mut self, kind: Kind, key: &str) -> Verdict {
        self(kind, key)
    }
}

/// How often each fault comes, in thousandths of all requests, and how long requests take.
#[derive(Debug, Clone, Copy)]
pub struct Odds {
    /// [`Fault::Refused`].
    pub refused: u64,
    /// [`Fault::Lost`].
    pub lost: u64,
    /// [`Fault::LostReply`].
    pub lost_reply: u64,
    /// [`Fault::LateWrite`].
    pub late_write: u64,
    /// Longest time before the effect, and longest time after it.
    pub delay: Duration,
    /// Longest delay of a late write.
    pub late_by: Duration,
}

impl Odds {
    /// No faults, no delays.
    pub const FINE: Self = Self {
        refused: 0,
        lost: 0,
        lost_reply: 0,
        late_write: 0,
        delay: Duration::ZERO,
        late_by: Duration::ZERO,
    };

    /// A bad day: about one request in five goes wrong.
    pub const STORM: Self = Self {
        refused: 60,
        lost: 40,
        lost_reply: 60,
        late_write: 40,
        delay: Duration::from_millis(120),
        late_by: Duration::from_secs(20),
    };
}

/// Draws faults from a seed.
#[derive(Debug, Clone)]
pub struct SeededPlan {
    state: u64,
    odds: Odds,
}

impl SeededPlan {
    /// The same seed and odds give the same faults.
    #[must_use]
    pub fn new(seed: u64, odds: Odds) -> Self {
        Self { state: seed, odds }
    }

    // SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn upto(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.draw() % micros.saturating_add(1))
    }
}

impl Plan for SeededPlan {
    fn next(&mut self, _kind: Kind, _key: &str) -> Verdict {
        let Odds { refused, lost, lost_reply, late_write, delay, late_by } = self.odds;
        let (before, after, late) = (self.upto(delay), self.upto(delay), self.upto(late_by));
        let mut dice = self.draw() % 1000;
        for (odds, fault) in [
            (refused, Fault::Refused),
            (lost, Fault::Lost),
            (lost_reply, Fault::LostReply),
            (late_write, Fault::LateWrite(late)),
        ] {
            if dice < odds {
                return Verdict { before, after, fault };
            }
            dice -= odds;
        }
        Verdict { before, after, fault: Fault::None }
    }
}

/// A store whose requests suffer what the plan says.
pub struct FaultyStore<S> {
    inner: Arc<S>,
    plan: Mutex<Box<dyn Plan>>,
}

impl<S: Store + 'static> FaultyStore<S> {
    /// Disturbs requests to `inner`.
    pub fn new(inner: S, plan: impl Plan + 'static) -> Self {
        Self { inner: Arc::new(inner), plan: Mutex::new(Box::new(plan)) }
    }

    /// The undisturbed store behind.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// From now on another plan: a storm ends, or begins.
    pub fn set_plan(&self, plan: impl Plan + 'static) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(plan);
    }

    fn verdict(&self, kind: Kind, key: &str) -> Verdict {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).next(kind, key)
    }

    // Runs one request under its verdict. `late` does the same work detached from the caller.
    async fn suffer<T>(
        &self,
        verdict: Verdict,
        effect: impl Future<Output = Result<T, StoreError>>,
        late: impl Future<Output = ()> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Verdict { before, after, fault } = verdict;
        pause(before).await;
        let answer = match fault {
            Fault::None => effect.await,
            Fault::Refused => Err(StoreError::NotDone("503 SlowDown".to_owned())),
            Fault::Lost => Err(no_answer()),
            Fault::LostReply => effect.await.and(Err(no_answer())),
            Fault::LateWrite(by) => {
                tokio::spawn(async move {
                    tokio::time::sleep(by).await;
                    late.await;
                });
                Err(no_answer())
            }
        };
        pause(after).await;
        answer
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn no_answer() -> StoreError {
    StoreError::Unknown("no answer".to_owned())
}

#[async_trait]
impl<S: Store + 'static> Store for FaultyStore<S> {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        let (inner, at, copy) = (Arc::clone(&self.inner), key.to_owned(), body.clone());
        let late = async move { drop(inner.create(&at, copy).await) };
        let verdict = self.verdict(Kind::Create, key);
        match self.suffer(verdict, self.inner.create(key, body), late).await {
            Err(_) if verdict.fault != Fault::None => Ok(Created::Unknown),
            answer => answer,
        }
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        let (inner, at, copy) = (Arc::clone(&self.inner), key.to_owned(), body.clone());
        let late = async move { drop(inner.put(&at, copy).await) };
        let verdict = self.verdict(Kind::Put, key);
        self.suffer(verdict, self.inner.put(key, body), late).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let verdict = self.verdict(Kind::Get, key);
        self.suffer(verdict, self.inner.get(key), std::future::ready(())).await
    }

    async fn list(&self, prefix: &str, start_after: &str, limit: usize) -> Result<Page, StoreError> {
        let verdict = self.verdict(Kind::List, prefix);
        self.suffer(verdict, self.inner.list(prefix, start_after, limit), std::future::ready(())).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let (inner, at) = (Arc::clone(&self.inner), key.to_owned());
        let late = async move { drop(inner.delete(&at).await) };
        let verdict = self.verdict(Kind::Delete, key);
        self.suffer(verdict, self.inner.delete(key), late).await
    }
}
