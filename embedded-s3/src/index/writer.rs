//! The one writer: a thread that gathers queued acts into one transaction and one fsync.
//!
//! Acts are answered after the commit that holds them is durable, never before.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use redb::Database;
use tokio::sync::{mpsc, oneshot};

use super::transaction::{Aftermath, Transaction};
use super::{Refusal, Store, open_database};
use crate::blobs::Blobs;

/// How many acts may wait; more callers are held back, so that their bodies do not fill memory.
const QUEUE: usize = 256;
/// The most acts of one commit.
const GROUP: usize = 512;

/// Told when the commit is over: durable, or failed with this message.
type Settle = Box<dyn FnOnce(Result<(), &str>) + Send>;
type Act = Box<dyn FnOnce(&mut Transaction<'_>) -> (Settle, Verdict) + Send>;

/// What an act left behind in the transaction.
enum Verdict {
    Sound,
    Broken(String),
}

/// The handle to the writer thread.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Act>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(
        store: Arc<Store>,
        path: PathBuf,
        blobs: Arc<Blobs>,
        last_row: u64,
    ) -> Result<Self, Refusal> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let desk = Desk { store, path, blobs, last_row, last_ms: 0 };
        let thread =
            std::thread::Builder::new().name("s3-writer".into()).spawn(move || desk.work(receiver))?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    pub(super) async fn commit<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Transaction<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let gone = || Refusal::Storage("the writer has stopped".into());
        let (answer, answered) = oneshot::channel();
        let act: Act = Box::new(move |transaction| {
            let result = act(transaction);
            let verdict = match &result {
                Err(Refusal::Storage(message)) => Verdict::Broken(message.clone()),
                _ => Verdict::Sound,
            };
            let settle: Settle = Box::new(move |commit| {
                let result = match (result, commit) {
                    (Ok(_), Err(message)) => Err(Refusal::Storage(message.into())),
                    (result, _) => result,
                };
                // The caller may have gone away; the commit stands all the same.
                let _ = answer.send(result);
            });
            (settle, verdict)
        });
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        queue.ok_or_else(gone)?.send(act).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Closes the queue and waits until what was in it is committed.
    pub(super) fn stop(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the writer thread works with.
struct Desk {
    store: Arc<Store>,
    path: PathBuf,
    blobs: Arc<Blobs>,
    last_row: u64,
    last_ms: i64,
}

impl Desk {
    fn work(mut self, mut queue: mpsc::Receiver<Act>) {
        while let Some(first) = queue.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(act) = queue.try_recv()
            {
                group.push(act);
            }
            self.commit(group);
        }
    }

    fn commit(&mut self, group: Vec<Act>) {
        let mut settles = Vec::with_capacity(group.len());
        let outcome = self.transact(group, &mut settles);
        let told = match &outcome {
            Ok(()) => Ok(()),
            Err(refusal) => {
                tracing::error!(%refusal, acts = settles.len(), "a commit failed");
                self.reopen();
                Err(refusal.to_string())
            }
        };
        for settle in settles {
            settle(told.as_ref().copied().map_err(String::as_str));
        }
    }

    fn transact(&mut self, group: Vec<Act>, settles: &mut Vec<Settle>) -> Result<(), Refusal> {
        let store = self.store.clone();
        let store = store.read().unwrap_or_else(PoisonError::into_inner);
        let database = store.as_ref().ok_or_else(|| Refusal::Storage("the index is closed".into()))?;
        let write = database.begin_write()?;
        let mut transaction = Transaction::open(&write, self.last_row, self.now())?;
        let mut broken = None;
        for act in group {
            let (settle, verdict) = act(&mut transaction);
            settles.push(settle);
            if let Verdict::Broken(message) = verdict {
                broken.get_or_insert(message);
            }
        }
        let Aftermath { freed, adopted, last_row } = transaction.end();
        let committed = match broken {
            Some(message) => write.abort().map_err(Refusal::from).and(Err(Refusal::Storage(message))),
            None => write.commit().map_err(Refusal::from),
        };
        // Even a commit that failed may turn out to be there after a restart: its blobs stay, and
        // the next start sweeps them if no record names them.
        adopted.into_iter().for_each(crate::blobs::NewBlob::keep);
        self.last_row = last_row;
        committed?;
        self.blobs.free(freed);
        Ok(())
    }

    /// The time of a commit never runs backwards, whatever the clock does.
    fn now(&mut self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.last_ms = self.last_ms.max(since.as_millis() as i64);
        self.last_ms
    }

    /// After a failure of the disk redb refuses everything until the file is opened again.
    fn reopen(&self) {
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        drop::<Option<Database>>(store.take());
        match open_database(&self.path) {
            Ok(database) => *store = Some(database),
            Err(refusal) => tracing::error!(%refusal, "the index cannot be opened again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::index::{Index, Refusal};

    #[tokio::test]
    async fn a_failure_of_the_store_takes_its_whole_group_back_and_the_next_commit_stands() {
        let folder = tempfile::tempdir().unwrap();
        let (index, _blobs) = Index::open(folder.path()).unwrap();
        index.commit(|transaction| transaction.create_bucket("before", "r")).await.unwrap();
        let failed = index
            .commit(|transaction| {
                transaction.create_bucket("half", "r")?;
                Err::<(), _>(Refusal::Storage("the disk is full".into()))
            })
            .await;
        assert_eq!(failed, Err(Refusal::Storage("the disk is full".into())));
        index.commit(|transaction| transaction.create_bucket("after", "r")).await.unwrap();
        let names = index.read(|snapshot| snapshot.buckets()).unwrap();
        assert_eq!(names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["after", "before"]);
        index.close();
        let closed = index.commit(|transaction| transaction.create_bucket("late", "r")).await;
        assert!(matches!(closed, Err(Refusal::Storage(_))));
    }

    #[tokio::test]
    async fn a_refusal_leaves_its_neighbours_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (index, _blobs) = Index::open(folder.path()).unwrap();
        let create =
            |name: &'static str| index.commit(move |transaction| transaction.create_bucket(name, "r"));
        let (first, again, other) = tokio::join!(create("one"), create("one"), create("two"));
        assert_eq!((first, again, other), (Ok(()), Err(Refusal::BucketExists), Ok(())));
    }
}
