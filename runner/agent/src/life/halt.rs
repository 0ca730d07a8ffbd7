//! How a job is ended: which signal when. Pure.

use firesteel_protocol::StopOrder;
use std::time::Duration;

/// What kind of process the job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An executor.
    Executor,
    /// A driver whose program is in the JVM.
    Program,
    /// A driver whose program is a Python that the JVM has started and whose output it passes on.
    Python,
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// SIGPWR to the JVM: an executor hands over its blocks and ends.
    Decommission,
    /// The job's processes beside the JVM are asked to end by their own handlers.
    Ask,
    /// SIGTERM to the JVM.
    Terminate,
    /// SIGKILL, to everything of the job.
    Kill,
}

/// The part of the grace that is kept for SIGTERM, where something else comes first that may take too long.
const KEPT_FOR_TERM: u32 = 5;

/// The steps of an order and when each is due at the latest, counted from the order.
pub fn ladder(order: &StopOrder, kind: Kind) -> Vec<(Duration, Step)> {
    let grace = Duration::from_millis(order.grace_ms);
    let late = grace - grace / KEPT_FOR_TERM;
    let (now, kill) = (Duration::ZERO, (grace, Step::Kill));
    match kind {
        _ if grace.is_zero() => vec![(now, Step::Terminate), kill],
        Kind::Executor if order.decommission => {
            vec![(now, Step::Decommission), (late, Step::Terminate), kill]
        }
        Kind::Executor => vec![(now, Step::Terminate), kill],
        Kind::Program => vec![(now, Step::Ask), (now, Step::Terminate), kill],
        Kind::Python => vec![(now, Step::Ask), (late, Step::Terminate), kill],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_first() {
        let order = |decommission| StopOrder { decommission, grace_ms: 10_000, reason: String::new() };
        let steps = |decommission, kind| {
            let steps = ladder(&order(decommission), kind).into_iter();
            steps.map(|(after, step)| (after.as_secs(), step)).collect::<Vec<_>>()
        };
        let at_once = StopOrder { grace_ms: 0, ..order(true) };
        let both = [(Duration::ZERO, Step::Terminate), (Duration::ZERO, Step::Kill)];
        assert_eq!(ladder(&at_once, Kind::Python), both);
        let table = [
            (true, Kind::Executor, vec![(0, Step::Decommission), (8, Step::Terminate), (10, Step::Kill)]),
            (false, Kind::Executor, vec![(0, Step::Terminate), (10, Step::Kill)]),
            (true, Kind::Program, vec![(0, Step::Ask), (0, Step::Terminate), (10, Step::Kill)]),
            (false, Kind::Python, vec![(0, Step::Ask), (8, Step::Terminate), (10, Step::Kill)]),
        ];
        for (decommission, kind, expected) in table {
            assert_eq!(steps(decommission, kind), expected, "{kind:?}");
        }
    }
}
