//! Deterministic simulation of the whole: the real rules, journal and service over a faulty store and imagined hosts.
//!
//! * [`play`] plays one seed: a storm, then healing; every step is shown to the invariants;
//! * [`Mistake`] lists what it must find when it is planted.
//!
//! One seed decides everything. No wall clock, no thread, no order that chance outside the seed could change.

mod caller;
mod chance;
mod cord;
mod hearsay;
mod host;
mod invariants;
mod misfortune;
mod mistake;
mod neighbours;
mod parts;
mod runner;
mod server;
mod site;
mod staggered;
mod store;
mod storm;
mod truth;

pub use mistake::Mistake;
pub use storm::{Report, Scenario, play};
pub use truth::Violation;
