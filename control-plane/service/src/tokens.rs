//! Client tokens of runs that left the state: found in S3, or known to be absent without asking.
//!
//! Alone, this process has seen every token that was archived since its start and has listed those before; a token
//! that is in neither is new, and StartJobRun needs no request to S3 to know it.

use crate::ports::Parts;
use firesteel_journal::keys;
use firesteel_journal::protocols::{self, ArchiveError, TokenEntry};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// More tokens than this are not held in memory: then S3 is asked.
const MOST_KNOWN: usize = 200_000;

/// The tokens of archived runs.
#[derive(Default)]
pub struct Tokens {
    known: Mutex<Option<HashSet<[u8; 16]>>>,
}

impl Tokens {
    /// Lists the tokens in S3, if this process alone writes them.
    pub async fn open(parts: &Parts) -> anyhow::Result<Self> {
        let known = if parts.config.alone { Self::list(parts).await? } else { None };
        Ok(Self { known: Mutex::new(known) })
    }

    async fn list(parts: &Parts) -> anyhow::Result<Option<HashSet<[u8; 16]>>> {
        let mut known = HashSet::new();
        let mut after = String::new();
        loop {
            let page = parts.state.list(keys::TOKENS, &after, 1000).await?;
            known.extend(page.entries.iter().filter_map(|listed| short(hash_in(&listed.key)?)));
            match page.entries.last() {
                Some(last) if page.more && known.len() < MOST_KNOWN => after = last.key.clone(),
                Some(_) if page.more => return Ok(None),
                _ => return Ok(Some(known)),
            }
        }
    }

    /// The archived run that this token created, if there is one.
    pub async fn find(
        &self,
        parts: &Parts,
        application: &str,
        token: &str,
    ) -> Result<Option<TokenEntry>, ArchiveError> {
        let hash = hash(application, token);
        let absent =
            self.known().as_ref().is_some_and(|known| short(&hash).is_some_and(|s| !known.contains(&s)));
        if absent {
            return Ok(None);
        }
        protocols::find_token(&*parts.state, &hash, parts.world.now()).await
    }

    /// Notes a token that is being archived.
    pub fn note(&self, hash: &str) {
        let mut known = self.known();
        if let (Some(known), Some(short)) = (known.as_mut(), short(hash)) {
            known.insert(short);
        }
        if known.as_ref().is_some_and(|known| known.len() > MOST_KNOWN) {
            *known = None;
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<HashSet<[u8; 16]>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hash of an application and a client token, lower-case hex.
pub fn hash(application: &str, token: &str) -> String {
    hex::encode(Sha256::digest(format!("{application}\n{token}")))
}

fn hash_in(key: &str) -> Option<&str> {
    key.rsplit('/').next()?.strip_suffix(".json")
}

fn short(hash: &str) -> Option<[u8; 16]> {
    let bytes = hex::decode(hash.get(..32)?).ok()?;
    bytes.try_into().ok()
}
