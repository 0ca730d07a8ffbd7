//! Checkpoints and trimming, beside the path of commits.
//!
//! Which-before-which: a checkpoint is seen in a listing before an older checkpoint is deleted; entries are deleted
//! oldest first, only at or below the oldest checkpoint kept, and only when older than
//! [`Settings::keep_entries`](crate::Settings). A crash anywhere leaves objects that the next pass removes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use tokio::task::JoinHandle;

use crate::entry;
use crate::fold::{Clock, Fold, Millis, Settings, Snapshot};
use crate::keys::{self, Log};
use crate::port::{Store, StoreError};
use crate::replay::{Reader, Tip, millis, timed};

const PAGES_AT_ONCE: usize = 10;
const PAGE: usize = 1000;
/// A checkpoint of a large state is put off until the entries after the last one have half its size, but not longer than
/// this many times [`Settings::checkpoint_every`].
const LONGEST_PUT_OFF: u64 = 8;

/// Runs at most one pass at a time.
#[derive(Default)]
pub(crate) struct Upkeep {
    pass: Option<JoinHandle<()>>,
    /// Time of the oldest entry when last looked at: before it ages, there is nothing to trim.
    oldest: Arc<AtomicI64>,
    /// Size of the last checkpoint written here.
    size: Arc<AtomicUsize>,
}

impl Upkeep {
    /// Begins a pass if enough entries came since the last checkpoint.
    pub(crate) fn after_commit<F: Fold>(&mut self, tip: &mut Tip<F>, reader: &Reader) {
        let settings = &reader.settings;
        let entries = tip.seq().saturating_sub(tip.checkpoint);
        let many = entries >= settings.checkpoint_every || tip.tail_bytes >= settings.checkpoint_bytes;
        let worth_it = tip.tail_bytes >= self.size.load(Ordering::SeqCst) / 2;
        let due = many && worth_it || entries >= settings.checkpoint_every.saturating_mul(LONGEST_PUT_OFF);
        let busy = self.pass.as_ref().is_some_and(|pass| !pass.is_finished());
        if !due || busy {
            return;
        }
        tip.checkpoint = tip.seq();
        tip.tail_bytes = 0;
        let pass = Pass {
            store: Arc::clone(&reader.store),
            log: reader.log.clone(),
            clock: Arc::clone(&reader.clock),
            settings: settings.clone(),
            oldest: Arc::clone(&self.oldest),
            size: Arc::clone(&self.size),
        };
        let snapshot = Arc::clone(&tip.snapshot);
        self.pass = Some(tokio::spawn(async move {
            if let Err(error) = pass.run(&snapshot).await {
                tracing::warn!(%error, "a checkpoint or its trimming was put off");
            }
        }));
    }

    /// Waits for the pass that is under way.
    pub(crate) async fn finish(&mut self) {
        if let Some(pass) = self.pass.take() {
            let _ended = pass.await;
        }
    }
}

struct Pass {
    store: Arc<dyn Store>,
    log: Log,
    clock: Arc<dyn Clock>,
    settings: Settings,
    oldest: Arc<AtomicI64>,
    size: Arc<AtomicUsize>,
}

impl Pass {
    async fn run<F: Fold>(&self, snapshot: &Snapshot<F>) -> Result<(), StoreError> {
        let body = entry::encode_checkpoint(snapshot).map_err(not_done)?;
        self.size.store(body.len(), Ordering::SeqCst);
        let key = self.log.checkpoint(snapshot.seq);
        timed(self.settings.request_timeout, self.store.create(&key, body)).await?;
        if let Some(bound) = self.drop_checkpoints().await? {
            self.trim(bound).await?;
        }
        Ok(())
    }

    // Deletes all but the newest checkpoints; the oldest kept is the bound for trimming.
    async fn drop_checkpoints(&self) -> Result<Option<u64>, StoreError> {
        let page = self.store.list(&self.log.checkpoints(), "", PAGE).await?;
        let seqs: Vec<u64> = page.entries.iter().filter_map(|listed| keys::seq_of(&listed.key)).collect();
        let keep = self.settings.keep_checkpoints.max(2);
        let Some(first) = seqs.len().checked_sub(keep) else {
            return Ok(None);
        };
        for seq in &seqs[..first] {
            self.store.delete(&self.log.checkpoint(*seq)).await?;
        }
        Ok(seqs.get(first).copied())
    }

    async fn trim(&self, bound: u64) -> Result<(), StoreError> {
        let cutoff = self.clock.now().saturating_sub(millis(self.settings.keep_entries));
        for _ in 0..PAGES_AT_ONCE {
            if self.oldest.load(Ordering::SeqCst) >= cutoff {
                return Ok(());
            }
            let page = self.store.list(&self.log.entries(), "", PAGE).await?;
            let mut seqs: Vec<u64> =
                page.entries.iter().filter_map(|listed| keys::seq_of(&listed.key)).collect();
            seqs.retain(|seq| *seq <= bound);
            let old = self.count_older(&seqs, cutoff).await?;
            for seq in &seqs[..old] {
                self.store.delete(&self.log.entry(*seq)).await?;
            }
            if old < PAGE {
                return Ok(());
            }
        }
        Ok(())
    }

    // Times never run backwards along the log, so the first entry young enough is found by halving. The common case,
    // that even the oldest is young, costs one read.
    async fn count_older(&self, seqs: &[u64], cutoff: Millis) -> Result<usize, StoreError> {
        let (mut low, mut high, mut middle) = (0, seqs.len(), 0);
        while low < high {
            let at = self.time_of(seqs[middle]).await?;
            if middle == 0 {
                self.oldest.store(at, Ordering::SeqCst);
            }
            if at < cutoff {
                low = middle + 1;
            } else {
                high = middle;
            }
            middle = low + (high - low) / 2;
        }
        Ok(low)
    }

    // An entry that another trimmer has just deleted was old.
    async fn time_of(&self, seq: u64) -> Result<Millis, StoreError> {
        let key = self.log.entry(seq);
        let Some(body) = self.store.get(&key).await? else {
            return Ok(Millis::MIN);
        };
        let entry: entry::Entry<serde::de::IgnoredAny> = entry::parse(&key, &body).map_err(not_done)?;
        Ok(entry.at)
    }
}

fn not_done(error: impl std::fmt::Display) -> StoreError {
    StoreError::NotDone(error.to_string())
}
