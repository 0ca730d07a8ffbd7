//! The one task of a journal that owns every conditional write.
//!
//! Round by round it takes all commands and readers that wait, decides, writes entry n+1, settles the outcome and only
//! then answers. It must not know what the commands mean, nor how the store speaks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use crate::draft::{Answer, Draft, Pending, draft};
use crate::fold::{Deps, Fold, Millis, ReadError, Snapshot, SubmitError};
use crate::port::{Created, StoreError};
use crate::replay::{Reader, Tip, Verdict, Watch, millis, timed};
use crate::upkeep::Upkeep;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A reader's answer.
pub(crate) type Reading<F> = Result<Arc<Snapshot<F>>, ReadError>;

/// What the task is asked.
pub(crate) enum Ask<F: Fold> {
    Submit(Pending<F>),
    /// A snapshot at least as new as the question; with `probe`, the store is asked even when alone.
    Read {
        reply: oneshot::Sender<Reading<F>>,
        probe: bool,
    },
    /// Answer what came before, then stop.
    Close,
}

/// What the handles and the task share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Nobody else writes to this log.
    pub(crate) alone: AtomicBool,
    /// The published state may be older than the log although nobody else writes.
    pub(crate) unsettled: AtomicBool,
}

impl Shared {
    /// Whether the last published state is the newest without asking the store.
    pub(crate) fn knows(&self) -> bool {
        self.alone.load(Ordering::SeqCst) && !self.unsettled.load(Ordering::SeqCst)
    }
}

/// How one entry's writing ended.
enum Settled {
    /// Ours; the request that wrote it began at this boot-clock time. The tip is still before it.
    Written(Millis),
    /// Ours, as reading showed. The tip is at it or after it.
    Found,
    /// Another's; the tip is at it or after it.
    Lost,
    Unknown(String),
}

pub(crate) struct Writer<F: Fold> {
    pub(crate) reader: Reader,
    pub(crate) deps: Deps,
    pub(crate) tip: Tip<F>,
    pub(crate) asks: mpsc::UnboundedReceiver<Ask<F>>,
    pub(crate) published: watch::Sender<Arc<Snapshot<F>>>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) upkeep: Upkeep,
    pub(crate) queue: VecDeque<Pending<F>>,
    pub(crate) readers: Vec<oneshot::Sender<Reading<F>>>,
    pub(crate) must_probe: bool,
    pub(crate) closing: bool,
    /// The highest entry that was given up: a late write may still put it there.
    pub(crate) abandoned: u64,
}

impl<F: Fold> Writer<F> {
    /// Serves until it is closed or every handle is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            if self.queue.is_empty() && self.readers.is_empty() {
                if self.closing {
                    break;
                }
                match self.asks.recv().await {
                    Some(ask) => self.take(ask),
                    None => break,
                }
            }
            while !self.closing
                && let Ok(ask) = self.asks.try_recv()
            {
                self.take(ask);
            }
            self.round().await;
        }
        self.upkeep.finish().await;
    }

    fn take(&mut self, ask: Ask<F>) {
        match ask {
            Ask::Submit(pending) => self.queue.push_back(pending),
            Ask::Read { reply, probe } => {
                self.readers.push(reply);
                self.must_probe |= probe;
            }
            Ask::Close => self.closing = true,
        }
    }

    // One step for everything that waits: an entry if there is something to write, else a probe if one is needed.
    async fn round(&mut self) {
        if self.queue.is_empty() {
            return self.answer_unwritten(Vec::new()).await;
        }
        if self.is_stale()
            && let Err(reason) = self.renew().await
        {
            return self.fail(self.queue.len(), &reason);
        }
        match self.draft() {
            Err(reason) => self.fail(self.queue.len(), &reason),
            Ok(draft) if draft.writes => self.commit(draft).await,
            Ok(draft) => self.answer_unwritten(draft.answers).await,
        }
    }

    fn draft(&mut self) -> Result<Draft<F>, String> {
        let mark = (self.deps.marks)();
        let bound = self.reader.settings.entry_bytes;
        draft(&self.tip.snapshot, &self.queue, mark, self.deps.clock.now(), bound)
    }

    // A write from a tip this old would be answered late: renew first.
    fn is_stale(&self) -> bool {
        let age = self.deps.clock.boot().saturating_sub(self.tip.known);
        age > millis(self.reader.settings.late_after) / 2
    }

    // Nothing to write: the answers hold if the state they were decided on is still the newest.
    async fn answer_unwritten(&mut self, answers: Vec<Answer<F>>) {
        let decided_on = self.tip.seq();
        let must_ask = self.must_probe || !self.shared.knows();
        let waited_for = !answers.is_empty() || !self.readers.is_empty();
        if must_ask
            && waited_for
            && let Err(reason) = self.renew().await
        {
            return self.fail(self.queue.len(), &reason);
        }
        if self.tip.seq() == decided_on {
            self.answer(answers);
        }
        self.answer_readers();
    }

    async fn commit(&mut self, draft: Draft<F>) {
        let Draft { seq, mark, body, after, answers, .. } = draft;
        let size = body.len();
        match self.settle(seq, mark, body).await {
            Settled::Written(began) => {
                self.tip.snapshot = Arc::new(after);
                self.tip.known = began;
                self.tip.tail_bytes += size;
                self.acknowledge(answers);
            }
            Settled::Found => self.acknowledge(answers),
            Settled::Lost => self.publish(),
            Settled::Unknown(reason) => {
                self.abandoned = self.abandoned.max(seq);
                self.shared.unsettled.store(true, Ordering::SeqCst);
                self.fail(answers.len(), &reason);
            }
        }
    }

    fn acknowledge(&mut self, answers: Vec<Answer<F>>) {
        self.publish();
        self.answer(answers);
        self.answer_readers();
        self.upkeep.after_commit(&mut self.tip, &self.reader);
    }

    // Writes until the entry is known to be ours or another's. Whatever is not a plain and timely "committed" is settled
    // by reading entry n+1.
    async fn settle(&mut self, seq: u64, mark: String, body: Bytes) -> Settled {
        self.tip.watch = Some(Watch { seq, mark, verdict: Verdict::Absent });
        let key = self.reader.log.entry(seq);
        let limit = self.reader.settings.request_timeout;
        let deadline = self.deadline();
        let mut pause = FIRST_PAUSE;
        loop {
            let began = self.deps.clock.boot();
            let answer = timed(limit, self.reader.store.create(&key, body.clone())).await;
            if answer == Ok(Created::Committed) && !self.reader.is_late(&self.tip) {
                return Settled::Written(began);
            }
            let reason = match self.reader.renew(&mut self.tip).await {
                Ok(()) => match self.verdict() {
                    Verdict::Ours => return Settled::Found,
                    Verdict::Theirs => return Settled::Lost,
                    Verdict::Covered => return Settled::Unknown(COVERED.to_owned()),
                    Verdict::Absent => reason_of(&answer),
                },
                Err(error) if error.is_transient() => error.to_string(),
                Err(error) => return Settled::Unknown(error.to_string()),
            };
            if self.deps.clock.boot() >= deadline {
                return Settled::Unknown(reason);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    // A verdict read on a late tip proves nothing: the entry is then looked at again, through the checkpoints.
    fn verdict(&self) -> Verdict {
        match &self.tip.watch {
            Some(watch) if !self.reader.is_late(&self.tip) => watch.verdict,
            _ => Verdict::Absent,
        }
    }

    // Reads until the store answers.
    pub(crate) async fn renew(&mut self) -> Result<(), String> {
        let deadline = self.deadline();
        let mut pause = FIRST_PAUSE;
        loop {
            match self.reader.renew(&mut self.tip).await {
                Ok(()) if !self.reader.is_late(&self.tip) => {
                    self.publish();
                    return Ok(());
                }
                Ok(()) => {} // so slow that it proves nothing: once more
                Err(error) if !error.is_transient() => return Err(error.to_string()),
                Err(error) if self.deps.clock.boot() >= deadline => return Err(error.to_string()),
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn deadline(&self) -> Millis {
        self.deps.clock.boot().saturating_add(millis(self.reader.settings.give_up_after))
    }

    // Published before anyone is answered, so that who was answered finds a state at least as new.
    fn publish(&mut self) {
        if self.tip.seq() >= self.abandoned {
            self.shared.unsettled.store(false, Ordering::SeqCst);
        }
        let snapshot = &self.tip.snapshot;
        self.published.send_if_modified(|old| {
            let newer = snapshot.seq > old.seq;
            if newer {
                *old = Arc::clone(snapshot);
            }
            newer
        });
    }

    // A caller that went away is no error: what it asked for is done all the same.
    fn answer(&mut self, answers: Vec<Answer<F>>) {
        let decided = self.queue.drain(..answers.len());
        for (pending, answer) in decided.zip(answers) {
            let _gone = pending.reply.send(answer);
        }
    }

    fn answer_readers(&mut self) {
        self.must_probe = false;
        for reader in self.readers.drain(..) {
            let _gone = reader.send(Ok(Arc::clone(&self.tip.snapshot)));
        }
    }

    fn fail(&mut self, commands: usize, reason: &str) {
        tracing::warn!(reason, "a journal is unavailable");
        for pending in self.queue.drain(..commands) {
            let _gone = pending.reply.send(Err(SubmitError::Unavailable(reason.to_owned())));
        }
        self.must_probe = false;
        for reader in self.readers.drain(..) {
            let _gone = reader.send(Err(ReadError::Unavailable(reason.to_owned())));
        }
    }
}

const COVERED: &str = "the answer came so late that a checkpoint already covers the entry";

fn reason_of(answer: &Result<Created, StoreError>) -> String {
    match answer {
        Err(error) => error.to_string(),
        Ok(_) => "the store does not say what became of an entry".to_owned(),
    }
}
