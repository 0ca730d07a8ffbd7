//! From the job's log files to S3, within a second while lines are rare, without re-uploading for ever when they are not.
//!
//! The job writes to files; a follower ships what is new as gzip members appended to one object per stream, so that a
//! prefix of the object never changes. An object that is full goes under `archived/` and the next one begins, as on EMR (user
//! guide, "rotating-logs"); what is there is given back to the worker's disk.
//! Nothing is lost when the runner dies: [`salvage`] goes on from the files.
//! If S3 refuses for good, an object `TRUNCATED` beside the logs says where they end.
//! This room must not know Spark, nor what the lines say.

mod follow;
mod pace;
mod salvage;
mod shipped;
mod store;
mod stream;

pub use follow::{Follower, LogsEnd};
pub use salvage::{mark_truncated, salvage};
pub use shipped::Begins;
pub use store::{ARCHIVED, Head, LogStore, S3LogStore};

/// The streams of a job: file name, and object name below the destination's prefix.
const STREAMS: [(&str, &str); 2] = [("stdout", "stdout.gz"), ("stderr", "stderr.gz")];

/// Object that says where the logs end when S3 did not take all of them.
pub const TRUNCATED: &str = "TRUNCATED";

#[cfg(test)]
mod tests;
