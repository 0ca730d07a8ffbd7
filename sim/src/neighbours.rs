//! The control planes' heartbeats: the real ones, and two mistakes in how they are understood.

use crate::mistake::Mistake;
use async_trait::async_trait;
use bytes::Bytes;
use firesteel_core::id::{ApplicationId, HostId};
use firesteel_journal::{Clock, Created, Page, Store, StoreError};
use firesteel_service::Neighbours;
use firesteel_service::servers::Servers;
use serde_json::Value;
use std::sync::Arc;

/// One control plane's heartbeats.
pub struct Heartbeats {
    /// The real ones.
    pub servers: Arc<Servers>,
    /// Whom the mistake asks instead.
    deaf: Option<Arc<Servers>>,
    mistake: Option<Mistake>,
}

impl Heartbeats {
    /// Heartbeats of the control plane on `host`.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        host: &HostId,
        mistake: Option<Mistake>,
    ) -> Arc<Self> {
        let servers = |store| {
            let endpoints = vec![format!("http://{host}")];
            Arc::new(Servers::new(store, clock.clone(), host.as_str(), endpoints))
        };
        let deaf = (mistake == Some(Mistake::DeafToRunners)).then(|| servers(Arc::new(Deaf(store.clone()))));
        Arc::new(Self { servers: servers(store), deaf, mistake })
    }

    /// Says and listens; ends never.
    pub async fn keep_saying(&self) {
        let deaf = async {
            match &self.deaf {
                Some(deaf) => deaf.clone().keep_saying().await,
                None => std::future::pending().await,
            }
        };
        tokio::join!(biased; self.servers.clone().keep_saying(), deaf);
    }
}

impl Neighbours for Heartbeats {
    fn heard(&self, host: &HostId) {
        self.servers.heard(host);
    }

    fn has_lost(&self, host: &HostId) -> bool {
        match (&self.deaf, self.mistake) {
            // A little sooner than a minute: control planes are seldom away for longer.
            (Some(deaf), _) => deaf.silence(host) >= 5,
            (None, Some(Mistake::GiveUpAtOnce)) => self.servers.silence(host) >= 1,
            _ => self.servers.has_lost(host),
        }
    }

    fn is_there(&self, host: &HostId) -> bool {
        self.servers.is_there(host)
    }

    fn looks_after(&self, application: &ApplicationId) -> bool {
        self.servers.looks_after(application)
    }

    fn endpoints(&self) -> Vec<String> {
        self.servers.endpoints()
    }
}

/// The mistake's line: heartbeats without the hosts whose runners were heard; and nothing is said.
struct Deaf(Arc<dyn Store>);

#[async_trait]
impl Store for Deaf {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        self.0.create(key, body).await
    }

    async fn put(&self, _: &str, _: Bytes) -> Result<(), StoreError> {
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let found = self.0.get(key).await?;
        Ok(found.map(|body| match serde_json::from_slice::<Value>(&body) {
            Ok(Value::Object(mut word)) => {
                word.remove("heard");
                Bytes::from(Value::Object(word).to_string())
            }
            _ => body,
        }))
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Page, StoreError> {
        self.0.list(prefix, after, limit).await
    }

    async fn delete(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}
