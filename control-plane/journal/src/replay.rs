//! Reading a log: from its newest checkpoint through its tail to the tip, and from one tip to the next.
//!
//! A [`Tip`] knows *when* it was known to be the newest entry: a tip that is older than
//! [`Settings::late_after`](crate::Settings) may only be renewed through the checkpoints, because the entries after
//! it may have been trimmed and "no entry n+1" would then be a lie. This room never writes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use crate::entry::{self, Entry, FormatError};
use crate::fold::{Clock, Fold, Millis, Settings, Snapshot};
use crate::keys::{self, Log};
use crate::port::{Page, Store, StoreError};

/// After this many single reads in a row, the rest of the tail is listed and read in parallel.
const SINGLE_READS: u32 = 4;
const PARALLEL_READS: usize = 16;
const LIST_LIMIT: usize = 1000;
const READ_TRIES: u32 = 4;
const READ_PAUSE: Duration = Duration::from_millis(20);

/// Why a log could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReplayError {
    /// Worth another try.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Listing and reading disagree because somebody is trimming: worth another try.
    #[error("{0} vanished between listing and reading")]
    Moved(String),
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error("entry {0} is missing, and later entries are there")]
    Gap(u64),
    #[error("the log is no longer there")]
    Gone,
}

impl ReplayError {
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Moved(_))
    }
}

/// What became of an entry that this process tried to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No entry with that number has been seen.
    Absent,
    /// The entry is ours.
    Ours,
    /// The entry is another writer's.
    Theirs,
    /// A checkpoint covers that number: whose it was cannot be known any more.
    Covered,
}

/// An entry that is being written: the fold looks out for it.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    pub(crate) seq: u64,
    pub(crate) mark: String,
    pub(crate) verdict: Verdict,
}

/// The newest entry known, and the state there.
pub(crate) struct Tip<F> {
    pub(crate) snapshot: Arc<Snapshot<F>>,
    /// Boot-clock time at the beginning of the request that showed that nothing newer existed.
    pub(crate) known: Millis,
    /// Newest checkpoint seen or begun.
    pub(crate) checkpoint: u64,
    /// Bytes of the entries after that checkpoint.
    pub(crate) tail_bytes: usize,
    pub(crate) watch: Option<Watch>,
}

impl<F: Fold> Tip<F> {
    pub(crate) fn empty() -> Self {
        let snapshot = Arc::new(Snapshot { seq: 0, at: 0, state: F::default() });
        Self { snapshot, known: Millis::MIN, checkpoint: 0, tail_bytes: 0, watch: None }
    }

    pub(crate) fn seq(&self) -> u64 {
        self.snapshot.seq
    }

    fn fold(&mut self, entry: &Entry<F::Event>, bytes: usize) {
        let snapshot = Arc::make_mut(&mut self.snapshot);
        for event in &entry.events {
            snapshot.state.apply(event);
        }
        snapshot.seq = entry.seq;
        snapshot.at = snapshot.at.max(entry.at);
        self.tail_bytes += bytes;
        if let Some(watch) = self.watch.as_mut().filter(|watch| watch.seq == entry.seq) {
            let ours = watch.mark == entry.mark;
            watch.verdict = if ours { Verdict::Ours } else { Verdict::Theirs };
        }
    }

    fn jump(&mut self, snapshot: Snapshot<F>) {
        if let Some(watch) = self.watch.as_mut().filter(|watch| watch.seq <= snapshot.seq) {
            watch.verdict = Verdict::Covered;
        }
        self.checkpoint = snapshot.seq;
        self.tail_bytes = 0;
        self.snapshot = Arc::new(snapshot);
    }
}

/// Reads one log.
pub(crate) struct Reader {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) log: Log,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
}

impl Reader {
    /// Whether so much time has passed since the tip was known to be the newest that no answer proves anything.
    pub(crate) fn is_late<F>(&self, tip: &Tip<F>) -> bool {
        let age = self.clock.boot().saturating_sub(tip.known);
        age > millis(self.settings.late_after)
    }

    /// Brings the tip up to date: afterwards it is at least as new as the call. Each outcome is stored in `tip.watch`.
    pub(crate) async fn renew<F: Fold>(&self, tip: &mut Tip<F>) -> Result<(), ReplayError> {
        if self.is_late(tip) {
            return self.reload(tip).await;
        }
        for _ in 0..SINGLE_READS {
            let began = self.clock.boot();
            let next = tip.seq() + 1;
            let body = self.get(&self.log.entry(next)).await?;
            if self.is_late(tip) {
                return self.reload(tip).await;
            }
            match body {
                None => {
                    tip.known = began;
                    return Ok(());
                }
                Some(body) => self.fold(tip, next, &body)?,
            }
        }
        self.reload(tip).await
    }

    /// Starts again from the newest checkpoint, or from the tip if that is newer, and reads the whole tail.
    pub(crate) async fn reload<F: Fold>(&self, tip: &mut Tip<F>) -> Result<(), ReplayError> {
        let began = self.clock.boot();
        let newest = self.newest_checkpoint().await?;
        if newest > tip.seq() {
            let key = self.log.checkpoint(newest);
            let body = self.get(&key).await?.ok_or_else(|| ReplayError::Moved(key.clone()))?;
            tip.jump(entry::decode_checkpoint(&key, &body)?);
        }
        tip.checkpoint = tip.checkpoint.max(newest);
        self.read_tail(tip, newest).await?;
        tip.known = began;
        Ok(())
    }

    async fn newest_checkpoint(&self) -> Result<u64, ReplayError> {
        let mut newest = 0;
        let mut after = String::new();
        loop {
            let page = self.list(&self.log.checkpoints(), &after).await?;
            let seqs = page.entries.iter().filter_map(|listed| keys::seq_of(&listed.key));
            newest = seqs.fold(newest, u64::max);
            match page.entries.last() {
                Some(last) if page.more => after.clone_from(&last.key),
                _ => return Ok(newest),
            }
        }
    }

    // The listing begins with the tip itself: if that is gone and no checkpoint covers it, the log was removed.
    async fn read_tail<F: Fold>(&self, tip: &mut Tip<F>, covered: u64) -> Result<(), ReplayError> {
        let mut must_see = (tip.seq() > covered).then_some(tip.seq());
        let mut after = self.log.entry(tip.seq().saturating_sub(1));
        loop {
            let page = self.list(&self.log.entries(), &after).await?;
            let mut seqs: Vec<u64> =
                page.entries.iter().filter_map(|listed| keys::seq_of(&listed.key)).collect();
            if must_see.take().is_some_and(|seq| !seqs.contains(&seq)) {
                return Err(ReplayError::Gone);
            }
            seqs.retain(|seq| *seq > tip.seq());
            self.read_entries(tip, &seqs).await?;
            match page.entries.last() {
                Some(last) if page.more => after.clone_from(&last.key),
                _ => return Ok(()),
            }
        }
    }

    async fn read_entries<F: Fold>(&self, tip: &mut Tip<F>, seqs: &[u64]) -> Result<(), ReplayError> {
        let mut bodies = stream::iter(seqs.iter().copied())
            .map(|seq| async move { self.present(seq).await.map(|body| (seq, body)) })
            .buffered(PARALLEL_READS);
        while let Some((seq, body)) = bodies.try_next().await? {
            self.fill(tip, seq).await?;
            self.fold(tip, seq, &body)?;
        }
        Ok(())
    }

    // A listing that is no snapshot may miss an entry that came while it was made; that entry can be read.
    async fn fill<F: Fold>(&self, tip: &mut Tip<F>, upto: u64) -> Result<(), ReplayError> {
        while tip.seq() + 1 < upto {
            let next = tip.seq() + 1;
            let body = self.get(&self.log.entry(next)).await?.ok_or(ReplayError::Gap(next))?;
            self.fold(tip, next, &body)?;
        }
        Ok(())
    }

    fn fold<F: Fold>(&self, tip: &mut Tip<F>, seq: u64, body: &[u8]) -> Result<(), ReplayError> {
        let entry = entry::decode(&self.log.entry(seq), seq, body)?;
        tip.fold(&entry, body.len());
        Ok(())
    }

    async fn present(&self, seq: u64) -> Result<Bytes, ReplayError> {
        let key = self.log.entry(seq);
        self.get(&key).await?.ok_or(ReplayError::Moved(key))
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let mut tries = Tries::new(self);
        loop {
            let answer = timed(self.settings.request_timeout, self.store.get(key)).await;
            if answer.is_ok() || !tries.again().await {
                return answer;
            }
        }
    }

    async fn list(&self, prefix: &str, after: &str) -> Result<Page, StoreError> {
        let mut tries = Tries::new(self);
        loop {
            let request = self.store.list(prefix, after, LIST_LIMIT);
            let answer = timed(self.settings.request_timeout, request).await;
            if answer.is_ok() || !tries.again().await {
                return answer;
            }
        }
    }
}

/// A read that failed is repeated a few times by itself: a tail is many reads, and one bad answer must not cost them all.
struct Tries<'a> {
    reader: &'a Reader,
    began: Millis,
    left: u32,
    pause: Duration,
}

impl<'a> Tries<'a> {
    fn new(reader: &'a Reader) -> Self {
        let began = reader.clock.boot();
        Self { reader, began, left: READ_TRIES - 1, pause: READ_PAUSE }
    }

    // Whether to try once more; waits before it says so. Slow failures are left to the caller's own patience.
    async fn again(&mut self) -> bool {
        let spent = self.reader.clock.boot().saturating_sub(self.began);
        if self.left == 0 || spent > millis(self.reader.settings.give_up_after) / 4 {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.left -= 1;
        self.pause *= 2;
        true
    }
}

/// A request that is given up, its outcome unknown, after `limit`.
pub(crate) async fn timed<T>(
    limit: Duration,
    request: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, request).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::Unknown(format!("no answer within {} s", limit.as_secs()))),
    }
}

/// A duration on the journal's clocks.
pub(crate) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}
