//! Which object is written before which, outside the journal itself. Each rule is one function here.
//!
//! * Archive: the token's object, then the history object, then (by the caller, who must show [`Archived`]) the removal
//!   event. A crash in between leaves a run that is still in the state: the next tick archives it again, over the same
//!   objects.
//! * First entry: an application's first entry follows from the registry's, byte-equal whoever writes it.
//! * Sweeping: tokens by whole days, and only days that no question about a token reaches any more.
//!
//! It must not know what a run's body says.

use bytes::Bytes;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::entry::{self, Entry, FORMAT, FormatError};
use crate::keys::{self, Day, Log};
use crate::port::{Created, Store, StoreError};

/// A token is asked for on this many days before today: so it is found for at least 24 h after its run was archived,
/// even if the servers' clocks differ by hours.
pub const TOKEN_DAYS: i64 = 2;
const PAGE: usize = 1000;

/// The client token of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenEntry {
    /// Version of this form.
    pub format: u32,
    /// The application.
    pub application: String,
    /// The run that the token created.
    pub run: String,
    /// Hash of the request's content: the same token with another content is a conflict.
    pub content: String,
}

/// A settled run, as it is to be archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Its id.
    pub run: String,
    /// When it was created.
    pub created: Millis,
    /// Hash of application and client token, and hash of the request's content; `None` if it had no token.
    pub token: Option<(String, String)>,
    /// The history object's bytes.
    pub body: Bytes,
}

/// Proof that a run's token and history are stored: only with it may the removal command be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    run: String,
    history: String,
}

impl Archived {
    /// The run.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Key of its history object.
    #[must_use]
    pub fn history(&self) -> &str {
        &self.history
    }
}

/// Why an archive could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An object cannot be understood.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// Stores the token, then the history object. The removal from the state is the caller's next step, never an earlier one.
///
/// # Errors
/// When it is not certain that both are stored; repeating it does no harm.
pub async fn archive<S: Store + ?Sized>(
    store: &S,
    application: &str,
    settled: &Settled,
    now: Millis,
) -> Result<Archived, StoreError> {
    if let Some((hash, content)) = &settled.token {
        let entry = TokenEntry {
            format: FORMAT,
            application: application.to_owned(),
            run: settled.run.clone(),
            content: content.clone(),
        };
        let body = serde_json::to_vec(&entry).map_err(|e| StoreError::NotDone(e.to_string()))?;
        store.put(&keys::token(Day::of(now), hash), Bytes::from(body)).await?;
    }
    let history = keys::history(application, settled.created, &settled.run);
    store.put(&history, settled.body.clone()).await?;
    Ok(Archived { run: settled.run.clone(), history })
}

/// The token with this hash, if its run was archived today or on one of the [`TOKEN_DAYS`] days before.
///
/// # Errors
/// [`ArchiveError`].
pub async fn find_token<S: Store + ?Sized>(
    store: &S,
    hash: &str,
    now: Millis,
) -> Result<Option<TokenEntry>, ArchiveError> {
    let keys: Vec<String> =
        (0..=TOKEN_DAYS).map(|days| keys::token(Day::of(now).minus(days), hash)).collect();
    let bodies = try_join_all(keys.iter().map(|key| store.get(key))).await?;
    match keys.iter().zip(bodies).find_map(|(key, body)| body.map(|body| (key, body))) {
        Some((key, body)) => Ok(Some(entry::parse(key, &body)?)),
        None => Ok(None),
    }
}

/// Deletes the tokens that no question reaches any more, `at_most` of them; returns how many were deleted.
///
/// # Errors
/// [`StoreError`]; some may have been deleted.
pub async fn sweep_tokens<S: Store + ?Sized>(
    store: &S,
    now: Millis,
    at_most: usize,
) -> Result<usize, StoreError> {
    let oldest_kept = Day::of(now).minus(TOKEN_DAYS + 1);
    let page = store.list(keys::TOKENS, "", at_most.clamp(1, PAGE)).await?;
    let old = page
        .entries
        .iter()
        .filter(|listed| keys::token_day(&listed.key).is_some_and(|day| day < oldest_kept));
    let mut deleted = 0;
    for listed in old {
        store.delete(&listed.key).await?;
        deleted += 1;
    }
    Ok(deleted)
}

/// A settled run's history object, by the run's id and its creation time (which the id carries).
///
/// # Errors
/// [`StoreError`].
pub async fn find_history<S: Store + ?Sized>(
    store: &S,
    application: &str,
    created: Millis,
    run: &str,
) -> Result<Option<Bytes>, StoreError> {
    store.get(&keys::history(application, created, run)).await
}

/// Stores the first entry of a log, which follows from what is already committed elsewhere: everyone who derives it
/// must give the same mark, time and events, so that it does not matter whose write is first.
///
/// # Errors
/// When it is not certain that an entry 1 is there; repeating it does no harm.
pub async fn write_first<S: Store + ?Sized, E: Serialize + Send + Sync>(
    store: &S,
    log: &Log,
    mark: &str,
    at: Millis,
    events: Vec<E>,
) -> Result<(), StoreError> {
    let first = Entry { format: FORMAT, seq: 1, mark: mark.to_owned(), at, events };
    let body = entry::encode(&first).map_err(|e| StoreError::NotDone(e.to_string()))?;
    let key = log.entry(1);
    match store.create(&key, body).await? {
        Created::Committed | Created::Exists => Ok(()),
        Created::Unknown if store.get(&key).await?.is_some() => Ok(()),
        Created::Unknown => Err(StoreError::Unknown(format!("no answer about {key}"))),
    }
}

/// Removes the launch objects of an attempt whose run is settled; returns how many there were.
///
/// # Errors
/// [`StoreError`]; some may have been deleted.
pub async fn forget_launches<S: Store + ?Sized>(
    store: &S,
    application: &str,
    attempt: &str,
) -> Result<usize, StoreError> {
    let prefix = keys::launches(application, attempt);
    let mut deleted = 0;
    loop {
        let page = store.list(&prefix, "", PAGE).await?;
        for listed in &page.entries {
            store.delete(&listed.key).await?;
            deleted += 1;
        }
        if !page.more {
            return Ok(deleted);
        }
    }
}
