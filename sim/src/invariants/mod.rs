//! The seven invariants of the design, one file each, and that the world heals. Each sees every step and knows the truth;
//! none knows how the product came there.

mod acknowledged;
mod attempts;
mod bound;
mod capacity;
mod effects;
mod graph;
mod healed;
mod logs;

use crate::truth::{Known, Step, Violation};

type Invariant = fn(&Known, &Step<'_>) -> Result<(), String>;

const ALL: [(u8, Invariant); 8] = [
    (0, healed::check),
    (1, acknowledged::check),
    (2, graph::check),
    (3, attempts::check),
    (4, capacity::check),
    (5, effects::check),
    (6, logs::check),
    (7, bound::check),
];

/// The first invariant that the step breaks.
pub fn first_violation(known: &Known, step: &Step<'_>) -> Option<Violation> {
    let broken = |(invariant, check): &(u8, Invariant)| {
        check(known, step).err().map(|what| Violation { invariant: *invariant, what })
    };
    ALL.iter().find_map(broken)
}

/// The error if `ok` is false.
fn ensure(ok: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if ok { Ok(()) } else { Err(what()) }
}
