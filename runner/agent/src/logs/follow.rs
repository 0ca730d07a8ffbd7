//! Both streams of a job: begun before it starts, finished after it ended.

use super::shipped::{Begins, LIMITS, Limits};
use super::store::LogStore;
use super::stream::{Cut, Stream};
use super::{STREAMS, TRUNCATED};
use crate::s3::S3Error;
use bytes::Bytes;
use futures::future::join_all;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Ships a job's logs in the background.
pub struct Follower {
    destination: Option<Destination>,
    ending: watch::Sender<Option<Instant>>,
    streams: Vec<JoinHandle<Result<(), Cut>>>,
}

struct Destination {
    store: Arc<dyn LogStore>,
    prefix: String,
}

/// How the shipping ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogsEnd {
    /// True if every byte is in S3.
    pub complete: bool,
    /// What S3 said, if not.
    pub why: Option<String>,
}

impl Follower {
    /// Ships nothing: no destination was asked for.
    pub fn idle() -> Self {
        Self { destination: None, ending: watch::channel(None).0, streams: Vec::new() }
    }

    /// Puts the empty objects (the proof that the bucket takes them), then follows the files in `folder`.
    /// `patience` bears passing errors of that first write.
    pub async fn begin(
        store: Arc<dyn LogStore>,
        prefix: &str,
        folder: &Path,
        patience: Duration,
    ) -> Result<Self, S3Error> {
        Self::begin_with(LIMITS, store, prefix, folder, patience).await
    }

    pub(super) async fn begin_with(
        limits: Limits,
        store: Arc<dyn LogStore>,
        prefix: &str,
        folder: &Path,
        patience: Duration,
    ) -> Result<Self, S3Error> {
        let mut streams = Vec::new();
        for (file, object) in STREAMS {
            let key = format!("{prefix}/{object}");
            let stream = Stream::new(store.clone(), key, folder.join(file), limits);
            streams.push(stream.map_err(|error| S3Error::Passing(error.to_string()))?);
        }
        let deadline = Instant::now() + patience;
        let first = join_all(streams.iter_mut().map(|stream| first_write(stream, deadline))).await;
        first.into_iter().collect::<Result<(), S3Error>>()?;
        Ok(Self::over(streams, store, prefix))
    }

    pub(super) fn over(streams: Vec<Stream>, store: Arc<dyn LogStore>, prefix: &str) -> Self {
        let ending = watch::channel(None).0;
        let streams =
            streams.into_iter().map(|stream| tokio::spawn(stream.follow(ending.subscribe()))).collect();
        Self { destination: Some(Destination { store, prefix: prefix.to_owned() }), ending, streams }
    }

    /// Ships the rest, for `patience` at most.
    pub async fn finish(self, patience: Duration) -> LogsEnd {
        self.ending.send_replace(Some(Instant::now() + patience));
        let mut cuts = Vec::new();
        for stream in self.streams {
            match stream.await {
                Ok(Ok(())) => {}
                Ok(Err(cut)) => {
                    cuts.push(format!("{}: {} bytes are here; {}", cut.key, cut.shipped, cut.why))
                }
                Err(error) => cuts.push(error.to_string()),
            }
        }
        let Some(destination) = self.destination.filter(|_| !cuts.is_empty()) else {
            return LogsEnd { complete: true, why: None };
        };
        let why = cuts.join("\n");
        let marker = format!("{}/{TRUNCATED}", destination.prefix);
        let _ = destination.store.put(&marker, Bytes::from(format!("{why}\n")), Begins::default()).await;
        LogsEnd { complete: false, why: Some(why) }
    }
}

async fn first_write(stream: &mut Stream, deadline: Instant) -> Result<(), S3Error> {
    loop {
        match stream.write_once().await {
            Err(S3Error::Passing(_)) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            other => return other,
        }
    }
}
