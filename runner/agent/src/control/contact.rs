//! How long no control plane was heard, and how long to wait before the next try.

use std::time::{Duration, Instant};

/// When a control plane was last heard.
#[derive(Clone, Copy, Debug)]
pub struct Contact {
    heard: Instant,
    limit: Duration,
}

impl Contact {
    /// Heard just now; silence is borne for `limit`.
    pub fn new(now: Instant, limit: Duration) -> Self {
        Self { heard: now, limit }
    }

    /// Notes an answer.
    pub fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// True when the silence has lasted too long.
    pub fn is_lost(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.heard) >= self.limit
    }
}

/// Waits that double from 100 ms to 5 s.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(5);

    /// The wait after one more failure.
    pub fn failed(&mut self) -> Duration {
        let wait = Self::FIRST.saturating_mul(1 << self.failures.min(6)).min(Self::LONGEST);
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// Begins anew.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_has_a_limit() {
        let start = Instant::now();
        let mut contact = Contact::new(start, Duration::from_secs(10));
        assert!(!contact.is_lost(start + Duration::from_secs(9)));
        assert!(contact.is_lost(start + Duration::from_secs(10)));
        contact.heard(start + Duration::from_secs(10));
        assert!(!contact.is_lost(start + Duration::from_secs(19)));
    }

    #[test]
    fn waits_double_up_to_their_limit_and_begin_anew() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..8).map(|_| backoff.failed().as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        backoff.succeeded();
        assert_eq!(backoff.failed().as_millis(), 100);
    }
}
