//! What the control plane needs from the machine it runs on, as ports: the binary brings the implementations.

use crate::authorization::Policy;
use async_trait::async_trait;
use bytes::Bytes;
use firesteel_core::command::Runtime;
use firesteel_core::id::{ApplicationId, HostId, WorkerId};
use firesteel_core::release::ReleaseLabel;
use firesteel_core::time::Millis;
use firesteel_protocol::{Credentials, LogDestination, ObjectStore};
use futures::stream::BoxStream;
use std::net::SocketAddr;
use std::sync::Arc;

/// The clock and chance of a control plane: a simulation brings its own.
pub trait World: firesteel_journal::Clock {
    /// A new random number.
    fn chance(&self) -> u64;
}

/// Releases as installed on this host.
#[async_trait]
pub trait Runtimes: Send + Sync {
    /// How the release stands; cheap, asked at every tick.
    fn readiness(&self, release: &ReleaseLabel) -> Runtime;
    /// Begins to install it in the background; without effect while that is under way.
    async fn prepare(&self, release: &ReleaseLabel);
    /// Resolves when some release's readiness has changed: a hint only.
    async fn changed(&self);
}

/// Why no credentials were given for a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// The role does not exist or may not be assumed: for good.
    #[error("{0}")]
    Refused(String),
    /// The policies that were to narrow it cannot be used: for good.
    #[error("{0}")]
    Policy(String),
    /// STS gave no answer; try again.
    #[error("{0}")]
    Unavailable(String),
}

/// What narrows a role for one session: an inline policy, and policies by their ARNs. Each must allow what is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// An IAM policy document.
    pub policy: Option<String>,
    /// ARNs of managed policies.
    pub policy_arns: Vec<String>,
}

/// Execution roles: STS AssumeRole.
#[async_trait]
pub trait Roles: Send + Sync {
    /// Credentials of `role` under the session name, narrowed.
    async fn assume(
        &self,
        role: &str,
        session: &str,
        narrowing: &Narrowing,
    ) -> Result<Credentials, RoleError>;
}

/// What a dead runner left on its host.
#[async_trait]
pub trait Salvage: Send + Sync {
    /// Brings the logs that the worker left in its folder to S3. True if they are whole there; else an object beside them
    /// says where they end, as it does where there is no such folder because the worker was on another host.
    async fn salvage(
        &self,
        worker: &WorkerId,
        store: &ObjectStore,
        logs: &LogDestination,
        credentials: &Credentials,
    ) -> bool;
}

/// A run's own prefix for tmp and shuffle.
#[async_trait]
pub trait Sweep: Send + Sync {
    /// Removes everything under `s3://bucket/prefix/`. True when nothing is left.
    async fn sweep(&self, uri: &str, credentials: &Credentials) -> bool;
}

/// A stored log, as it arrives.
pub struct LogStream {
    /// Its whole length, bytes, if that is known.
    pub length: Option<u64>,
    /// How many full files of the log come before it (`archived/<stream>_<n>.gz`).
    pub archived: u32,
    /// Its bytes: gzip, of one member or many.
    pub body: BoxStream<'static, std::io::Result<Bytes>>,
}

/// Why a log is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoLog {
    /// There is no such object.
    Absent,
    /// It cannot be read, in S3's words.
    Unreadable(String),
}

/// Workers' logs in S3.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Opens the object.
    async fn read(&self, bucket: &str, key: &str, credentials: &Credentials) -> Result<LogStream, NoLog>;
}

/// The event logs that a history server is to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistorySource {
    /// Names the attempt; letters, digits and dashes.
    pub key: String,
    /// Whose history server.
    pub release: ReleaseLabel,
    /// Bucket of the event logs.
    pub bucket: String,
    /// Their key prefix, with a trailing slash.
    pub prefix: String,
}

/// How a history server stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum History {
    /// It answers there, and shows these applications (Spark's ids, the first context's first).
    Ready {
        /// Its address.
        address: SocketAddr,
        /// At least one.
        applications: Vec<String>,
    },
    /// It is being started; how far it is.
    Loading(String),
    /// There will be none, and why. Forgotten after a while.
    Impossible(String),
}

/// Spark's history servers on this host, one for an attempt, for as long as somebody looks.
#[async_trait]
pub trait HistoryServers: Send + Sync {
    /// How the attempt's server stands; none if it was not begun or is over. Counts as use.
    fn look(&self, key: &str) -> Option<History>;
    /// Begins to load in the background; without effect while the attempt has a server.
    fn begin(&self, source: HistorySource, credentials: Credentials);
    /// Ends all of them.
    async fn stop(&self);
}

/// No logs and no history servers: for where nobody looks at dashboards.
#[derive(Clone, Copy, Debug, Default)]
pub struct NothingKept;

#[async_trait]
impl Logs for NothingKept {
    async fn read(&self, _: &str, _: &str, _: &Credentials) -> Result<LogStream, NoLog> {
        Err(NoLog::Absent)
    }
}

#[async_trait]
impl HistoryServers for NothingKept {
    fn look(&self, _: &str) -> Option<History> {
        Some(History::Impossible("This control plane starts no history servers.".to_owned()))
    }

    fn begin(&self, _: HistorySource, _: Credentials) {}

    async fn stop(&self) {}
}

/// The other control planes on this state, and the hosts that they and the workers are on.
pub trait Neighbours: Send + Sync {
    /// A runner on that host has spoken to this control plane.
    fn heard(&self, host: &HostId);
    /// True if for a minute nobody has heard of that host: neither did its own control plane say that it is there, nor has any
    /// control plane heard a runner of it.
    fn has_lost(&self, host: &HostId) -> bool;
    /// True if a control plane on that other host says that it is there.
    fn is_there(&self, host: &HostId) -> bool;
    /// True if, of the control planes that are there, this one looks after the application when nothing calls for it. That is
    /// economy and nothing else: all of them may say so, or none.
    fn looks_after(&self, application: &ApplicationId) -> bool;
    /// Where runners reach the control planes that are there now, this one too, in an order that all of them would give. Empty
    /// where there is only ever one.
    fn endpoints(&self) -> Vec<String>;
}

/// No other control plane: no host but this one, and nothing is ever lost.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNeighbours;

impl Neighbours for NoNeighbours {
    fn heard(&self, _: &HostId) {}

    fn has_lost(&self, _: &HostId) -> bool {
        false
    }

    fn is_there(&self, _: &HostId) -> bool {
        false
    }

    fn looks_after(&self, _: &ApplicationId) -> bool {
        true
    }

    fn endpoints(&self) -> Vec<String> {
        Vec::new()
    }
}

/// An access key of the API and who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Secret access key.
    pub secret: String,
    /// ARN that shows up in `createdBy`.
    pub arn: String,
    /// What they may do.
    pub policy: Arc<Policy>,
    /// When a temporary key ends.
    pub expires: Option<Millis>,
}

/// Who may call the API.
pub trait Identities: Send + Sync {
    /// The identity behind an access key id and its session token, if the key is temporary. An expired one is found too, and
    /// says so; one whose token is missing, forged or another key's is not.
    fn find(&self, access_key_id: &str, session_token: Option<&str>) -> Option<Identity>;
}

/// Settings of one control plane.
#[derive(Clone, Debug)]
pub struct Config {
    /// Region that it answers as.
    pub region: String,
    /// AWS account id (12 digits) in ARNs.
    pub account: String,
    /// vCPU over all applications (EMR's default: 16).
    pub quota_cpu: u32,
    /// Share of the host's memory that heaps may take, in percent.
    pub heap_percent: u64,
    /// The store that `s3://` means for jobs.
    pub store: ObjectStore,
    /// Base URLs under which runners reach the control planes.
    pub endpoints: Vec<String>,
    /// Base URL under which callers reach this control plane, for links.
    pub public_url: String,
    /// Key of the runners' tokens.
    pub secret: Vec<u8>,
    /// This control plane alone writes the state.
    pub alone: bool,
    /// A runner speaks at least so often, milliseconds.
    pub contact_every_ms: u64,
    /// A runner without any control plane ends its job after so long, milliseconds.
    pub contact_limit_ms: u64,
}

/// Everything that a control plane is made of.
#[derive(Clone)]
pub struct Parts {
    /// Settings.
    pub config: Config,
    /// The state's store.
    pub state: Arc<dyn firesteel_journal::Store>,
    /// Clock and chance.
    pub world: Arc<dyn World>,
    /// Where workers live.
    pub substrate: Arc<dyn firesteel_substrate::Substrate>,
    /// Releases.
    pub runtimes: Arc<dyn Runtimes>,
    /// Execution roles.
    pub roles: Arc<dyn Roles>,
    /// Salvage of logs.
    pub salvage: Arc<dyn Salvage>,
    /// Removal of tmp prefixes.
    pub sweep: Arc<dyn Sweep>,
    /// Workers' logs.
    pub logs: Arc<dyn Logs>,
    /// History servers.
    pub histories: Arc<dyn HistoryServers>,
    /// Callers.
    pub identities: Arc<dyn Identities>,
    /// Other control planes.
    pub neighbours: Arc<dyn Neighbours>,
}
