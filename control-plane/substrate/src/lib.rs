//! Where workers live: one port ([`Substrate`]), its implementations, and the suite that every one of them passes.
//!
//! * [`process`]: workers are sessions of processes on this machine;
//! * [`imagined`]: workers exist in memory only, for simulation: no processes, no wall clock, no chance of its own;
//! * `kubernetes` (not here yet): workers are pods; it will be a third module beside these two.
//!
//! A substrate starts, kills and sees workers. It does not know why a worker is wanted, which run it belongs to, or
//! how many there may be: that is decided elsewhere, from committed state. It never acts on what it sees except to
//! clear away what a dead worker of its own left behind.

mod hint;
pub mod imagined;
mod port;
pub mod process;

pub use port::{HostFacts, LaunchError, LaunchOrder, Sighted, Sighting, Substrate, SubstrateError};
