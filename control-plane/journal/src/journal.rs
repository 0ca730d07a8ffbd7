//! The handle of one log: submit commands, read states, wait for changes.
//!
//! All writing is done by one task per journal (`writer`); handles are cheap to clone and talk to it. This room must
//! not know how an entry is decided or settled.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{mpsc, oneshot, watch};

use crate::draft::Pending;
use crate::fold::{Accepted, Deps, Fold, ReadError, Settings, Snapshot, SubmitError};
use crate::keys::Log;
use crate::port::Store;
use crate::replay::{Reader, Tip};
use crate::upkeep::Upkeep;
use crate::writer::{Ask, Shared, Writer};

/// One log and the fold of it. The task behind it ends when every handle is dropped or one is closed.
pub struct Journal<F: Fold> {
    asks: mpsc::UnboundedSender<Ask<F>>,
    published: watch::Receiver<Arc<Snapshot<F>>>,
    shared: Arc<Shared>,
}

impl<F: Fold> Clone for Journal<F> {
    fn clone(&self) -> Self {
        Self { asks: self.asks.clone(), published: self.published.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<F: Fold> Journal<F> {
    /// Reads the newest checkpoint and the tail of `log`, and starts the task that serves it (on the current tokio
    /// runtime). A log without entries is empty, not an error.
    ///
    /// # Errors
    /// When the store gives no clear answer for [`Settings::give_up_after`], or the log cannot be understood.
    pub async fn open(
        store: Arc<dyn Store>,
        log: Log,
        deps: Deps,
        settings: Settings,
    ) -> Result<Self, ReadError> {
        let shared = Arc::new(Shared::default());
        shared.alone.store(settings.alone, Ordering::SeqCst);
        let (asks, inbox) = mpsc::unbounded_channel();
        let tip = Tip::empty();
        let (published, receiver) = watch::channel(Arc::clone(&tip.snapshot));
        let clock = Arc::clone(&deps.clock);
        let mut writer = Writer {
            reader: Reader { store, log, clock, settings },
            deps,
            tip,
            asks: inbox,
            published,
            shared: Arc::clone(&shared),
            upkeep: Upkeep::default(),
            queue: VecDeque::new(),
            readers: Vec::new(),
            must_probe: false,
            closing: false,
            abandoned: 0,
        };
        writer.renew().await.map_err(ReadError::Unavailable)?;
        tokio::spawn(writer.run());
        Ok(Self { asks, published: receiver, shared })
    }

    /// Decides the command on the newest state and writes its events; returns when that is certain. The command is
    /// handed over at the first poll: a future dropped after that gives up the answer, not the command.
    ///
    /// # Errors
    /// [`SubmitError`]. After `Unavailable` the command may have been written all the same.
    pub async fn submit(&self, command: F::Command) -> Result<Accepted<F::Event>, SubmitError<F::Refusal>> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Submit(Pending { command, reply })).map_err(|_| SubmitError::Closed)?;
        answer.await.map_err(|_| SubmitError::Closed)?
    }

    /// The newest state this process knows; the log may be further.
    #[must_use]
    pub fn state(&self) -> Arc<Snapshot<F>> {
        Arc::clone(&self.published.borrow())
    }

    /// A state at least as new as this call. Alone, that is the state known; otherwise one read of entry n+1 serves
    /// all who wait.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn fresh(&self) -> Result<Arc<Snapshot<F>>, ReadError> {
        if self.shared.knows() {
            return Ok(self.state());
        }
        self.read(false).await
    }

    /// As [`Journal::fresh`], but asks the store even when alone.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn refresh(&self) -> Result<Arc<Snapshot<F>>, ReadError> {
        self.read(true).await
    }

    /// Wakes whenever a newer state is published. Changes are not counted: who waits sees the newest.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<Arc<Snapshot<F>>> {
        self.published.clone()
    }

    /// Says whether nobody else writes to this log from now on; the caller answers for it. Going alone reads the log
    /// once more before it takes effect. Commits are safe either way: only reads rely on it.
    ///
    /// # Errors
    /// [`ReadError`]; then nothing has changed.
    pub async fn set_alone(&self, alone: bool) -> Result<(), ReadError> {
        if alone {
            self.refresh().await?;
        }
        self.shared.alone.store(alone, Ordering::SeqCst);
        Ok(())
    }

    /// Answers everything submitted before, waits for a checkpoint under way, and stops the task. Later calls on any
    /// handle get `Closed`.
    pub async fn close(&self) {
        let _already = self.asks.send(Ask::Close);
        self.asks.closed().await;
    }

    async fn read(&self, probe: bool) -> Result<Arc<Snapshot<F>>, ReadError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Read { reply, probe }).map_err(|_| ReadError::Closed)?;
        answer.await.map_err(|_| ReadError::Closed)?
    }
}
