//! Brings the job's files into the worker's `work` folder before Spark starts.
//!
//! `plan` says what comes from where, `fetch` brings it, `unpack` opens archives. This room must not know Spark's
//! configuration beyond the four lists of files in it.

mod fetch;
mod plan;
mod unpack;

pub use fetch::{Fetcher, ParallelS3};
pub use plan::{Item, Lists, Plan, Source, plan};
pub use unpack::unpack;

use crate::notes::Notes;
use crate::s3::S3Error;
use futures::future::try_join_all;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Why a job's files are not there.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// S3 does not give the object.
    #[error("cannot fetch {uri}: {source}")]
    Fetch {
        /// What was asked for.
        uri: String,
        /// What S3 said.
        source: S3Error,
    },
    /// A local file is not there.
    #[error("{uri} is not on this worker ({path})")]
    Missing {
        /// What was asked for.
        uri: String,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// An archive cannot be unpacked.
    #[error("cannot unpack {uri}: {source}")]
    Unpack {
        /// The archive.
        uri: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A name that leads out of the work folder, or is none.
    #[error("{0:?} is not a name for a file in the job's folder")]
    Name(String),
    /// A URI of a kind that cannot be staged.
    #[error("{0} is not an S3 URI and not a path on the worker")]
    Scheme(String),
}

impl StagingError {
    /// True if the disk is full.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Unpack { source, .. } | Self::Write { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            _ => false,
        }
    }
}

/// Brings everything that `plan` names into `work`, all at once, with a line for each.
pub async fn stage(
    plan: &Plan,
    work: &Path,
    fetcher: &dyn Fetcher,
    notes: &Notes,
) -> Result<(), StagingError> {
    try_join_all(plan.items.iter().map(|item| bring(item, work, fetcher, notes))).await.map(|_| ())
}

async fn bring(item: &Item, work: &Path, fetcher: &dyn Fetcher, notes: &Notes) -> Result<(), StagingError> {
    let begun = Instant::now();
    let path = work.join(&item.target);
    match &item.source {
        Source::S3 { bucket, key } => {
            make_parent(&path)?;
            let bytes = fetcher.fetch(&item.uri, bucket, key, &path).await?;
            notes.line(&format!(
                "fetched {} ({bytes} bytes, {:.1} s)",
                item.uri,
                begun.elapsed().as_secs_f64()
            ));
        }
        Source::Local(found) if !found.exists() => {
            return Err(StagingError::Missing { uri: item.uri.clone(), path: found.clone() });
        }
        Source::Local(_) => {}
    }
    let Some(name) = &item.unpack else { return Ok(()) };
    let archive = item.path(work);
    let (target, uri) = (work.join(name), item.uri.clone());
    let opened = tokio::task::spawn_blocking(move || unpack(&archive, &target)).await;
    let opened = opened.unwrap_or_else(|error| Err(io::Error::other(error)));
    let files = opened.map_err(|source| StagingError::Unpack { uri, source })?;
    notes.line(&format!(
        "unpacked {} to ./{name} ({files} entries, {:.1} s)",
        item.uri,
        begun.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn make_parent(path: &Path) -> Result<(), StagingError> {
    let parent = path.parent().unwrap_or(path);
    std::fs::create_dir_all(parent).map_err(|source| StagingError::Write { path: parent.to_owned(), source })
}
