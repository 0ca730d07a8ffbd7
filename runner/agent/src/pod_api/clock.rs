//! The time of day for the pod API: Unix milliseconds that never run backwards.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Reads the wall clock once and counts from there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    started: Instant,
    at_ms: u64,
}

impl Clock {
    pub(super) fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), at_ms: whole_ms(since_epoch) }
    }

    /// Now, in Unix milliseconds.
    pub(super) fn now_ms(&self) -> u64 {
        self.at_ms.saturating_add(whole_ms(self.started.elapsed()))
    }

    /// How long it is until `ms`.
    pub(super) fn until(&self, ms: u64) -> Duration {
        Duration::from_millis(ms.saturating_sub(self.now_ms()))
    }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
