//! What a journal folds, what it needs from outside, and how it answers.
//!
//! The rules live behind [`Fold`]; this room must not know what any command or event means.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Milliseconds: since 1970-01-01 UTC for [`Clock::now`], since any fixed moment for [`Clock::boot`].
pub type Millis = i64;

/// A state that is the fold of events, and the rules that turn a command into events.
pub trait Fold: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What is asked.
    type Command: Send + 'static;
    /// What was decided and is written.
    type Event: Clone + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// A rule's "no".
    type Refusal: Clone + Send + 'static;

    /// The events that the command brings about in this state at `now`. May be called again on a newer state
    /// when another writer was first. No events: the command succeeds and nothing is written.
    ///
    /// # Errors
    /// The refusal, if the rules say no.
    fn decide(&self, command: &Self::Command, now: Millis) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// Folds one event in; must not fail and must depend on nothing but the two values.
    fn apply(&mut self, event: &Self::Event);
}

/// The clocks that a journal reads.
pub trait Clock: Send + Sync {
    /// Wall-clock time.
    fn now(&self) -> Millis;
    /// A clock that never goes back and goes on while the machine sleeps (Linux: `CLOCK_BOOTTIME`).
    fn boot(&self) -> Millis;
}

/// Everything nondeterministic, brought in from outside.
#[derive(Clone)]
pub struct Deps {
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// A new random mark at each call: at least 64 bits, printable ASCII, never the same twice.
    pub marks: Arc<dyn Fn() -> String + Send + Sync>,
}

/// Bounds of one journal; [`Settings::default`] holds what the design says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A checkpoint is written when this many entries came after the last one.
    pub checkpoint_every: u64,
    /// A checkpoint is also written when entries of this many bytes came after the last one.
    pub checkpoint_bytes: usize,
    /// How many of the newest checkpoints are kept; at least 2.
    pub keep_checkpoints: usize,
    /// Entries are trimmed when they are older than this.
    pub keep_entries: Duration,
    /// An entry is at most this many bytes.
    pub entry_bytes: usize,
    /// An answer that comes later than this after the read that gave *n* proves nothing.
    pub late_after: Duration,
    /// One request to the store is given up (its outcome unknown) after this.
    pub request_timeout: Duration,
    /// A command or a reader is told "unavailable" when the store gave no clear answer for this long.
    pub give_up_after: Duration,
    /// Nobody else writes to this log: reads need no probe. See [`crate::Journal::set_alone`].
    pub alone: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            checkpoint_every: 256,
            checkpoint_bytes: 16 << 20,
            keep_checkpoints: 4,
            keep_entries: Duration::from_secs(7 * 86_400),
            entry_bytes: 4 << 20,
            late_after: Duration::from_secs(60),
            request_timeout: Duration::from_secs(15),
            give_up_after: Duration::from_secs(30),
            alone: false,
        }
    }
}

/// A state and where in the log it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot<F> {
    /// Number of the last entry folded in; 0 before the first.
    pub seq: u64,
    /// Time of that entry; 0 before the first.
    pub at: Millis,
    /// The fold of entries 1 to `seq`.
    pub state: F,
}

/// A command that was accepted: its events are in the log for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted<E> {
    /// What was decided; empty if there was nothing to change.
    pub events: Vec<E>,
    /// The entry that holds the events, or, if there are none, the newest entry known.
    pub seq: u64,
    /// The time at which it was decided: never earlier than that of any entry before.
    pub at: Millis,
}

/// Why a command was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError<R> {
    /// The rules say no, on a state at least as new as the command. Nothing was written.
    #[error("refused")]
    Refused(R),
    /// The events of this one command do not fit in an entry. Nothing was written.
    #[error("the command needs an entry of {bytes} bytes, over the bound of {bound}")]
    TooLarge {
        /// Size of its events.
        bytes: usize,
        /// [`Settings::entry_bytes`].
        bound: usize,
    },
    /// This journal was closed; nothing was decided, unless its task died while the command was in hand.
    #[error("the journal is closed")]
    Closed,
    /// The outcome is not known: the command may have been written, or may be yet.
    #[error("the journal is unavailable: {0}")]
    Unavailable(String),
}

/// Why a journal could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// This journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// The store gave no clear answer, or the log cannot be understood.
    #[error("the journal is unavailable: {0}")]
    Unavailable(String),
}
