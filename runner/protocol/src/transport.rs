//! Where the calls live: `POST <endpoint>/runner/v1/<call>` with a JSON body and `Authorization: Bearer <token>`.
//!
//! A worker's token is good for that worker alone. It reaches the runner by an inherited descriptor, never by the
//! environment or the command line.

/// Path prefix of every call.
pub const PREFIX: &str = "/runner/v1/";
/// `Hello` → `Greeting`.
pub const HELLO: &str = "/runner/v1/hello";
/// `Exchange` → `Answer`.
pub const EXCHANGE: &str = "/runner/v1/exchange";
/// `End` → `Ended`.
pub const END: &str = "/runner/v1/end";

/// Where an attempt's dashboard is on the control plane, without a trailing slash; its logs are below it, under `/logs/`.
pub fn dashboard(run: &JobRunId, attempt: u32) -> String {
    format!("/dashboards/{run}/{attempt}")
}

use firesteel_core::id::{HostId, JobRunId, WorkerId};
use serde::{Deserialize, Serialize};

/// What a substrate hands to a runner at its start, as one JSON document on the inherited descriptor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Errand {
    /// Who the runner is.
    pub worker: WorkerId,
    /// Where it lives.
    pub host: HostId,
    /// Control planes to speak to, tried in turn: base URLs without a trailing slash.
    pub endpoints: Vec<String>,
    /// Bearer token of this worker.
    pub token: String,
    /// The worker's own loopback (or pod) address.
    pub address: String,
    /// Folder of this worker: the runner makes `work/`, `local/` and `logs/` in it and writes `exit.json` there.
    pub folder: std::path::PathBuf,
    /// Folder that the job must not read (the control plane's data folder), if there is one on this machine.
    pub forbidden: Option<std::path::PathBuf>,
    /// Folder where runtimes are installed.
    pub runtimes: std::path::PathBuf,
    /// Certificate authority to trust where an endpoint is https, PEM; without one, the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}
