//! Reads what the substrate hands over on the inherited descriptor, and knows the folders of the worker.

use firesteel_protocol::transport::Errand;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{FromRawFd, RawFd};
use std::path::{Path, PathBuf};

/// Reads the errand from descriptor `fd` to its end and closes it.
pub fn read(fd: RawFd) -> io::Result<Errand> {
    if fd < 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the errand's descriptor is negative"));
    }
    let mut text = String::new();
    owned(fd).read_to_string(&mut text)?;
    serde_json::from_str(&text).map_err(io::Error::other)
}

#[allow(unsafe_code)]
fn owned(fd: RawFd) -> File {
    // SAFETY: the substrate passes this descriptor to this process for this one use; nobody else owns it.
    unsafe { File::from_raw_fd(fd) }
}

/// Name of the folder of event logs.
pub(crate) const EVENT_LOGS: &str = "eventlogs";

/// The folders of one worker.
#[derive(Clone, Debug)]
pub struct Folders {
    root: PathBuf,
}

impl Folders {
    /// Makes the folders of a worker.
    pub fn make(root: &Path) -> io::Result<Self> {
        let folders = Self { root: root.to_owned() };
        let all = [
            folders.work(),
            folders.local(),
            folders.logs(),
            folders.conf(),
            folders.tmp(),
            folders.event_logs(),
        ];
        for folder in all {
            std::fs::create_dir_all(folder)?;
        }
        Ok(folders)
    }

    /// All of it.
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// The job's current folder.
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }
    /// Spark's local folder.
    pub fn local(&self) -> PathBuf {
        self.root.join("local")
    }
    /// The job's `stdout` and `stderr`.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }
    /// Spark's configuration folder.
    pub fn conf(&self) -> PathBuf {
        self.root.join("conf")
    }
    /// A driver's event logs.
    pub fn event_logs(&self) -> PathBuf {
        self.root.join(EVENT_LOGS)
    }
    /// Temporary files.
    pub fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }
    /// The job's standard output.
    pub fn stdout(&self) -> PathBuf {
        self.logs().join("stdout")
    }
    /// The job's standard error.
    pub fn stderr(&self) -> PathBuf {
        self.logs().join("stderr")
    }
    /// Where the exit is left for a control plane that did not hear it.
    pub fn exit(&self) -> PathBuf {
        self.root.join("exit.json")
    }
}
