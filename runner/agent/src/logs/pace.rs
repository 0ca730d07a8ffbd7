//! When the next write is worth its upload: at once after a quiet time, less often the larger the rewritten object.

use std::time::{Duration, Instant};

/// Least time between two writes of one stream.
const LEAST_GAP: Duration = Duration::from_millis(500);
/// Longest time that a line waits for company.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// Upload allowance per second of one stream, bytes (230 MB an hour at most, but for the longest wait).
const RATE: f64 = 64.0 * 1024.0;
/// Allowance that a quiet stream may save up, bytes.
const SAVINGS: f64 = 4.0 * 1024.0 * 1024.0;

/// The upload allowance of one stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    allowance: f64,
    counted: Instant,
    written: Option<Instant>,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { allowance: SAVINGS, counted: now, written: None }
    }

    /// True if a write of `cost` bytes is due for lines that wait since `since`.
    pub(super) fn is_due(&self, now: Instant, cost: u64, since: Instant) -> bool {
        let spaced = self.written.is_none_or(|written| now.saturating_duration_since(written) >= LEAST_GAP);
        let patient = now.saturating_duration_since(since) < LONGEST_WAIT;
        spaced && (!patient || self.allowance_at(now) >= cost as f64)
    }

    /// Notes a write of `cost` bytes.
    pub(super) fn wrote(&mut self, now: Instant, cost: u64) {
        self.allowance = (self.allowance_at(now) - cost as f64).max(0.0);
        self.counted = now;
        self.written = Some(now);
    }

    fn allowance_at(&self, now: Instant) -> f64 {
        let gained = now.saturating_duration_since(self.counted).as_secs_f64() * RATE;
        (self.allowance + gained).min(SAVINGS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(150);

    /// Uploads and longest wait of an hour in which every tick adds `grown` compressed bytes.
    fn hour(grown: u64) -> (u64, Duration) {
        let start = Instant::now();
        let (mut pace, mut now, mut since) = (Pace::new(start), start, start);
        let (mut object, mut uploaded, mut longest) = (0, 0, Duration::ZERO);
        while now < start + Duration::from_secs(3_600) {
            object += grown;
            if pace.is_due(now, object, since) {
                pace.wrote(now, object);
                uploaded += object;
                longest = longest.max(now - since);
                since = now + TICK;
            }
            now += TICK;
        }
        (uploaded, longest)
    }

    #[test]
    fn a_line_after_a_quiet_time_goes_at_once() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert!(pace.is_due(start, 100, start));
        pace.wrote(start, 4 << 20);
        assert!(!pace.is_due(start + TICK, 100, start + TICK), "too soon after the last");
        assert!(pace.is_due(start + LEAST_GAP, 100, start + LEAST_GAP));
        let later = start + Duration::from_secs(64);
        assert!(pace.is_due(later, 4 << 20, later), "a large object after a quiet minute");
    }

    #[test]
    fn a_chatty_stream_costs_a_bounded_upload() {
        let (uploaded, longest) = hour(200);
        assert!(uploaded < 500 << 20, "{uploaded} bytes for a log of 4.6 MiB");
        assert!(longest <= LONGEST_WAIT + TICK);
    }
}
