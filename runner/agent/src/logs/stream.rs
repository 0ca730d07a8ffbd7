//! One log file and its objects.

use super::pace::Pace;
use super::shipped::{Begins, Limits, Shipped, member};
use super::store::LogStore;
use crate::s3::S3Error;
use bytes::Bytes;
use nix::fcntl::{FallocateFlags, fallocate};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often a file is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Raw bytes of one member at most.
const LARGEST_MEMBER: u64 = 4 << 20;
/// Longest wait between two tries.
const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// So much of what is archived stays on the disk: the last exceptions of a job are looked for there.
const KEPT: u64 = 1 << 20;

/// One log file that is being shipped.
pub(super) struct Stream {
    pub(super) store: Arc<dyn LogStore>,
    pub(super) key: String,
    pub(super) file: PathBuf,
    pub(super) shipped: Shipped,
}

/// Why a stream's logs are not all in S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) key: String,
    pub(super) shipped: u64,
    pub(super) why: String,
}

type Deadline = watch::Receiver<Option<Instant>>;

impl Stream {
    pub(super) fn new(
        store: Arc<dyn LogStore>,
        key: String,
        file: PathBuf,
        limits: Limits,
    ) -> std::io::Result<Self> {
        Ok(Self { store, key, file, shipped: Shipped::new(Begins::default(), limits)? })
    }

    /// Follows the file until `ending` holds a deadline and everything is shipped, the deadline is over, or S3 refuses.
    pub(super) async fn follow(mut self, mut ending: Deadline) -> Result<(), Cut> {
        let mut pace = Pace::new(Instant::now());
        let mut waiting: Option<Instant> = None;
        loop {
            let deadline = *ending.borrow_and_update();
            let more = file_length(&self.file).saturating_sub(self.shipped.raw());
            let now = Instant::now();
            if more > 0 {
                let since = *waiting.get_or_insert(now);
                let fills = more >= self.shipped.room();
                if deadline.is_some() || fills || pace.is_due(now, self.shipped.cost(more), since) {
                    let uploaded = self.ship(&ending).await?;
                    pace.wrote(Instant::now(), uploaded);
                    waiting = None;
                    continue;
                }
            } else if deadline.is_some() {
                return Ok(());
            }
            tokio::select! {
                _ = tokio::time::sleep(LOOK) => {}
                changed = ending.changed() => if changed.is_err() { return Err(self.cut(self.shipped.raw(), "the runner ended")) },
            }
        }
    }

    /// Ships what there is, or as much as fills the object, however often S3 has to be asked; the bytes that it took.
    async fn ship(&mut self, ending: &Deadline) -> Result<u64, Cut> {
        let before = self.shipped.raw();
        self.gather().await.map_err(|error| self.cut(before, &error.to_string()))?;
        let mut uploaded = 0;
        if self.shipped.is_full() {
            let (object, begins) = (self.shipped.object(), self.shipped.begins());
            uploaded += object.len() as u64;
            let key = archived(&self.key, begins.archived + 1);
            self.put(&key, object, ending).await.map_err(|error| self.cut(before, &error.to_string()))?;
            self.shipped.next().map_err(|error| self.cut(before, &error.to_string()))?;
        }
        let object = self.shipped.object();
        uploaded += object.len() as u64;
        let key = self.key.clone();
        let etag =
            self.put(&key, object, ending).await.map_err(|error| self.cut(before, &error.to_string()))?;
        self.note(etag);
        make_room(&self.file, self.shipped.begins().at.saturating_sub(KEPT));
        Ok(uploaded)
    }

    /// Adds members to the object until there is nothing more, or it is full.
    async fn gather(&mut self) -> std::io::Result<()> {
        while !self.shipped.is_full() {
            let (file, from) = (self.file.clone(), self.shipped.raw());
            let most = self.shipped.room().min(LARGEST_MEMBER);
            let mut bytes = blocking(move || read_range(&file, from, most)).await?;
            let taken = self.shipped.take(&bytes);
            let whole = bytes.len() as u64 == most;
            bytes.truncate(taken);
            if taken > 0 {
                self.shipped.add(&blocking(move || member(&bytes)).await?, taken as u64);
            }
            if !whole {
                break;
            }
        }
        Ok(())
    }

    /// Puts an object, however often S3 has to be asked; fails when it refuses or the deadline is over.
    async fn put(&self, key: &str, object: Bytes, ending: &Deadline) -> Result<String, S3Error> {
        let mut wait = Duration::from_millis(200);
        loop {
            let error = match self.store.put(key, object.clone(), self.shipped.begins()).await {
                Ok(etag) => return Ok(etag),
                Err(error) => error,
            };
            let late = ending.borrow().is_some_and(|deadline| Instant::now() >= deadline);
            if late || matches!(error, S3Error::Refused { .. }) {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_RETRY);
        }
    }

    /// One try to put the object as it is.
    pub(super) async fn write_once(&mut self) -> Result<(), S3Error> {
        let etag = self.store.put(&self.key, self.shipped.object(), self.shipped.begins()).await?;
        self.note(etag);
        Ok(())
    }

    fn note(&self, etag: String) {
        // A note that cannot be written costs the next runner a longer look, nothing else.
        if let Ok(text) = serde_json::to_vec(&self.shipped.written(etag)) {
            let _ = crate::atomic::write(&note_path(&self.file), &text);
        }
    }

    fn cut(&self, shipped: u64, why: &str) -> Cut {
        Cut { key: self.key.clone(), shipped, why: why.to_owned() }
    }
}

/// The key of the full file of this number, from 1: `…/archived/stdout_1.gz` for `…/stdout.gz`.
pub(super) fn archived(key: &str, number: u32) -> String {
    let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
    let stream = name.strip_suffix(".gz").unwrap_or(name);
    format!("{folder}/archived/{stream}_{number}.gz")
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

/// Gives the first bytes of a file back to the disk; what follows stays where it is.
fn make_room(path: &Path, bytes: u64) {
    let Ok(length) = i64::try_from(bytes) else { return };
    if length > 0
        && let Ok(file) = std::fs::OpenOptions::new().write(true).open(path)
    {
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        // A file system that cannot do it keeps the whole log until the worker ends.
        let _ = fallocate(&file, flags, 0, length);
    }
}

/// Where the note of a log file lies.
pub(super) fn note_path(file: &Path) -> PathBuf {
    file.with_extension("shipped.json")
}

fn file_length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

fn read_range(path: &Path, from: u64, most: u64) -> std::io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len().saturating_sub(from).min(most);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, from)?;
    Ok(bytes)
}
