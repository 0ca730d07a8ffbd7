//! One log file and its object.

use super::pace::Pace;
use super::shipped::{Note, Shipped, Write};
use super::store::LogStore;
use crate::s3::S3Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often a file is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Raw bytes of one member at most.
const LARGEST_MEMBER: u64 = 8 << 20;
/// Longest wait between two tries.
const LONGEST_RETRY: Duration = Duration::from_secs(5);

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

impl Stream {
    pub(super) fn new(store: Arc<dyn LogStore>, key: String, file: PathBuf) -> std::io::Result<Self> {
        Ok(Self { store, key, file, shipped: Shipped::new()? })
    }

    /// Follows the file until `ending` holds a deadline and everything is shipped, the deadline is over, or S3 refuses.
    pub(super) async fn follow(mut self, mut ending: watch::Receiver<Option<Instant>>) -> Result<(), Cut> {
        let mut pace = Pace::new(Instant::now());
        let mut waiting: Option<Instant> = None;
        loop {
            let deadline = *ending.borrow_and_update();
            let length = file_length(&self.file);
            let more = length.saturating_sub(self.shipped.raw());
            let now = Instant::now();
            if more > 0 {
                let since = *waiting.get_or_insert(now);
                let cost = self.shipped.cost(more.min(LARGEST_MEMBER));
                if deadline.is_some() || pace.is_due(now, cost, since) {
                    self.ship(&mut ending).await?;
                    pace.wrote(Instant::now(), cost);
                    waiting = None;
                    continue;
                }
            } else if deadline.is_some() {
                return Ok(());
            }
            tokio::select! {
                _ = tokio::time::sleep(LOOK) => {}
                changed = ending.changed() => if changed.is_err() { return Err(self.cut("the runner ended")) },
            }
        }
    }

    /// Ships the next member, however often S3 has to be asked.
    async fn ship(&mut self, ending: &mut watch::Receiver<Option<Instant>>) -> Result<(), Cut> {
        let before = self.shipped.raw();
        let bytes = read_range(&self.file, before, LARGEST_MEMBER).map_err(|e| self.cut(&e.to_string()))?;
        self.shipped.append(&bytes).map_err(|error| self.cut(&error.to_string()))?;
        let mut wait = Duration::from_millis(200);
        loop {
            let error = match self.write_once().await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let late = ending.borrow().is_some_and(|deadline| Instant::now() >= deadline);
            if late || matches!(error, S3Error::Refused { .. }) {
                return Err(Cut { key: self.key.clone(), shipped: before, why: error.to_string() });
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_RETRY);
        }
    }

    /// One try to bring the object up to date.
    pub(super) async fn write_once(&mut self) -> Result<(), S3Error> {
        let written = match self.shipped.write() {
            Write::Put(body) => self.store.put(&self.key, body).await,
            Write::Extend { prefix, etag, tail } => self.store.extend(&self.key, prefix, &etag, tail).await,
        };
        match written {
            Ok(etag) => {
                let note = self.shipped.written(etag);
                note_down(&self.file, &note);
                Ok(())
            }
            Err(S3Error::Changed(why)) => self.find_again(why).await,
            Err(error) => Err(error),
        }
    }

    async fn find_again(&mut self, why: String) -> Result<(), S3Error> {
        let ours = match self.store.head(&self.key).await? {
            Some(head) => self.shipped.adopt(head.length, head.etag),
            None => false,
        };
        if ours {
            return Err(S3Error::Passing(why));
        }
        Err(S3Error::Refused {
            code: "Changed".to_owned(),
            message: "the log object was changed by someone else".into(),
        })
    }

    fn cut(&self, why: &str) -> Cut {
        Cut { key: self.key.clone(), shipped: self.shipped.raw(), why: why.to_owned() }
    }
}

/// Where the note of a log file lies.
pub(super) fn note_path(file: &Path) -> PathBuf {
    file.with_extension("shipped.json")
}

fn note_down(file: &Path, note: &Note) {
    // A note that cannot be written costs the next runner a download, nothing else.
    if let Ok(text) = serde_json::to_vec(note) {
        let _ = crate::atomic::write(&note_path(file), &text);
    }
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
