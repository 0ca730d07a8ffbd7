//! Lines of the runner itself in the job's `stderr`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Appends whole lines to the job's `stderr`, beside the job.
#[derive(Clone, Debug)]
pub struct Notes(PathBuf);

impl Notes {
    /// Writes to this file.
    pub fn new(stderr: &Path) -> Self {
        Self(stderr.to_owned())
    }

    /// One line. A full disk is not this line's business.
    pub fn line(&self, text: &str) {
        if let Ok(mut file) = append(&self.0) {
            let _ = file.write_all(format!("Firesteel: {text}\n").as_bytes());
        }
    }

    /// A line as it is, without the runner's name.
    pub fn raw(&self, text: &str) {
        if let Ok(mut file) = append(&self.0) {
            let _ = file.write_all(format!("{text}\n").as_bytes());
        }
    }
}

/// Opens a log file so that every write goes to its end, whoever else writes.
pub fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
