//! Packing: what is due becomes an object, and then an entry of the journal says so.
//!
//! A crash between the two leaves an object that nobody names; of two control planes that pack the same, one is told to
//! look again. Nothing that is packed is deleted: the record of each run stays where it is.

use super::{encode_tags, segment};
use crate::home::{Home, application};
use crate::ports::Parts;
use firesteel_core::command::Command;
use firesteel_core::history::{BOUNDS, Pack};
use firesteel_core::id::JobRunId;
use firesteel_core::refusal::Refusal;
use firesteel_journal::{Store, StoreError, SubmitError, segments};
use futures::future::try_join_all;

/// Objects of changed tags that are written at once.
const AT_ONCE: usize = 32;

/// Packs until nothing is due; true if anything was done.
pub async fn pack_all(parts: &Parts, home: &Home) -> anyhow::Result<()> {
    let store = &*parts.state;
    loop {
        let snapshot = home.fresh().await?;
        let history = &application(&snapshot).history;
        let command = if let Some(due) = history.due(&BOUNDS) {
            store_pack(store, home.id.as_str(), &due).await?
        } else {
            let due = history.due_tags(&BOUNDS);
            let writes = due.iter().map(|(run, retagged)| async move {
                let body = encode_tags(&retagged.tags).map_err(not_done)?;
                segments::store_tags(store, home.id.as_str(), run.as_str(), retagged.version, body).await
            });
            let mut writes: Vec<_> = writes.collect();
            while !writes.is_empty() {
                let rest = writes.split_off(writes.len().min(AT_ONCE));
                try_join_all(std::mem::replace(&mut writes, rest)).await?;
            }
            let stored = due.iter().map(|(run, retagged)| (run.clone(), retagged.version));
            let stored: Vec<(JobRunId, u64)> = stored.collect();
            (!stored.is_empty()).then_some(Command::TagsStored(stored))
        };
        let Some(command) = command else { return Ok(()) };
        match home.submit(command).await {
            Ok(_) | Err(SubmitError::Refused(Refusal::LookAgain)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Stores a pack; the command that makes it count.
pub async fn store_pack(
    store: &dyn Store,
    application: &str,
    pack: &Pack,
) -> Result<Option<Command>, StoreError> {
    let body = segment::encode(pack).map_err(not_done)?;
    let name = segments::store_segment(store, application, body).await?;
    let command = |head| Command::Packed { head: Box::new(head), names: pack.names() };
    Ok(pack.head(name).map(command))
}

fn not_done(error: serde_json::Error) -> StoreError {
    StoreError::NotDone(error.to_string())
}
