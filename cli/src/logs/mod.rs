//! `firesteel logs`: what a run's driver has written, from S3, as it comes.
//!
//! It reads only the API and S3: it must not know how logs get there.

mod follow;
mod members;
mod place;

use crate::access::Access;
use crate::arguments::Logs;
use crate::failure::Failure;
use crate::machine::s3_client;
use crate::verbs::{Api, CallError};
use anyhow::Context;
use async_trait::async_trait;
use aws_sdk_s3::error::DisplayErrorContext;
use bytes::Bytes;
use firesteel_wire::{Input, Operation};
use follow::{Away, Ending, Followed, Reading};
use place::Place;
use serde_json::{Value, json};

/// The states in which a run does not move any more.
const TERMINAL: [&str; 3] = ["SUCCESS", "FAILED", "CANCELLED"];

/// Prints the log, and follows it if asked to.
pub async fn run(logs: Logs) -> Result<(), Failure> {
    let api = Api::new(Access::find(&logs.target)?)?;
    let run = find(&api, &logs).await?;
    let application = application(&api, &run).await?;
    let place = place::driver_log(&run, &application, logs.stderr).with_context(|| {
        format!("job run {} has no logUri (s3MonitoringConfiguration): its logs are not in S3", logs.job_run)
    })?;
    let followed = Log { s3: s3(api.access()), api, place, run };
    let (mut reading, mut out) = (Reading::default(), std::io::stdout());
    if logs.follow {
        let ending = follow::follow(&followed, &mut reading, &mut out).await.map_err(printed)?;
        return finish(&followed, &reading, &ending);
    }
    while reading.step(&followed, &mut out).await.map_err(printed)? {}
    if !reading.seen() {
        let state = followed.run["state"].as_str().unwrap_or_default();
        eprintln!("firesteel: nothing is written yet (the run is {state}): {}", followed.place_text());
    }
    Ok(())
}

/// A reader that went away ends the program quietly.
fn printed(error: anyhow::Error) -> Failure {
    match error.downcast::<std::io::Error>() {
        Ok(error) => crate::gone(error),
        Err(error) => error.into(),
    }
}

fn finish(log: &Log, reading: &Reading, ending: &Ending) -> Result<(), Failure> {
    if !reading.seen() {
        eprintln!("firesteel: nothing was written: {}", log.place_text());
    }
    if reading.has_rest() {
        eprintln!("firesteel: the log ends in the middle of a gzip member: {}", log.place_text());
    }
    if ending.state == "SUCCESS" {
        return Ok(());
    }
    eprintln!("firesteel: the job run is {}: {}", ending.state, ending.details);
    Err(Failure::Silent(1))
}

/// The run, looked for in all applications if its own is not named.
async fn find(api: &Api, logs: &Logs) -> Result<Value, Failure> {
    if let Some(application) = &logs.application_id {
        return Ok(get(api, application, &logs.job_run, logs.attempt).await?);
    }
    let mut input = Input::new();
    loop {
        let page = api.call(Operation::ListApplications, &input).await?;
        for application in page["applications"].as_array().into_iter().flatten() {
            let id = application["id"].as_str().unwrap_or_default();
            match get(api, id, &logs.job_run, logs.attempt).await {
                Err(CallError::Refused { code, .. }) if code == "ResourceNotFoundException" => {}
                found => return Ok(found?),
            }
        }
        match page.get("nextToken").filter(|token| token.is_string()) {
            Some(token) => input.insert("nextToken".to_owned(), token.clone()),
            None => return Err(anyhow::anyhow!("no application has a job run {}", logs.job_run).into()),
        };
    }
}

async fn get(api: &Api, application: &str, run: &str, attempt: Option<u32>) -> Result<Value, CallError> {
    let mut input = object(json!({"applicationId": application, "jobRunId": run}));
    if let Some(attempt) = attempt {
        input.insert("attempt".to_owned(), attempt.into());
    }
    Ok(api.call(Operation::GetJobRun, &input).await?["jobRun"].take())
}

/// The run's application; its settings matter only where the run has none of its own.
async fn application(api: &Api, run: &Value) -> Result<Value, CallError> {
    let input = object(json!({"applicationId": run["applicationId"]}));
    Ok(api.call(Operation::GetApplication, &input).await?["application"].take())
}

fn object(value: Value) -> Input {
    match value {
        Value::Object(members) => members,
        _ => Input::new(),
    }
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

/// One log object and its run.
struct Log {
    s3: aws_sdk_s3::Client,
    api: Api,
    place: Place,
    run: Value,
}

impl Log {
    fn place_text(&self) -> String {
        format!("s3://{}/{}", self.place.bucket, self.place.key)
    }
}

#[async_trait]
impl Followed for Log {
    async fn from(&self, offset: u64) -> anyhow::Result<Option<Bytes>> {
        let request = self.s3.get_object().bucket(&self.place.bucket).key(&self.place.key);
        match request.range(format!("bytes={offset}-")).send().await {
            Ok(found) => {
                let body = found.body.collect().await.map_err(|error| Away(error.to_string()))?;
                Ok(Some(body.into_bytes()))
            }
            Err(error) => match error.raw_response().map(|response| response.status().as_u16()) {
                Some(416) => Ok(Some(Bytes::new())),
                Some(404) if error.as_service_error().is_some_and(|e| e.is_no_such_key()) => Ok(None),
                Some(400..500) => {
                    Err(anyhow::anyhow!("{}: {}", self.place_text(), DisplayErrorContext(error)))
                }
                _ => Err(Away(format!("{}: {}", self.place_text(), DisplayErrorContext(error))).into()),
            },
        }
    }

    async fn ended(&self) -> anyhow::Result<Option<Ending>> {
        let name = |member: &str| self.run[member].as_str().unwrap_or_default();
        let run =
            get(&self.api, name("applicationId"), name("jobRunId"), None).await.map_err(
                |error| match error {
                    CallError::Unreachable { .. } => anyhow::Error::from(Away(error.to_string())),
                    // It tries again by itself for a second; a control plane that is starting takes longer.
                    CallError::Refused { ref code, .. } if code == "ServiceUnavailableException" => {
                        Away(error.to_string()).into()
                    }
                    error => error.into(),
                },
            )?;
        let state = run["state"].as_str().unwrap_or_default().to_owned();
        let details = run["stateDetails"].as_str().unwrap_or_default().to_owned();
        Ok(TERMINAL.contains(&state.as_str()).then_some(Ending { state, details }))
    }
}
