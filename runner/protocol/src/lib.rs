//! What a worker's runner and the control plane say to each other, as values.
//!
//! Four calls, all request and response, so that the control plane may be a Lambda: hello → greeting, exchange →
//! answer (level-triggered: whole sets, never differences), end → acknowledgement. Lost replies, repeats and
//! re-ordering converge by themselves. Nothing here knows a socket, a clock or the wire of EMR.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

mod assignment;
mod exchange;
mod hello;
pub mod transport;

pub use assignment::{
    Assignment, Common, Credentials, DriverAssignment, ExecutorAssignment, LogDestination, ObjectStore,
};
pub use exchange::{Answer, Exchange, ExecutorSighting, ExecutorStatus, StopOrder, Wanted, WantedExecutor};
pub use firesteel_core::exit::{self, Exit, ExitCode};
pub use hello::{End, Ended, Greeting, Hello, RefusedHello};
