//! A rule's "no", in domain words. What the caller reads is made of it at the edge.

use crate::application::ApplicationState;
use crate::id::JobRunId;
use crate::size::SizeError;

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such application, or not any more.
    #[error("the application does not exist")]
    NoApplication,
    /// No such run in the state (it may be archived).
    #[error("job run {0} is not in the state")]
    NoRun(JobRunId),
    /// The application's state does not allow it.
    #[error("the application is {state:?}, it must be one of {allowed:?}")]
    WrongState {
        /// Its state.
        state: ApplicationState,
        /// States in which the command is allowed.
        allowed: &'static [ApplicationState],
    },
    /// Some settings may not change while the application is started.
    #[error("{0:?} cannot change while the application is started")]
    FixedWhileStarted(Vec<String>),
    /// The application is not started and does not start by itself.
    #[error("the application is {0:?} and auto-start is off")]
    NotStarted(ApplicationState),
    /// The token was used for another request.
    #[error("the client token was used for another request")]
    TokenConflict,
    /// What the caller has looked at (tokens of archived runs, tags) has changed since.
    #[error("it has changed meanwhile: look again")]
    LookAgain,
    /// Runs are active.
    #[error("{0} job runs are active")]
    ActiveRuns(usize),
    /// Settled runs are still being archived.
    #[error("{0} settled job runs are being archived")]
    Settling(usize),
    /// The run's driver and one executor can never fit.
    #[error("the run needs more than maximumCapacity")]
    NeverFits,
    /// A size that no worker has.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// The runner is not (or no longer) the worker that it says it is.
    #[error("refused as {0:?}")]
    NotThatWorker(Stale),
}

/// Why a runner is not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// No such worker, or it has ended.
    Unknown,
    /// Another process is that worker.
    OtherMark,
    /// It was told to end before it said hello.
    Released,
}
