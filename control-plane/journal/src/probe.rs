//! Proves at start-up that a store enforces create-only writes; everything else rests on that.
//!
//! Nearly every S3-alike has at some time shipped conditional writes that are ignored or that race. It must not know
//! which store it speaks to.

use bytes::Bytes;
use futures::future::join_all;

use crate::keys;
use crate::port::{Created, Store, StoreError};

/// Creators that race for one key in each round.
pub const CREATORS: u32 = 8;
/// Rounds of the race.
pub const ROUNDS: u32 = 5;

/// Why a store cannot hold the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// A second create of the same key was accepted.
    #[error(
        "this store ignores If-None-Match: it accepted a second create of the same key. Firesteel keeps its state safe \
         by create-only writes alone and cannot use this store"
    )]
    Ignored,
    /// Several parallel creators were told that they won.
    #[error(
        "this store's create-only writes race: {winners} of {CREATORS} parallel creators of one key were told that they won \
         (round {round}). Firesteel keeps its state safe by create-only writes alone and cannot use this store"
    )]
    Races {
        /// How many were told so.
        winners: usize,
        /// In which round, from 1.
        round: u32,
    },
    /// What was read is not what was written, or the listing does not show it.
    #[error("this store does not give back what it acknowledged: {0}")]
    Inconsistent(String),
    /// The store cannot be used at all, or gave no clear answer.
    #[error("the store could not be tried: {0}")]
    Unavailable(String),
}

impl From<StoreError> for ProbeError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Creates twice, then lets `CREATORS` race for one key in each of `ROUNDS` rounds; removes what it wrote. `mark` must
/// be new: it names the probe's objects.
///
/// # Errors
/// [`ProbeError`]: the server must not start on this store.
pub async fn probe<S: Store + ?Sized>(store: &S, mark: &str) -> Result<(), ProbeError> {
    let outcome = async {
        twice(store, &keys::probe(mark, 0)).await?;
        for round in 1..=ROUNDS {
            race(store, &keys::probe(mark, round), round).await?;
        }
        Ok(())
    }
    .await;
    for n in 0..=ROUNDS {
        if let Err(error) = store.delete(&keys::probe(mark, n)).await {
            tracing::warn!(%error, "an object of the start-up probe stays behind");
        }
    }
    outcome
}

async fn twice<S: Store + ?Sized>(store: &S, key: &str) -> Result<(), ProbeError> {
    let (first, second) = (Bytes::from_static(b"\"first\""), Bytes::from_static(b"\"second\""));
    match store.create(key, first.clone()).await? {
        Created::Committed => {}
        Created::Exists => return Err(inconsistent("a new key is said to exist")),
        Created::Unknown => return Err(unanswered()),
    }
    if store.create(key, second).await? == Created::Committed {
        return Err(ProbeError::Ignored);
    }
    if store.get(key).await? != Some(first) {
        return Err(ProbeError::Ignored);
    }
    let page = store.list(key, "", 2).await?;
    if page.entries.len() != 1 || page.entries[0].key != key {
        return Err(inconsistent("a new object is not listed"));
    }
    Ok(())
}

async fn race<S: Store + ?Sized>(store: &S, key: &str, round: u32) -> Result<(), ProbeError> {
    let body = |n: u32| Bytes::from(format!("{{\"creator\":{n}}}"));
    let answers = join_all((0..CREATORS).map(|n| store.create(key, body(n)))).await;
    let answers: Vec<Created> = answers.into_iter().collect::<Result<_, _>>()?;
    let winners: Vec<u32> = (0..CREATORS)
        .zip(&answers)
        .filter(|(_, answer)| **answer == Created::Committed)
        .map(|(n, _)| n)
        .collect();
    if winners.len() > 1 {
        return Err(ProbeError::Races { winners: winners.len(), round });
    }
    let stored = store.get(key).await?.ok_or_else(|| inconsistent("a new object cannot be read"))?;
    match winners.first() {
        Some(winner) if stored != body(*winner) => {
            Err(inconsistent("a creator was told that it won, and another's bytes are stored"))
        }
        None if answers.contains(&Created::Unknown) => Err(unanswered()),
        None => Err(inconsistent("nobody won a race for a new key")),
        Some(_) => Ok(()),
    }
}

fn inconsistent(what: &str) -> ProbeError {
    ProbeError::Inconsistent(what.to_owned())
}

fn unanswered() -> ProbeError {
    ProbeError::Unavailable("a create got no answer".to_owned())
}
