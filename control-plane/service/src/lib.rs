//! The control plane: the rules and the journal in an async shell, behind HTTP.
//!
//! * `operations`: the API, one file an operation; `views`: state as the API shows it;
//! * `authorization`: who may do what, as values;
//! * `dashboards`: what the URLs of GetDashboardForJobRun serve;
//! * `runner`: what runners are answered; `engine`: the tick (look, decide, plan, act);
//! * `servers`: the control planes beside this one;
//! * `ports`: what the binary must bring. This room starts no process, reads no configuration and knows no Spark.

mod applications;
pub mod authorization;
mod body;
mod control_plane;
mod dashboards;
mod engine;
mod history;
mod home;
mod http;
mod ledger;
mod operations;
mod ports;
mod reasons;
mod run_request;
mod run_terms;
mod runner;
pub mod servers;
mod tokens;
mod views;

pub use control_plane::ControlPlane;
pub use ledger::{ApplicationLedger, RegistryLedger};
pub use ports::{
    Config, History, HistoryServers, HistorySource, Identities, Identity, LogStream, Logs, Narrowing,
    Neighbours, NoLog, NoNeighbours, NothingKept, Parts, RoleError, Roles, Runtimes, Salvage, Sweep, World,
};

/// Histories for tests and benchmarks.
#[doc(hidden)]
pub mod past {
    pub use crate::history::generate::{Past, nth, write};
}

/// What a simulation drives without HTTP.
#[doc(hidden)]
pub mod without_http {
    pub use crate::home::Home;
    pub use crate::operations::{Caller, Service};
    pub use crate::runner::{Desk, NoAnswer};
}
