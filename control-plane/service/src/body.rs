//! The part of a run's request that the rules do not read: stored in its event, or by hash if it is large.

use crate::ports::{Narrowing, Parts};
use firesteel_core::id::ApplicationId;
use firesteel_core::job_run::JobRun;
use firesteel_core::opaque::Opaque;
use firesteel_core::spark::Configuration;
use firesteel_journal::requests;
pub use firesteel_journal::requests::BodyError as Unreadable;
use firesteel_journal::{StoreError, Stored};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::Arc;

/// What is kept of a StartJobRun request, and what was made of it at submission.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    /// Configuration of application and run, merged: classification → properties.
    pub configuration: Configuration,
    /// Members of the request that GetJobRun gives back, by their name in the API.
    pub echo: Map<String, Value>,
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

/// Stores a body; what is returned belongs into the event.
pub async fn write(parts: &Parts, application: &ApplicationId, body: &Body) -> Result<Opaque, StoreError> {
    let unwritten = |error: serde_json::Error| StoreError::NotDone(error.to_string());
    let text = serde_json::to_string(body).map_err(unwritten)?;
    if text.len() <= requests::INLINE_BYTES {
        return Opaque::of_text(format!(r#"{{"inline":{text}}}"#)).map_err(unwritten);
    }
    let value = serde_json::to_value(body).map_err(unwritten)?;
    let stored = requests::store_body(&*parts.state, application.as_str(), value, parts.world.now()).await?;
    opaque(&stored).map_err(unwritten)
}

fn opaque(stored: &Stored) -> serde_json::Result<Opaque> {
    Opaque::new(&serde_json::to_value(stored)?)
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
    let stored: Stored = run.request.body.read().map_err(damaged)?;
    let value = requests::load_body(&*parts.state, application.as_str(), &stored).await?;
    let mut run = (**run).clone();
    Arc::make_mut(&mut run.request).body = opaque(&Stored::Inline(value)).map_err(damaged)?;
    Ok(Arc::new(run))
}

/// Name of the run's body, if it is an object of its own.
pub fn hash_of(run: &JobRun) -> Option<&str> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Place<'a> {
        #[serde(borrow)]
        by_hash: Named<'a>,
    }
    #[derive(Deserialize)]
    struct Named<'a> {
        sha256: &'a str,
    }
    let body = &run.request.body;
    // Most say at once that they are not.
    let is_inline = body.as_str().starts_with(r#"{"inline""#);
    (!is_inline).then(|| body.read::<Place<'_>>().ok()).flatten().map(|place| place.by_hash.sha256)
}

/// Reads a run's body from wherever it is.
pub async fn read(parts: &Parts, application: &ApplicationId, run: &JobRun) -> Result<Body, Unreadable> {
    let damaged = |error: serde_json::Error| Unreadable::Damaged(error.to_string());
    let stored: Stored = run.request.body.read().map_err(damaged)?;
    let value = requests::load_body(&*parts.state, application.as_str(), &stored).await?;
    serde_json::from_value(value).map_err(damaged)
}

/// The members of the request that GetJobRun gives back, each as it is stored.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Echo<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    job_driver: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    configuration_overrides: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    execution_iam_policy: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    retry_policy: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    flex_execution: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Echoed<'a> {
    #[serde(borrow)]
    echo: Echo<'a>,
}

/// A body's text with what GetJobRun gives back, from the state if it stands there: this is asked most.
pub async fn text<'a>(
    parts: &Parts,
    application: &ApplicationId,
    run: &'a JobRun,
) -> Result<Cow<'a, str>, Unreadable> {
    let body = run.request.body.as_str();
    let inline = body.strip_prefix(r#"{"inline":"#).and_then(|rest| rest.strip_suffix('}'));
    match inline {
        Some(inline) => Ok(Cow::Borrowed(inline)),
        None => {
            let body = read(parts, application, run).await?;
            let text =
                serde_json::to_string(&body).map_err(|error| Unreadable::Damaged(error.to_string()))?;
            Ok(Cow::Owned(text))
        }
    }
}

/// What GetJobRun gives back of a body.
pub fn echo(text: &str) -> Result<Echo<'_>, Unreadable> {
    let echoed: Result<Echoed<'_>, _> = serde_json::from_str(text);
    echoed.map(|echoed| echoed.echo).map_err(|error| Unreadable::Damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_stored_as_it_is_sorted() {
        let body = Body {
            echo: Map::from_iter([("jobDriver".to_owned(), Value::from(1))]),
            configuration: Configuration::from([("spark-defaults".to_owned(), Default::default())]),
            log_uri: Some("s3://b/".to_owned()),
        };
        let text = serde_json::to_string(&body).expect("JSON");
        let sorted =
            serde_json::to_value(&body).and_then(|value| serde_json::to_string(&value)).expect("JSON");
        assert_eq!(text, sorted, "the journal's copy and one that was read from it are the same text");
        let given = serde_json::to_string(&echo(&text).expect("an echo")).expect("JSON");
        assert_eq!(given, r#"{"jobDriver":1}"#);
    }
}
