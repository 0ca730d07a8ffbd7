//! How a job is ended: which signal when. Pure.

use firesteel_protocol::StopOrder;
use std::time::Duration;

/// A signal to the job's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// SIGPWR: an executor hands over its blocks and ends.
    Decommission,
    /// SIGTERM.
    Terminate,
    /// SIGKILL, to everything of the job.
    Kill,
}

/// Part of the grace that is kept for SIGTERM after a decommission that took too long.
const KEPT_FOR_TERM: u32 = 5;

/// The steps of an order and when each is due, counted from the order.
pub fn ladder(order: &StopOrder, executor: bool) -> Vec<(Duration, Step)> {
    let grace = Duration::from_millis(order.grace_ms);
    if order.decommission && executor {
        let terminate = grace - grace / KEPT_FOR_TERM;
        return vec![(Duration::ZERO, Step::Decommission), (terminate, Step::Terminate), (grace, Step::Kill)];
    }
    vec![(Duration::ZERO, Step::Terminate), (grace, Step::Kill)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_executors_are_decommissioned() {
        let order = |decommission| StopOrder { decommission, grace_ms: 10_000, reason: String::new() };
        let seconds = Duration::from_secs;
        let gentle =
            [(seconds(0), Step::Decommission), (seconds(8), Step::Terminate), (seconds(10), Step::Kill)];
        let plain = [(seconds(0), Step::Terminate), (seconds(10), Step::Kill)];
        assert_eq!(ladder(&order(true), true), gentle);
        assert_eq!(ladder(&order(true), false), plain);
        assert_eq!(ladder(&order(false), true), plain);
    }
}
