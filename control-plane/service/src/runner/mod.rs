//! What the control plane answers its runners: hello, exchange, end. HTTP stays in `http`.

pub mod assignment;
mod end;
mod exchange;
mod hello;
pub mod token;

use crate::applications::{Applications, Unreachable};
use crate::engine::Engine;
use crate::home::Home;
use crate::ports::Parts;
use firesteel_core::id::{ApplicationId, WorkerId};
use firesteel_core::refusal::Refusal;
use firesteel_journal::{StoreError, SubmitError};
use std::sync::Arc;

/// Why a runner gets no answer; it asks again.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The token is not this worker's.
    #[error("the token is not this worker's")]
    Forbidden,
    /// The state cannot be reached now.
    #[error("{0}")]
    Unavailable(String),
}

impl From<StoreError> for NoAnswer {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<Unreachable> for NoAnswer {
    fn from(error: Unreachable) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The runners' side of the control plane.
#[derive(Clone)]
pub struct Desk {
    parts: Parts,
    applications: Arc<Applications>,
    engine: Arc<Engine>,
}

impl Desk {
    /// A desk over the applications.
    pub fn new(parts: Parts, applications: Arc<Applications>, engine: Arc<Engine>) -> Self {
        Self { parts, applications, engine }
    }

    /// The application that the token is good for, if it is this worker's.
    pub async fn admit(&self, token: &str, worker: &WorkerId) -> Result<Arc<Home>, NoAnswer> {
        let application: ApplicationId =
            token::application(&self.parts.config.secret, token, worker).ok_or(NoAnswer::Forbidden)?;
        Ok(self.applications.home(application.as_str()).await?)
    }
}

/// A refusal is an answer; everything else is none.
fn refusal(error: SubmitError<Refusal>) -> Result<Refusal, NoAnswer> {
    match error {
        SubmitError::Refused(refusal) => Ok(refusal),
        error => Err(NoAnswer::Unavailable(error.to_string())),
    }
}
