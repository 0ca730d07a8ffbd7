//! Spark's dialect of Kubernetes as values: which request means what, and what Spark must see.
//!
//! A Spark driver in client mode asks its executors from a Kubernetes API. This crate is that API without sockets:
//! requests go in ([`Cluster::handle`]), the set of executors wanted comes out ([`Cluster::wanted`]), what was seen of
//! them goes in ([`Cluster::observe`]), and watch events come out ([`Cluster::follow`]).
//!
//! It must not know: sockets, clocks (time is an argument, Unix milliseconds), chance (uids come from a seed and a
//! counter), and every other room of the project.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

mod backoff;
mod capacity;
mod cluster;
mod command;
mod launch;
mod log;
mod object;
mod patch;
mod quantity;
mod refusal;
mod request;
mod selector;
mod sighting;
mod template;
mod time;
mod wanted;

pub use backoff::{Backoff, BackoffLimits, Hopeless, LastExit, Outcome};
pub use capacity::{CapacityNotice, Exceeded, capacity_line, capacity_retry_ms};
pub use cluster::{Body, Changed, Cluster, Reply, Settings};
pub use command::{Heap, Machine, command, env};
pub use launch::{ExecutorClass, Launch, Mount, PodLaunch, SharedLaunch};
pub use log::{Cursor, Watch};
pub use patch::Patch;
pub use refusal::Refusal;
pub use request::{Call, Deletion, Request, Resource, Scope, classify};
pub use selector::{FieldSelector, LabelSelector};
pub use sighting::{EndReason, Ended, Exit, Seen, Sighting};
pub use template::{Piece, Template};
pub use wanted::{Wanted, WantedExecutor, WantedState};
