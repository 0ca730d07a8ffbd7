//! Spark's event logs from the worker's folder to S3, as EMR pushes them: every half minute, and whole at the end.
//!
//! Spark writes them to a folder of its own and never waits for S3; a driver that is killed has left what it wrote.
//! Files grow only until Spark rolls them, so each that changed is sent whole; one that is gone (renamed, compacted)
//! goes in S3 too. This room must not know what is in them.

use crate::errand::EVENT_LOGS;
use crate::s3::{S3Error, bucket_and_key, sort};
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::{ByteStream, Length};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often the folder is looked through while the job runs.
const LOOK: Duration = Duration::from_secs(30);
/// Longest wait between two tries at the end.
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// What a file was when it was sent.
type Version = (u64, SystemTime);

/// Ships a driver's event logs in the background.
pub struct EventLogs {
    ending: Option<oneshot::Sender<Duration>>,
    task: Option<JoinHandle<Result<(), String>>>,
}

struct Shipper {
    client: Client,
    bucket: String,
    prefix: String,
    folder: PathBuf,
    sent: BTreeMap<String, Version>,
}

impl EventLogs {
    /// There are none to ship.
    pub fn none() -> Self {
        Self { ending: None, task: None }
    }

    /// Ships what appears in `folder` to `to` (`s3://bucket/prefix/`).
    pub fn begin(client: Client, to: &str, folder: PathBuf) -> Self {
        let Some(mut shipper) = Shipper::new(client, to, folder) else { return Self::none() };
        let (ending, mut ended) = oneshot::channel();
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    // A life that was cut short says nothing; then what was sent must do.
                    patience = &mut ended => return match patience {
                        Ok(patience) => shipper.ship_all(patience).await,
                        Err(_) => Ok(()),
                    },
                    () = tokio::time::sleep(LOOK) => {}
                }
                if let Err(error) = shipper.ship().await {
                    say!("firesteel runner: event logs: {error}");
                }
            }
        });
        Self { ending: Some(ending), task: Some(task) }
    }

    /// Ships the rest, for `patience` at most; what S3 said if it did not take all.
    pub async fn finish(self, patience: Duration) -> Result<(), String> {
        if let Some(ending) = self.ending {
            let _ = ending.send(patience);
        }
        match self.task {
            Some(task) => task.await.unwrap_or_else(|error| Err(error.to_string())),
            None => Ok(()),
        }
    }
}

/// Ships what a dead driver's runner left in its worker's folder, for `patience` at most.
pub async fn salvage(client: Client, to: &str, worker: &Path, patience: Duration) -> Result<(), String> {
    match Shipper::new(client, to, worker.join(EVENT_LOGS)) {
        Some(mut shipper) => {
            shipper.recall().await.map_err(|error| error.to_string())?;
            shipper.ship_all(patience).await
        }
        None => Ok(()),
    }
}

impl Shipper {
    fn new(client: Client, to: &str, folder: PathBuf) -> Option<Self> {
        let (bucket, prefix) = bucket_and_key(to)?;
        let (bucket, prefix) = (bucket.to_owned(), format!("{}/", prefix.trim_end_matches('/')));
        Some(Self { client, bucket, prefix, folder, sent: BTreeMap::new() })
    }

    /// Learns from S3 what another process has sent: all of it counts as changed since.
    async fn recall(&mut self) -> Result<(), S3Error> {
        let listing = self.client.list_objects_v2().bucket(&self.bucket).prefix(&self.prefix);
        let mut pages = listing.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(sort)?;
            let names = page.contents().iter().filter_map(|object| object.key()?.strip_prefix(&self.prefix));
            self.sent.extend(names.map(|name| (name.to_owned(), (u64::MAX, SystemTime::UNIX_EPOCH))));
        }
        Ok(())
    }

    async fn ship_all(&mut self, patience: Duration) -> Result<(), String> {
        let deadline = Instant::now() + patience;
        let mut wait = Duration::from_millis(200);
        loop {
            let error = match self.ship().await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if matches!(error, S3Error::Refused { .. }) || Instant::now() >= deadline {
                return Err(error.to_string());
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_RETRY);
        }
    }

    /// Brings S3 up to date once.
    async fn ship(&mut self) -> Result<(), S3Error> {
        let mut found = BTreeMap::new();
        files(&self.folder, "", &mut found).map_err(|error| S3Error::Passing(error.to_string()))?;
        for (name, version) in &found {
            if self.sent.get(name) != Some(version) {
                self.put(name, version.0).await?;
                self.sent.insert(name.clone(), *version);
            }
        }
        let gone: Vec<String> = self.sent.keys().filter(|name| !found.contains_key(*name)).cloned().collect();
        for name in gone {
            let key = format!("{}{name}", self.prefix);
            self.client.delete_object().bucket(&self.bucket).key(key).send().await.map_err(sort)?;
            self.sent.remove(&name);
        }
        Ok(())
    }

    /// Sends the first `length` bytes: the file may grow meanwhile.
    async fn put(&self, name: &str, length: u64) -> Result<(), S3Error> {
        let file = ByteStream::read_from().path(self.folder.join(name)).length(Length::Exact(length));
        let body = file.build().await.map_err(|error| S3Error::Passing(error.to_string()))?;
        let key = format!("{}{name}", self.prefix);
        let put = self.client.put_object().bucket(&self.bucket).key(key).body(body).send().await;
        put.map(drop).map_err(sort)
    }
}

/// Every file below `folder` by its path below it.
fn files(folder: &Path, below: &str, found: &mut BTreeMap<String, Version>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        // Hadoop's local file system keeps checksums beside its files.
        if name.starts_with('.') {
            continue;
        }
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let Ok(facts) = entry.metadata() else { continue };
        if facts.is_dir() {
            files(folder, &path, found)?;
        } else if facts.is_file() {
            found.insert(path, (facts.len(), facts.modified()?));
        }
    }
    Ok(())
}
