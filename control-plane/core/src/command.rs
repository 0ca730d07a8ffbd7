//! What is asked of an application, by callers, runners and the tick.

use crate::application::{Identity, Patch, Settings};
use crate::exit::Exit;
use crate::history::Head;
use crate::id::{HostId, JobRunId, Mark, WorkerId};
use crate::job_run::NewRun;
use crate::quota::Granted;
use crate::time::Millis;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One command.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// The first entry, derived from the registry's; without effect if it is there already.
    Create {
        /// Who.
        identity: Identity,
        /// What.
        settings: Settings,
        /// Tags.
        tags: BTreeMap<String, String>,
    },
    /// UpdateApplication.
    Update(Patch),
    /// StartApplication.
    Start,
    /// StopApplication.
    Stop,
    /// DeleteApplication.
    Delete,
    /// Replaces tags of the application (none) or of a run.
    Tag {
        /// The run; none for the application.
        run: Option<JobRunId>,
        /// All tags.
        tags: BTreeMap<String, String>,
        /// What the state said of its tags (`Application::tags_of`) when the caller read them: else it must look again.
        looked_at: Option<BTreeMap<String, String>>,
        /// `History::tag_moves` at that time.
        moves: u64,
    },
    /// StartJobRun.
    StartJobRun {
        /// What is asked.
        run: Arc<NewRun>,
        /// `Application::removals` when the caller looked for its token among archived runs.
        looked_at: u64,
    },
    /// CancelJobRun.
    CancelJobRun {
        /// Which.
        run: JobRunId,
        /// Milliseconds of grace.
        grace: i64,
    },
    /// The service must fail a run (its role cannot be assumed, its request cannot be read, …).
    FailJobRun {
        /// Which.
        run: JobRunId,
        /// `stateDetails`.
        details: String,
    },
    /// The control plane ends together with this host's workers: their runs fail with this text.
    Abandon {
        /// Whose workers.
        host: HostId,
        /// `stateDetails`.
        details: String,
    },
    /// A runner's first word.
    Hello {
        /// Who.
        worker: WorkerId,
        /// Which process.
        mark: Mark,
        /// Its address.
        address: String,
        /// Where on it a driver's Spark UI will listen.
        ui_port: Option<u16>,
    },
    /// A runner's report between hello and end.
    Report {
        /// Who.
        worker: WorkerId,
        /// Which process.
        mark: Mark,
        /// When its job started, if it has.
        started: Option<Millis>,
        /// The executors wanted now, from a driver.
        wanted: Option<Wanted>,
        /// Room for them.
        room: Room,
    },
    /// The worker was given credentials.
    Credentials {
        /// Who.
        worker: WorkerId,
        /// Expiry.
        until: Millis,
    },
    /// A runner's last word.
    End {
        /// Who.
        worker: WorkerId,
        /// Which process.
        mark: Mark,
        /// Fence of the attempt.
        fence: u64,
        /// How its job ended.
        exit: Exit,
    },
    /// The substrate says that a worker is dead; what it left was salvaged.
    Lost {
        /// Who.
        worker: WorkerId,
        /// How (code LOST unless it left an exit).
        exit: Exit,
    },
    /// The worker is on a lost host; its logs were marked. Nothing comes of it if the worker may write again by now.
    GiveUp {
        /// Who.
        worker: WorkerId,
        /// How.
        exit: Exit,
    },
    /// One look at the world.
    Tick(Tick),
    /// These runs are in history.
    Archived(Vec<JobRunId>),
    /// This segment is stored.
    Packed {
        /// The segment.
        head: Box<Head>,
        /// Ids of the runs in it, or names of the segments.
        names: Vec<String>,
    },
    /// These changed tags are stored.
    TagsStored(Vec<(JobRunId, u64)>),
}

/// What a tick has seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where this control plane can launch.
    pub room: Room,
    /// The release on this host.
    pub runtime: Runtime,
}

/// How a release stands on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// Installed.
    Ready,
    /// Being installed (progress in words).
    Preparing(String),
    /// Cannot run here, and why.
    Impossible(String),
}

/// Room for new workers, as the caller knows it: what the rest of the world leaves to this application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// The host that would take them.
    pub host: HostId,
    /// vCPU that others leave to this application of the installation's quota (its own use not yet subtracted): what is
    /// said to who waits. What may be admitted is what the application holds.
    pub quota_cpu: u32,
    /// Heap that this host leaves to this application, MiB (its own use not yet subtracted).
    pub heap_mib: u64,
    /// The most heap that one worker gets here, MiB.
    pub heap_share_mib: u64,
    /// What the registry grants the application, as the caller has read it; none: nothing is taken or given back.
    pub granted: Option<Granted>,
    /// What the application does not use goes back: another one waits for it, or it lay idle.
    pub gives_back: bool,
}

/// The executors that a driver wants now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Rises.
    pub version: u64,
    /// All of them.
    pub executors: Vec<WantedExecutor>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedExecutor {
    /// The pod's uid.
    pub uid: String,
    /// Cores.
    pub cpu: u32,
    /// MiB, overhead included.
    pub memory_mib: u64,
    /// Heap asked, MiB.
    pub heap_mib: u64,
    /// Hash of the shared part of the launch.
    pub launch: String,
    /// Its own part.
    pub own: Value,
    /// Set if it is to end.
    pub stopping: Option<Stopping>,
}

/// How an executor is to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopping {
    /// Hand over blocks first.
    pub decommission: bool,
    /// Milliseconds.
    pub grace: i64,
    /// Why.
    pub reason: String,
}
