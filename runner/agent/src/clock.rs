//! The runner's clocks: the time of day for what it reports.

use firesteel_core::time::Millis;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, as reported.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
