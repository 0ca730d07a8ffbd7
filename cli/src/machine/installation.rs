//! What all control planes on one state share: the installation's id and the key of the runners' tokens, stored once.

use anyhow::{Context, bail};
use bytes::Bytes;
use firesteel_journal::{Created, Store};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Where it is stored, below the state.
pub const KEY: &str = firesteel_journal::keys::INSTALLATION;
const TRIES: u32 = 5;

/// Shared by all control planes on one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// The installation's id.
    pub id: String,
    /// Key of the runners' tokens, hexadecimal.
    pub runner_secret: String,
}

impl Shared {
    /// Reads it; the first to come makes it.
    pub async fn of(store: &dyn Store) -> anyhow::Result<Self> {
        for _ in 0..TRIES {
            if let Some(found) = store.get(KEY).await? {
                return serde_json::from_slice(&found).with_context(|| format!("{KEY} is damaged"));
            }
            let mut chance = rand::rng();
            let made = Self {
                id: hex::encode(chance.random::<[u8; 8]>()),
                runner_secret: hex::encode(chance.random::<[u8; 32]>()),
            };
            if store.create(KEY, Bytes::from(serde_json::to_vec(&made)?)).await? == Created::Committed {
                return Ok(made);
            }
        }
        bail!("{KEY} could neither be read nor be written")
    }

    /// The key's bytes.
    pub fn secret(&self) -> anyhow::Result<Vec<u8>> {
        hex::decode(&self.runner_secret).with_context(|| format!("{KEY} is damaged"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_journal::MemoryStore;

    #[tokio::test]
    async fn all_who_come_get_the_same() {
        let store = MemoryStore::default();
        let all = futures::future::join_all((0..8).map(|_| Shared::of(&store))).await;
        let all: Vec<Shared> = all.into_iter().collect::<Result<_, _>>().unwrap();
        assert!(all.iter().all(|one| *one == all[0]));
        assert_eq!(all[0].secret().unwrap().len(), 32);
    }

    #[tokio::test]
    async fn a_damaged_one_is_not_replaced() {
        let store = MemoryStore::default();
        store.create(KEY, Bytes::from_static(b"{}")).await.unwrap();
        assert!(Shared::of(&store).await.is_err());
        assert_eq!(store.get(KEY).await.unwrap().unwrap(), Bytes::from_static(b"{}"));
    }
}
