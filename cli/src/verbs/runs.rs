//! A job run and its application, as commands that are no verbs look for them.

use super::call::{Api, CallError};
use crate::failure::Failure;
use firesteel_wire::{Input, Operation};
use serde_json::Value;

/// A run as GetJobRun tells it, looked for in all applications if its own is not named.
pub async fn find_run(
    api: &Api,
    application: Option<&str>,
    run: &str,
    attempt: Option<u32>,
) -> Result<Value, Failure> {
    if let Some(application) = application {
        return Ok(get_run(api, application, run, attempt).await?);
    }
    let mut input = Input::new();
    loop {
        let page = api.call(Operation::ListApplications, &input).await?;
        for application in page["applications"].as_array().into_iter().flatten() {
            let id = application["id"].as_str().unwrap_or_default();
            match get_run(api, id, run, attempt).await {
                Err(error) if is_not_found(&error, run, attempt) => {}
                found => return Ok(found?),
            }
        }
        match page.get("nextToken").filter(|token| token.is_string()) {
            Some(token) => input.insert("nextToken".to_owned(), token.clone()),
            None => return Err(anyhow::anyhow!("no application has a job run {run}").into()),
        };
    }
}

/// Whether it is the run that is not there; an attempt that is not there is worth telling.
fn is_not_found(error: &CallError, run: &str, attempt: Option<u32>) -> bool {
    match error {
        CallError::Refused { code, message, .. } => {
            let of_attempt = attempt.is_some() && message.to_lowercase().contains("attempt");
            code == "ResourceNotFoundException" && (!of_attempt || !message.contains(run))
        }
        _ => false,
    }
}

/// A run, or one attempt of it, as GetJobRun tells it.
pub async fn get_run(
    api: &Api,
    application: &str,
    run: &str,
    attempt: Option<u32>,
) -> Result<Value, CallError> {
    let mut input = Input::new();
    input.insert("applicationId".to_owned(), application.into());
    input.insert("jobRunId".to_owned(), run.into());
    if let Some(attempt) = attempt {
        input.insert("attempt".to_owned(), attempt.into());
    }
    Ok(api.call(Operation::GetJobRun, &input).await?["jobRun"].take())
}

/// A run's application as GetApplication tells it.
pub async fn application_of(api: &Api, run: &Value) -> Result<Value, CallError> {
    let mut input = Input::new();
    input.insert("applicationId".to_owned(), run["applicationId"].clone());
    Ok(api.call(Operation::GetApplication, &input).await?["application"].take())
}
