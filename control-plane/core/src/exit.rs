//! How a worker ended, and what each exit code of a runner means.

use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Exit codes of a runner and of the job as the runner reports it. Codes of the user's own process are passed on
/// as they are (0–255; 128 + n for signal n); the service's own are above 255 so that they can never be confused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExitCode(pub i32);

impl ExitCode {
    /// The job ended well.
    pub const SUCCESS: Self = Self(0);
    /// The job was killed because its memory exceeded the worker's.
    pub const OUT_OF_MEMORY: Self = Self(137);
    /// Staging failed: entry point, archive, jar or file could not be fetched or unpacked.
    pub const STAGING: Self = Self(1001);
    /// The run's parameters or configuration are refused.
    pub const BAD_PARAMETERS: Self = Self(1002);
    /// The release cannot run on this machine, or its runtime is broken.
    pub const RUNTIME: Self = Self(1003);
    /// The worker's disk is full.
    pub const DISK_FULL: Self = Self(1004);
    /// The log destination refuses for good; the job was not started.
    pub const LOGS_REFUSED: Self = Self(1005);
    /// Executors die at their start again and again.
    pub const EXECUTORS_CRASH: Self = Self(1006);
    /// No control plane was heard for too long.
    pub const NO_CONTROL_PLANE: Self = Self(1007);
    /// Stopped by order of the control plane.
    pub const STOPPED: Self = Self(1008);
    /// The runner itself failed.
    pub const RUNNER: Self = Self(1009);
    /// The runner died without a word (seen by the substrate, never reported).
    pub const LOST: Self = Self(1010);

    /// True if the user's process gave this code (or its signal), false if the service did.
    pub fn is_the_jobs(self) -> bool {
        (0..=255).contains(&self.0)
    }
}

/// How a worker's job ended, as its runner reports it and writes it to `exit.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The code.
    pub code: ExitCode,
    /// Why, for a person: the last exceptions of the job, or what the service could not do. Empty on success.
    pub summary: String,
    /// When the job's process started, if it did.
    pub started: Option<Millis>,
    /// When it ended.
    pub ended: Millis,
    /// True if every byte of the logs is in S3 (or no S3 destination was asked for).
    pub logs_complete: bool,
}
