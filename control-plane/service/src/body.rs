//! The part of a run's request that the rules do not read: stored in its event, or by hash if it is large.

use crate::ports::{Narrowing, Parts};
use firesteel_core::id::ApplicationId;
use firesteel_core::job_run::JobRun;
use firesteel_core::spark::Configuration;
use firesteel_journal::requests;
pub use firesteel_journal::requests::BodyError as Unreadable;
use firesteel_journal::{StoreError, Stored};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::Arc;

/// What is kept of a StartJobRun request, and what was made of it at submission.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    /// Members of the request that GetJobRun gives back, by their name in the API.
    pub echo: Map<String, Value>,
    /// Configuration of application and run, merged: classification → properties.
    pub configuration: Configuration,
    /// Where logs go, application and run merged.
    pub log_uri: Option<String>,
}

impl Body {
    /// What narrows the execution role.
    pub fn narrowing(&self) -> Narrowing {
        let given = |member: &str| self.echo.get("executionIamPolicy")?.get(member);
        let arns = given("policyArns").and_then(Value::as_array).into_iter().flatten();
        Narrowing {
            policy: given("policy").and_then(Value::as_str).map(str::to_owned),
            policy_arns: arns.filter_map(|arn| Some(arn.as_str()?.to_owned())).collect(),
        }
    }

    /// A member of `jobDriver.sparkSubmit`.
    pub fn spark_submit(&self, member: &str) -> Option<&Value> {
        self.echo.get("jobDriver")?.get("sparkSubmit")?.get(member)
    }
}

/// Stores a body; the value belongs into the event.
pub async fn write(parts: &Parts, application: &ApplicationId, body: &Body) -> Result<Value, StoreError> {
    let value = serde_json::to_value(body).map_err(|error| StoreError::NotDone(error.to_string()))?;
    let stored = requests::store_body(&*parts.state, application.as_str(), value, parts.world.now()).await?;
    serde_json::to_value(&stored).map_err(|error| StoreError::NotDone(error.to_string()))
}

/// The run with its body in itself, as it is archived: then nothing else names the body's object.
pub async fn inlined(
    parts: &Parts,
    application: &ApplicationId,
    run: &Arc<JobRun>,
) -> Result<Arc<JobRun>, Unreadable> {
    if hash_of(run).is_none() {
        return Ok(run.clone());
    }
    let damaged = |error: serde_json::Error| Unreadable::Damaged(error.to_string());
    let stored: Stored = Stored::deserialize(&*run.request.body).map_err(damaged)?;
    let value = requests::load_body(&*parts.state, application.as_str(), &stored).await?;
    let mut run = (**run).clone();
    run.request.body = serde_json::to_value(Stored::Inline(value)).map_err(damaged)?.into();
    Ok(Arc::new(run))
}

/// Name of the run's body, if it is an object of its own.
pub fn hash_of(run: &JobRun) -> Option<&str> {
    run.request.body.get("byHash")?.get("sha256")?.as_str()
}

/// Reads a run's body from wherever it is.
pub async fn read(parts: &Parts, application: &ApplicationId, run: &JobRun) -> Result<Body, Unreadable> {
    let damaged = |error: serde_json::Error| Unreadable::Damaged(error.to_string());
    let stored: Stored = Stored::deserialize(&*run.request.body).map_err(damaged)?;
    let value = requests::load_body(&*parts.state, application.as_str(), &stored).await?;
    serde_json::from_value(value).map_err(damaged)
}

/// The members that GetJobRun gives back: where they stand in the state if they are there, for this is asked most.
pub async fn echo<'a>(
    parts: &Parts,
    application: &ApplicationId,
    run: &'a JobRun,
) -> Result<Cow<'a, Map<String, Value>>, Unreadable> {
    let inline = run.request.body.get("inline").and_then(|body| body.get("echo"));
    match inline.and_then(Value::as_object) {
        Some(echo) => Ok(Cow::Borrowed(echo)),
        None => Ok(Cow::Owned(read(parts, application, run).await?.echo)),
    }
}
