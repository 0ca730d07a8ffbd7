//! The execution role's credentials: the newest set, for the runner's own S3 calls and, through a loopback endpoint
//! in the manner of ECS, for the job. They are served as long as the runner lives, whether the control plane does or not.

mod endpoint;

pub use endpoint::Endpoint;

use aws_credential_types::provider::{ProvideCredentials, future};
use firesteel_protocol::Credentials;
use std::sync::{Arc, RwLock};
use std::time::{Duration, UNIX_EPOCH};

/// The newest credentials, shared by all who need them.
#[derive(Clone, Debug)]
pub struct Keyring(Arc<RwLock<Credentials>>);

impl Keyring {
    /// Begins with those of the assignment.
    pub fn new(first: Credentials) -> Self {
        Self(Arc::new(RwLock::new(first)))
    }

    /// The newest.
    pub fn newest(&self) -> Credentials {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Takes `fresh` unless they end earlier than those in hand.
    pub fn renew(&self, fresh: Credentials) {
        let mut held = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if fresh.expires >= held.expires {
            *held = fresh;
        }
    }
}

impl ProvideCredentials for Keyring {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let held = self.newest();
        let expires = UNIX_EPOCH + Duration::from_millis(u64::try_from(held.expires.0).unwrap_or(0));
        future::ProvideCredentials::ready(Ok(aws_credential_types::Credentials::new(
            held.access_key_id,
            held.secret_access_key,
            Some(held.session_token).filter(|token| !token.is_empty()),
            Some(expires),
            "firesteel-runner",
        )))
    }
}
