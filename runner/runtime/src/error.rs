//! Why a runtime could not be installed, in words for the person who asked for it.

use std::path::PathBuf;

/// What went wrong while a runtime was installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The catalogue has no such release.
    #[error("unknown release label {0}")]
    UnknownLabel(String),
    /// This machine cannot run the release; the text says what was found and what is needed.
    #[error("{0}")]
    Impossible(String),
    /// A program that the installation needs is not on the PATH.
    #[error("{tool} was not found on the PATH: {hint}")]
    ToolMissing {
        /// Name of the program.
        tool: String,
        /// How to get it.
        hint: &'static str,
    },
    /// The package registry answers but does not have this version.
    #[error("{what} is not served by the package registry")]
    NotServed {
        /// Package and version.
        what: String,
        /// Versions that the registry named instead, as it named them.
        served: Vec<String>,
    },
    /// The package registry does not answer.
    #[error("{step}: the package registry cannot be reached: {detail}")]
    Unreachable {
        /// What was being done.
        step: String,
        /// The client's own words.
        detail: String,
    },
    /// What came is not what was announced.
    #[error("{0}")]
    Mismatch(String),
    /// There is no room for it.
    #[error("no space left in {folder}: {needed} MB are needed, {free} MB are free")]
    DiskFull {
        /// The cache.
        folder: PathBuf,
        /// Megabytes needed.
        needed: u64,
        /// Megabytes free.
        free: u64,
    },
    /// A step's program failed.
    #[error("{step} failed ({status}): {detail}")]
    Step {
        /// What was being done.
        step: String,
        /// Exit status.
        status: String,
        /// Last lines of its output.
        detail: String,
    },
    /// A file or folder could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// The path, with what was to be done with it.
        what: String,
        /// The system's error.
        source: std::io::Error,
    },
}

impl InstallError {
    /// An error of the file system, with what was being done.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
