//! The rules of Firesteel: what an application may become, and why.
//!
//! `decide` says what a command means, `apply` folds its events into state, `plan` says what must be done in
//! the world. Nothing in this crate may know a clock, chance, a socket, a file or the wire: time and identifiers
//! come in as arguments, refusals go out in domain words.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

pub mod admission;
pub mod application;
mod apply;
pub mod bill;
pub mod command;
pub mod decide;
pub mod event;
pub mod exit;
pub mod history;
pub mod id;
pub mod job_run;
pub mod opaque;
pub mod plan;
pub mod quota;
pub mod refusal;
pub mod registry;
pub mod release;
pub mod runs;
pub mod session;
pub mod size;
pub mod spark;
pub mod time;
pub mod worker;
