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
    #[error("cannot unpack {uri}: {}", root(source))]
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
    #[error("{0:?} gives no name for a file in the job's folder")]
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
    let (work, folder, uri) = (work.to_owned(), name.clone(), item.uri.clone());
    let opened = tokio::task::spawn_blocking(move || unpack(&archive, &work, &folder)).await;
    let opened = opened.unwrap_or_else(|error| Err(io::Error::other(error)));
    let files = opened.map_err(|source| StagingError::Unpack { uri, source })?;
    notes.line(&format!(
        "unpacked {} to ./{name} ({files} entries, {:.1} s)",
        item.uri,
        begun.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// What an error comes from: that an archive ends too early, say, is said there, behind two paths that are none of the
/// user's.
fn root(error: &io::Error) -> String {
    let mut cause = std::error::Error::source(error);
    let mut text = error.to_string();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}

fn make_parent(path: &Path) -> Result<(), StagingError> {
    let parent = path.parent().unwrap_or(path);
    std::fs::create_dir_all(parent).map_err(|source| StagingError::Write { path: parent.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_that_ends_too_early_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("cut.tar");
        let mut whole = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(4_000);
        whole.append_data(&mut header, "data", &[1; 4_000][..]).unwrap();
        std::fs::write(&archive, &whole.into_inner().unwrap()[..2_000]).unwrap();
        let source = unpack(&archive, folder.path(), "env").unwrap_err();
        let said = StagingError::Unpack { uri: "s3://b/cut.tar".to_owned(), source }.to_string();
        assert_eq!(said, "cannot unpack s3://b/cut.tar: failed to write entire file");
    }
}
