//! Story tests of the rules: given this state, when this happens, expect exactly this.

mod application;
mod cancel;
mod capacity;
mod executors;
mod invariants;
mod queue;
mod quota;
mod retry;
mod run;
mod stage;
