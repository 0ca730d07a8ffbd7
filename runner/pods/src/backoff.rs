//! When executors die at their start again and again: slow down, then give up with the last exit in hand.
//!
//! Spark's own limit is racy (it counts only pods it still sees as `Failed`), so this one decides. An executor that
//! lived long enough proves that executors can start and resets the count.

use serde::{Deserialize, Serialize};

use crate::sighting::Ended;

/// The figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackoffLimits {
    /// An executor that runs this long has survived its start.
    pub startup_ms: u64,
    /// An executor that ends *well* sooner than this never was one (`java -version` in its options).
    pub instant_ms: u64,
    /// The longest delay.
    pub max_delay_ms: u64,
    /// So many failures at the start without a survivor: hopeless.
    pub hopeless_failures: u32,
    /// But not before so many rounds: a batch that dies at once is one.
    pub hopeless_rounds: u32,
}

impl Default for BackoffLimits {
    fn default() -> Self {
        Self {
            startup_ms: 20_000,
            instant_ms: 2_000,
            max_delay_ms: 30_000,
            hopeless_failures: 10,
            hopeless_rounds: 3,
        }
    }
}

/// What an end says about starting executors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It died at its start.
    Failure,
    /// It lived.
    Survivor,
    /// Neither: it was told to end, or the platform ended it, or it ended well while young.
    Neither,
}

impl BackoffLimits {
    /// With the user's own limit (`spark.executor.maxNumFailures`): one failure more is too many. Spark itself, from 3.5 on, holds
    /// it against those failures only that it happens to see.
    pub fn with_most_failures(self, most: u32) -> Self {
        let hopeless_failures = most.saturating_add(1);
        Self { hopeless_failures, hopeless_rounds: self.hopeless_rounds.min(hopeless_failures), ..self }
    }

    /// What the end of an executor says that ran for `lived_ms`; `asked`: it had been told to end.
    pub fn outcome(&self, lived_ms: u64, ended: &Ended, asked: bool) -> Outcome {
        if lived_ms >= self.startup_ms {
            Outcome::Survivor
        } else if asked || ended.by_platform() || (ended.succeeded() && lived_ms >= self.instant_ms) {
            Outcome::Neither
        } else {
            Outcome::Failure
        }
    }
}

/// The last exit before giving up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastExit {
    /// Uid of the pod.
    pub uid: String,
    /// Name of the pod.
    pub pod_name: String,
    /// Spark's number of the executor.
    pub executor_id: String,
    /// How it ended.
    pub ended: Ended,
}

/// No executor can start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hopeless {
    /// Failures at the start in a row.
    pub failures: u32,
    /// The last of them.
    pub last: LastExit,
}

/// The count so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    limits: BackoffLimits,
    failures: u32,
    rounds: u32,
    /// When the last round was counted.
    round_at: Option<u64>,
    /// No executor is admitted before.
    until: u64,
    last: Option<LastExit>,
}

impl Backoff {
    /// Nothing has happened yet.
    pub fn new(limits: BackoffLimits) -> Self {
        Self { limits, failures: 0, rounds: 0, round_at: None, until: 0, last: None }
    }

    /// The figures.
    pub fn limits(&self) -> &BackoffLimits {
        &self.limits
    }

    /// An executor admitted at `admitted_at` died at its start, at `now`. Those admitted before the last round
    /// was counted belong to it: a batch that dies together delays once.
    pub fn failed(&mut self, admitted_at: u64, now: u64, last: LastExit) {
        self.failures = self.failures.saturating_add(1);
        self.last = Some(last);
        if self.round_at.is_none_or(|round_at| admitted_at >= round_at) {
            self.rounds = self.rounds.saturating_add(1);
            self.round_at = Some(now);
            self.until = now.saturating_add(self.delay_ms());
        }
    }

    /// An executor lived: all is forgotten.
    pub fn survived(&mut self) {
        *self = Self::new(self.limits);
    }

    /// Whether failures are being counted.
    pub fn is_counting(&self) -> bool {
        self.failures > 0
    }

    /// The delay after the rounds so far: 0, 1 s, 2 s, 4 s, … up to the longest.
    pub fn delay_ms(&self) -> u64 {
        match self.rounds {
            0 => 0,
            rounds => (1000_u64 << (rounds - 1).min(20)).min(self.limits.max_delay_ms),
        }
    }

    /// No executor is to be admitted before this time (Unix milliseconds).
    pub fn until(&self) -> u64 {
        self.until
    }

    /// Whether to give up.
    pub fn hopeless(&self) -> Option<Hopeless> {
        let enough =
            self.failures >= self.limits.hopeless_failures && self.rounds >= self.limits.hopeless_rounds;
        let last = self.last.clone().filter(|_| enough)?;
        Some(Hopeless { failures: self.failures, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sighting::{EndReason, Exit};

    fn ended(exit: Exit, reason: Option<EndReason>) -> Ended {
        Ended { exit: Some(exit), reason, message: None }
    }

    fn exit(uid: &str) -> LastExit {
        let ended = ended(Exit::Code(1), None);
        LastExit { uid: uid.to_owned(), pod_name: uid.to_owned(), executor_id: "1".to_owned(), ended }
    }

    #[test]
    fn delays_double_up_to_thirty_seconds() {
        let mut backoff = Backoff::new(BackoffLimits::default());
        let (mut delays, mut now) = (vec![backoff.delay_ms()], 0);
        for _ in 0..7 {
            backoff.failed(now, now + 10, exit("a"));
            assert_eq!(backoff.until(), now + 10 + backoff.delay_ms());
            now = backoff.until();
            delays.push(backoff.delay_ms());
        }
        assert_eq!(delays, [0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    }

    #[test]
    fn a_batch_is_one_round_but_as_many_failures_as_it_has_executors() {
        let mut backoff = Backoff::new(BackoffLimits::default());
        for n in 0..50 {
            backoff.failed(0, 100 + n, exit("a"));
        }
        assert_eq!((backoff.delay_ms(), backoff.hopeless()), (1000, None));
        backoff.failed(1100, 1200, exit("b"));
        backoff.failed(3200, 3300, exit("c"));
        let hopeless = backoff.hopeless().unwrap();
        assert_eq!((hopeless.failures, hopeless.last.uid.as_str()), (52, "c"));
    }

    #[test]
    fn ten_in_a_row_are_hopeless_and_a_survivor_resets() {
        let mut backoff = Backoff::new(BackoffLimits::default());
        for n in 0..9 {
            backoff.failed(n * 100_000, n * 100_000 + 1, exit("a"));
            assert_eq!(backoff.hopeless(), None);
        }
        let mut other = backoff.clone();
        backoff.failed(1_000_000, 1_000_001, exit("z"));
        assert_eq!(backoff.hopeless().unwrap().failures, 10);
        other.survived();
        other.failed(1_000_000, 1_000_001, exit("z"));
        assert_eq!((other.hopeless(), other.delay_ms()), (None, 1000));
    }

    #[test]
    fn a_users_own_limit_counts() {
        for (most, delays) in [(0, 1), (1, 2), (2, 3), (4, 5), (12, 13)] {
            let mut backoff = Backoff::new(BackoffLimits::default().with_most_failures(most));
            for n in 0..delays {
                assert_eq!(backoff.hopeless(), None, "{most} are allowed");
                backoff.failed(n * 100_000, n * 100_000 + 1, exit("a"));
            }
            assert!(backoff.hopeless().is_some(), "{most} are allowed, not {delays}");
        }
    }

    #[test]
    fn outcomes() {
        let limits = BackoffLimits::default();
        let crash = || ended(Exit::Code(1), None);
        let well = || ended(Exit::Code(0), None);
        for (lived, ended, asked, outcome) in [
            (500, crash(), false, Outcome::Failure),
            (19_999, ended(Exit::Signal(9), Some(EndReason::OomKilled)), false, Outcome::Failure),
            (20_000, crash(), false, Outcome::Survivor),
            (500, crash(), true, Outcome::Neither),
            (500, well(), false, Outcome::Failure),
            (2_000, well(), false, Outcome::Neither),
            (500, ended(Exit::Signal(9), Some(EndReason::Evicted)), false, Outcome::Neither),
            (500, ended(Exit::Signal(9), Some(EndReason::Lost)), false, Outcome::Neither),
        ] {
            assert_eq!(limits.outcome(lived, &ended, asked), outcome, "{lived} {ended:?} {asked}");
        }
    }
}
