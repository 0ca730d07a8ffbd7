//! What runs have left, as a test says: logs by key, and history servers that stand as they are told.

use async_trait::async_trait;
use bytes::Bytes;
use firesteel_protocol::Credentials;
use firesteel_service::{History, HistoryServers, HistorySource, LogStream, Logs, NoLog};
use futures::StreamExt;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Logs and history servers.
#[derive(Default)]
pub struct Kept {
    /// Objects by `bucket/key`.
    pub logs: Mutex<BTreeMap<String, Vec<u8>>>,
    /// How a history server stands once it was begun.
    pub history: Mutex<Option<History>>,
    /// What was begun, and with whose credentials.
    pub begun: Mutex<Vec<(HistorySource, String)>>,
}

#[async_trait]
impl Logs for Kept {
    async fn read(&self, bucket: &str, key: &str, _: &Credentials) -> Result<LogStream, NoLog> {
        let found = self.logs.lock().expect("whole").get(&format!("{bucket}/{key}")).cloned();
        let body = found.ok_or(NoLog::Absent)?;
        let length = Some(body.len() as u64);
        let pieces: Vec<_> = body.chunks(5).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Ok(LogStream { length, archived: 0, body: futures::stream::iter(pieces).boxed() })
    }
}

#[async_trait]
impl HistoryServers for Kept {
    fn look(&self, key: &str) -> Option<History> {
        let begun = self.begun.lock().expect("whole").iter().any(|(source, _)| source.key == key);
        begun.then(|| self.history.lock().expect("whole").clone()).flatten()
    }

    fn begin(&self, source: HistorySource, credentials: Credentials) {
        self.begun.lock().expect("whole").push((source, credentials.access_key_id));
    }

    async fn stop(&self) {}
}
