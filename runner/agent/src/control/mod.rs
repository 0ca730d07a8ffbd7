//! The client of the control plane: three calls, and how long it has been silent.
//!
//! This room must not know what the calls are for; `life` does.

mod contact;
mod http;

pub use contact::{Backoff, Contact};
pub use http::HttpControlPlane;

use async_trait::async_trait;
use firesteel_protocol::{Answer, End, Ended, Exchange, Greeting, Hello};

/// Whoever answers a runner.
#[async_trait]
pub trait ControlPlane: Send + Sync {
    /// Says hello.
    async fn hello(&self, hello: &Hello) -> Result<Greeting, CallError>;
    /// Exchanges whole sets; may be held for `exchange.wait_ms`.
    async fn exchange(&self, exchange: &Exchange) -> Result<Answer, CallError>;
    /// Reports the end.
    async fn end(&self, end: &End) -> Result<Ended, CallError>;
}

/// A call that brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No control plane could be reached or understood: try again.
    #[error("no answer: {0}")]
    Silent(String),
    /// This worker's token is refused (401, 403): it will not get better, but the service may be wrong for a while.
    #[error("refused: {0}")]
    Refused(String),
}
