//! Settled runs: how one is written as a history object, and how one is found again.

use crate::home::{Home, application};
use crate::ports::Parts;
use firesteel_core::id::{self, JobRunId};
use firesteel_core::job_run::JobRun;
use firesteel_journal::protocols::{self, HistoryCursor};
use firesteel_journal::{ReadError, StoreError};
use futures::future::try_join_all;
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

/// A run of the application, from the state or from history. None if there never was one with this id.
pub async fn find(parts: &Parts, home: &Home, id: &JobRunId) -> Result<Option<Arc<JobRun>>, HistoryError> {
    let state = home.fresh().await?;
    if let Some(run) = application(&state).runs.get(id) {
        return Ok(Some(run.clone()));
    }
    let found = match home.remembered(id) {
        Some(run) => Some(run),
        None => archived(parts, home, id).await?,
    };
    Ok(found.map(|run| with_newer_tags(home, id, run)))
}

async fn archived(parts: &Parts, home: &Home, id: &JobRunId) -> Result<Option<Arc<JobRun>>, HistoryError> {
    let Some(created) = id::created_at(id.as_str()) else { return Ok(None) };
    let body = protocols::find_history(&*parts.state, home.id.as_str(), created.0, id.as_str()).await?;
    body.map(|body| decode(id.as_str(), &body)).transpose()
}

fn with_newer_tags(home: &Home, id: &JobRunId, run: Arc<JobRun>) -> Arc<JobRun> {
    let state = home.state();
    let Some(tags) = application(&state).archived_tags.get(id) else { return run };
    let mut run = (*run).clone();
    run.request.tags = tags.clone();
    Arc::new(run)
}

/// Up to `limit` archived runs created before or with `after` (an id; none for the newest), newest first, and
/// whether there are more.
pub async fn page(
    parts: &Parts,
    home: &Home,
    after: Option<&JobRunId>,
    limit: usize,
) -> Result<(Vec<Arc<JobRun>>, bool), HistoryError> {
    let app = home.id.as_str();
    let cursor = match after.and_then(|id| Some((id::created_at(id.as_str())?, id))) {
        Some((created, id)) => HistoryCursor::after(app, created.0, id.as_str()),
        None => HistoryCursor::newest(),
    };
    let (lines, more) = protocols::list_history(&*parts.state, app, &cursor, limit).await?;
    let bodies =
        lines.iter().map(|line| protocols::find_history(&*parts.state, app, line.created, &line.run));
    let bodies = try_join_all(bodies).await?;
    let runs = lines.iter().zip(bodies).filter_map(|(line, body)| Some(decode(&line.run, &body?)));
    Ok((runs.collect::<Result<_, _>>()?, more))
}
