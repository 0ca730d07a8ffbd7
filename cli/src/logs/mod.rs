//! `firesteel logs`: what a run's driver or one of its executors has written, from S3, as it comes.
//!
//! It reads only the API and S3: it must not know how logs get there.

mod executors;
mod follow;
mod members;
mod place;

use crate::access::Access;
use crate::arguments::Logs;
use crate::failure::Failure;
use crate::machine::s3_client;
use crate::verbs::{Api, CallError, application_of, find_run, get_run};
use anyhow::Context;
use async_trait::async_trait;
use aws_sdk_s3::error::DisplayErrorContext;
use bytes::Bytes;
use firesteel_agent::logs::ARCHIVED;
use follow::{Away, Ending, Followed, Piece, Position, Reading};
use futures::FutureExt;
use futures::future::BoxFuture;
use place::{Place, Worker};
use serde_json::Value;
use std::collections::HashMap;

/// The states in which a run does not move any more.
const TERMINAL: [&str; 3] = ["SUCCESS", "FAILED", "CANCELLED"];

/// Prints the log, and follows it if asked to.
pub async fn run(logs: Logs) -> Result<(), Failure> {
    let api = Api::new(Access::find(&logs.target)?)?;
    let run = find_run(&api, logs.application_id.as_deref(), &logs.job_run, logs.attempt).await?;
    let application = application_of(&api, &run).await?;
    let s3 = s3(api.access());
    let mut log = Log::of(s3, api, run, application, &logs)?;
    if !logs.follow {
        return once(&log).await;
    }
    loop {
        let mut reading = Reading::default();
        match follow::follow(&log, &mut reading, &mut std::io::stdout()).await.map_err(printed)? {
            Ending::Run { state, details } => return finish(&log, &reading, &state, &details).await,
            Ending::Attempt { next } => {
                eprintln!("firesteel: attempt {} has ended; going on with attempt {next}", log.attempt());
                log = log.again(next, &logs).await?;
            }
        }
    }
}

/// Prints what is there now.
async fn once(log: &Log) -> Result<(), Failure> {
    let mut reading = Reading::default();
    while reading.step(log, &mut std::io::stdout()).await.map_err(printed)? {}
    if reading.seen() {
        return Ok(());
    }
    if let Worker::Executor(number) = log.worker {
        return Err(executors::missing(&log.s3, &log.folder, number, log.state()).await);
    }
    let nothing = if TERMINAL.contains(&log.state()) { "was written" } else { "is written yet" };
    eprintln!("firesteel: nothing {nothing} (the run is {}): {}", log.state(), log.place);
    Ok(())
}

/// A reader that went away ends the program quietly.
fn printed(error: anyhow::Error) -> Failure {
    match error.downcast::<std::io::Error>() {
        Ok(error) => crate::gone(error),
        Err(error) => error.into(),
    }
}

async fn finish(log: &Log, reading: &Reading, state: &str, details: &str) -> Result<(), Failure> {
    match log.worker {
        Worker::Executor(number) if !reading.seen() => {
            return Err(executors::missing(&log.s3, &log.folder, number, state).await);
        }
        _ if !reading.seen() => eprintln!("firesteel: nothing was written: {}", log.place),
        _ => {}
    }
    if reading.has_rest() {
        eprintln!("firesteel: the log ends in the middle of a gzip member: {}", log.place);
    }
    if state == "SUCCESS" {
        return Ok(());
    }
    let why = if details.is_empty() { String::new() } else { format!(": {details}") };
    eprintln!("firesteel: the job run is {state}{why}");
    Err(Failure::Silent(1))
}

fn s3(access: &Access) -> aws_sdk_s3::Client {
    let keys = aws_sdk_s3::config::Credentials::new(
        &access.keys.access_key_id,
        &access.keys.secret_access_key,
        access.session_token.clone(),
        None,
        "firesteel",
    );
    s3_client(access.s3_endpoint.as_deref(), &access.region, keys)
}

/// One log object and its run, or its attempt.
struct Log {
    s3: aws_sdk_s3::Client,
    api: Api,
    run: Value,
    application: Value,
    folder: Place,
    place: Place,
    worker: Worker,
    /// The attempt that was asked for; without one those that come are followed.
    asked: Option<u32>,
}

impl Log {
    fn of(
        s3: aws_sdk_s3::Client,
        api: Api,
        run: Value,
        application: Value,
        logs: &Logs,
    ) -> Result<Self, Failure> {
        let folder = place::folder(&run, &application).with_context(|| {
            format!(
                "job run {} has no logUri (s3MonitoringConfiguration): its logs are not in S3",
                logs.job_run
            )
        })?;
        let worker = logs.executor.map_or(Worker::Driver, Worker::Executor);
        let place = folder.log(worker, logs.stderr);
        Ok(Self { s3, api, run, application, folder, place, worker, asked: logs.attempt })
    }

    /// The same of the next attempt.
    async fn again(self, attempt: u32, logs: &Logs) -> Result<Self, Failure> {
        let (application, id) = (self.text("applicationId"), self.text("jobRunId"));
        let run = get_run(&self.api, application, id, Some(attempt)).await?;
        Self::of(self.s3, self.api, run, self.application, logs)
    }

    fn text(&self, member: &str) -> &str {
        self.run[member].as_str().unwrap_or_default()
    }

    fn state(&self) -> &str {
        self.text("state")
    }

    fn attempt(&self) -> u32 {
        self.run["attempt"].as_u64().and_then(|attempt| u32::try_from(attempt).ok()).unwrap_or(1)
    }

    /// What is to be done about a run as it is now.
    fn ending(&self, run: &Value) -> Option<Ending> {
        let text = |member: &str| run[member].as_str().unwrap_or_default().to_owned();
        let latest = run["attempt"].as_u64().and_then(|attempt| u32::try_from(attempt).ok()).unwrap_or(1);
        if self.asked.is_none() && latest > self.attempt() {
            return Some(Ending::Attempt { next: self.attempt() + 1 });
        }
        let state = text("state");
        TERMINAL.contains(&state.as_str()).then(|| Ending::Run { state, details: text("stateDetails") })
    }
}

/// What there is of an object from an offset on.
enum Read {
    Absent,
    /// The object is shorter.
    Beyond,
    Found {
        /// Full files before it.
        archived: u32,
        body: BoxFuture<'static, anyhow::Result<Bytes>>,
    },
}

impl Log {
    /// The object from this offset on. One byte before it is asked for, too, so that an object that has not grown is told
    /// from one that has become shorter.
    async fn read(&self, place: &Place, offset: u64) -> anyhow::Result<Read> {
        let from = offset.saturating_sub(1);
        let known = usize::from(offset > 0);
        let request = self.s3.get_object().bucket(&place.bucket).key(&place.key);
        match request.range(format!("bytes={from}-")).send().await {
            Ok(found) => {
                let archived = archived(found.metadata());
                let body = async move {
                    let body = found.body.collect().await.map_err(|error| Away(error.to_string()))?;
                    let bytes = body.into_bytes();
                    Ok(bytes.slice(known.min(bytes.len())..))
                };
                Ok(Read::Found { archived, body: body.boxed() })
            }
            Err(error) => match error.raw_response().map(|response| response.status().as_u16()) {
                Some(416) => Ok(Read::Beyond),
                Some(404) if error.as_service_error().is_some_and(|e| e.is_no_such_key()) => Ok(Read::Absent),
                Some(400..500) => Err(anyhow::anyhow!("{place}: {}", DisplayErrorContext(error))),
                _ => Err(Away(format!("{place}: {}", DisplayErrorContext(error))).into()),
            },
        }
    }

    /// Full files before the newest.
    async fn archived(&self) -> anyhow::Result<u32> {
        let head = self.s3.head_object().bucket(&self.place.bucket).key(&self.place.key).send().await;
        let head = head.map_err(|error| Away(format!("{}: {}", self.place, DisplayErrorContext(error))))?;
        Ok(archived(head.metadata()))
    }
}

fn archived(metadata: Option<&HashMap<String, String>>) -> u32 {
    metadata.and_then(|metadata| metadata.get(ARCHIVED)?.parse().ok()).unwrap_or(0)
}

#[async_trait]
impl Followed for Log {
    async fn from(&self, position: Position) -> anyhow::Result<Option<Piece>> {
        let here = |bytes| Some(Piece { bytes, full: false });
        let archived = match self.read(&self.place, position.offset).await? {
            Read::Absent => return Ok(None),
            Read::Beyond => match self.archived().await? {
                archived if archived > position.files => archived,
                _ => return Ok(here(Bytes::new())),
            },
            Read::Found { archived, body } if archived <= position.files => return Ok(here(body.await?)),
            Read::Found { archived, .. } => archived,
        };
        let full = self.place.archived(position.files + 1);
        let bytes = match self.read(&full, position.offset).await? {
            Read::Found { body, .. } => body.await?,
            Read::Beyond => Bytes::new(),
            Read::Absent => anyhow::bail!("{full}, of {archived} full files of this log, was removed"),
        };
        Ok(Some(Piece { bytes, full: true }))
    }

    async fn ended(&self) -> anyhow::Result<Option<Ending>> {
        let (application, id) = (self.text("applicationId"), self.text("jobRunId"));
        let run = get_run(&self.api, application, id, self.asked).await;
        let run = run.map_err(|error| match error {
            CallError::Unreachable { .. } => anyhow::Error::from(Away(error.to_string())),
            // It tries again by itself for a second; a control plane that is starting takes longer.
            CallError::Refused { ref code, .. } if code == "ServiceUnavailableException" => {
                Away(error.to_string()).into()
            }
            error => error.into(),
        })?;
        Ok(self.ending(&run))
    }
}
