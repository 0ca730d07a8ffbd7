//! Settled runs: how one is written as a history object and found again; their lists; their packing.

#[doc(hidden)]
pub mod generate;
pub mod list;
pub mod pack;
pub mod remembered;
pub mod segment;
pub mod segments;
#[cfg(test)]
mod tests;

use crate::home::{Home, application};
use crate::ports::Parts;
use firesteel_core::application::Application;
use firesteel_core::history::Tags;
use firesteel_core::id::{self, JobRunId};
use firesteel_core::job_run::JobRun;
use firesteel_journal::protocols;
use firesteel_journal::segments::{self as stored, SegmentError};
use firesteel_journal::{ReadError, StoreError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Version of a history object.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Record<R> {
    format: u32,
    run: R,
}

/// Why a run cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A segment could not be read.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The object cannot be understood.
    #[error("history of {0} cannot be understood: {1}")]
    Format(String, String),
}

/// A settled run as bytes.
pub fn encode(run: &JobRun) -> serde_json::Result<bytes::Bytes> {
    serde_json::to_vec(&Record { format: FORMAT, run }).map(bytes::Bytes::from)
}

fn decode(id: &str, body: &[u8]) -> Result<Arc<JobRun>, HistoryError> {
    let unclear = |error: String| HistoryError::Format(id.to_owned(), error);
    let record: Record<JobRun> = serde_json::from_slice(body).map_err(|error| unclear(error.to_string()))?;
    match record.format {
        FORMAT => Ok(Arc::new(record.run)),
        other => Err(unclear(format!("format {other} is newer than this program"))),
    }
}

#[derive(Serialize, Deserialize)]
struct TagRecord<T> {
    format: u32,
    tags: T,
}

/// Changed tags as bytes.
fn encode_tags(tags: &Tags) -> serde_json::Result<bytes::Bytes> {
    serde_json::to_vec(&TagRecord { format: FORMAT, tags }).map(bytes::Bytes::from)
}

fn decode_tags(id: &str, body: &[u8]) -> Result<Tags, HistoryError> {
    let unclear = |error: String| HistoryError::Format(format!("tags of {id}"), error);
    let record: TagRecord<Tags> = serde_json::from_slice(body).map_err(|error| unclear(error.to_string()))?;
    match record.format {
        FORMAT => Ok(record.tags),
        other => Err(unclear(format!("format {other} is newer than this program"))),
    }
}

/// A run of the application, from the state or from history. None if there never was one with this id.
pub async fn find(parts: &Parts, home: &Home, id: &JobRunId) -> Result<Option<Arc<JobRun>>, HistoryError> {
    let state = home.fresh().await?;
    let app = application(&state);
    if let Some(run) = app.runs.get(id) {
        return Ok(Some(run.clone()));
    }
    let (found, tags) = futures::try_join!(archived(parts, home, id), newer_tags(parts, home, app, id))?;
    Ok(found.map(|run| match tags {
        Some(tags) => {
            let mut run = (*run).clone();
            Arc::make_mut(&mut run.request).tags = tags;
            Arc::new(run)
        }
        None => run,
    }))
}

async fn archived(parts: &Parts, home: &Home, id: &JobRunId) -> Result<Option<Arc<JobRun>>, HistoryError> {
    if let Some(run) = home.remembered(id) {
        return Ok(Some(run));
    }
    let Some(created) = id::created_at(id.as_str()) else { return Ok(None) };
    let body = protocols::find_history(&*parts.state, home.id.as_str(), created.0, id.as_str()).await?;
    let run = body.map(|body| decode(id.as_str(), &body)).transpose()?;
    if let Some(run) = &run {
        home.remember(run.clone());
    }
    Ok(run)
}

/// Tags that were changed after the run had ended: in the state, or in an object if any have left it.
async fn newer_tags(
    parts: &Parts,
    home: &Home,
    app: &Application,
    id: &JobRunId,
) -> Result<Option<Tags>, HistoryError> {
    if let Some(tags) = app.tags_of(Some(id)) {
        return Ok(Some(tags.clone()));
    }
    if app.history.tag_moves == 0 {
        return Ok(None);
    }
    let body = stored::find_tags(&*parts.state, home.id.as_str(), id.as_str()).await?;
    body.map(|body| decode_tags(id.as_str(), &body)).transpose()
}
