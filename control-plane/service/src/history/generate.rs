//! A long past, made in a moment: settled runs written through the real packing, for tests and benchmarks.
//!
//! Every run is a copy of one that was really archived. The control plane must not run meanwhile.

use super::pack::store_pack;
use crate::ledger::ApplicationLedger;
use firesteel_core::command::Command;
use firesteel_core::history::{BOUNDS, History, Summary};
use firesteel_core::id::{self, JobRunId};
use firesteel_core::job_run::{JobRun, JobRunState};
use firesteel_core::time::Millis;
use firesteel_journal::{Deps, Journal, Log, Settings, Snapshot, Store, encode_checkpoint, keys};
use futures::stream::{self, TryStreamExt};
use std::sync::Arc;

/// Records that are written at once.
const AT_ONCE: usize = 64;
/// The oldest runs that get their records whatever is asked.
const OLDEST: u64 = 16;

/// What is to be made.
#[derive(Clone, Debug)]
pub struct Past {
    /// The application.
    pub application: String,
    /// How many runs.
    pub runs: u64,
    /// How many of the youngest also get the record that GetJobRun reads; the oldest sixteen get it always.
    pub records: u64,
    /// When the youngest was created; each other a second before the next.
    pub newest: Millis,
}

/// Id, state and mode of run `n`, counted from the oldest: one in a thousand FAILED, one in a hundred CANCELLED, one in
/// twenty STREAMING.
pub fn nth(past: &Past, n: u64) -> (JobRunId, JobRunState, &'static str) {
    let age = 1000 * (past.runs - 1 - n) as i64;
    let id = JobRunId::new(id::mint(Millis(past.newest.0 - age), n));
    let state = match n {
        _ if n % 1000 == 17 => JobRunState::Failed,
        _ if n % 100 == 3 => JobRunState::Cancelled,
        _ => JobRunState::Success,
    };
    (id, state, if n % 20 == 7 { "STREAMING" } else { "BATCH" })
}

/// Writes segments, records, and a checkpoint of the application that names the segments.
pub async fn write(store: Arc<dyn Store>, deps: Deps, past: &Past) -> anyhow::Result<()> {
    let log = Log::application(&past.application);
    let journal: Journal<ApplicationLedger> =
        Journal::open(store.clone(), log.clone(), deps, Settings::default()).await?;
    let snapshot = journal.state();
    journal.close().await;
    let mut ledger = snapshot.state.clone();
    let template = template(&*store, past, &ledger.0.history).await?;
    let line = Summary::of(&template);
    let mut history = std::mem::take(&mut ledger.0.history);
    for n in 0..past.runs {
        let line = summary(&line, past, n);
        history.recent.insert(Arc::new(line));
        pack(&*store, past, &mut history).await?;
    }
    ledger.0.removals += past.runs;
    ledger.0.history = history;
    let first = past.runs.saturating_sub(past.records);
    let with_records = (0..past.runs).filter(|n| *n >= first || *n < OLDEST);
    stream::iter(with_records.map(Ok::<_, anyhow::Error>))
        .try_for_each_concurrent(AT_ONCE, |n| {
            let (store, run) = (&store, copy(&template, past, n));
            async move {
                let created = id::created_at(run.request.id.as_str()).unwrap_or(run.created);
                let key = keys::history(&past.application, created.0, run.request.id.as_str());
                Ok(store.put(&key, super::encode(&run)?).await?)
            }
        })
        .await?;
    let checkpoint = encode_checkpoint(&Snapshot { seq: snapshot.seq, at: snapshot.at, state: ledger })?;
    store.put(&log.checkpoint(snapshot.seq), checkpoint).await?;
    Ok(())
}

/// The youngest run in history.
async fn template(store: &dyn Store, past: &Past, history: &History) -> anyhow::Result<Arc<JobRun>> {
    let (id, _) = history.recent.get_max().ok_or_else(|| anyhow::anyhow!("no run was archived yet"))?;
    let created = id::created_at(id.as_str()).unwrap_or_default();
    let body = store.get(&keys::history(&past.application, created.0, id.as_str())).await?;
    let body = body.ok_or_else(|| anyhow::anyhow!("{id} has no record"))?;
    Ok(super::decode(id.as_str(), &body)?)
}

fn summary(template: &Summary, past: &Past, n: u64) -> Summary {
    let (id, state, mode) = nth(past, n);
    let created = id::created_at(id.as_str()).unwrap_or_default();
    let name = Some(format!("nightly {}", n % 300).into());
    let updated = created.plus(600_000);
    Summary {
        id,
        name,
        mode: mode.into(),
        state,
        created,
        updated,
        attempt_created: created,
        ..template.clone()
    }
}

fn copy(template: &JobRun, past: &Past, n: u64) -> JobRun {
    let mut run = template.clone();
    let summary = summary(&Summary::of(template), past, n);
    let request = Arc::make_mut(&mut run.request);
    request.token = format!("token-of-{}", summary.id).into();
    (request.mode, request.name, request.id) = (summary.mode, summary.name, summary.id);
    (run.state, run.created, run.updated) = (summary.state, summary.created, summary.updated);
    run
}

async fn pack(store: &dyn Store, past: &Past, history: &mut History) -> anyhow::Result<()> {
    while history.recent.len() >= BOUNDS.recent
        && let Some(due) = history.due(&BOUNDS)
    {
        if let Some(Command::Packed { head, names }) = store_pack(store, &past.application, &due).await? {
            history.packed(&head, &names);
        }
    }
    Ok(())
}
