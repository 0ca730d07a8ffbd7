//! The conformance suite of the port, run against every implementation, and what each promises beyond it.

mod crash;
mod imagined;
mod process;
mod stage;
mod suite;
