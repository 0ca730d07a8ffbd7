//! A job run as GetJobRun, ListJobRuns and ListJobRunAttempts show it.

use super::{maybe_seconds, seconds};
use crate::operations::arn;
use crate::ports::Config;
use firesteel_core::bill::Used;
use firesteel_core::id::{ApplicationId, JobRunId};
use firesteel_core::job_run::{Attempt, JobRun, JobRunState};
use firesteel_core::time::{MINUTE, Millis, SECOND};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What every form of a run shows.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Common<'a> {
    application_id: &'a ApplicationId,
    arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    mode: &'a str,
    created_by: &'a str,
    #[serde(serialize_with = "seconds")]
    created_at: Millis,
    #[serde(serialize_with = "seconds")]
    updated_at: Millis,
    execution_role: &'a str,
    state: JobRunState,
    state_details: &'a str,
    release_label: &'a str,
    attempt: u32,
}

/// GetJobRun.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Full<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    job_run_id: &'a JobRunId,
    #[serde(serialize_with = "seconds")]
    attempt_created_at: Millis,
    #[serde(serialize_with = "seconds")]
    attempt_updated_at: Millis,
    execution_timeout_minutes: i64,
    tags: &'a BTreeMap<String, String>,
    #[serde(serialize_with = "maybe_seconds", skip_serializing_if = "Option::is_none")]
    started_at: Option<Millis>,
    #[serde(serialize_with = "maybe_seconds", skip_serializing_if = "Option::is_none")]
    ended_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_execution_duration_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_resource_utilization: Option<Hours>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billed_resource_utilization: Option<Hours>,
    #[serde(flatten)]
    echo: &'a Map<String, Value>,
}

/// A line of ListJobRuns.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    id: &'a JobRunId,
    r#type: &'static str,
    #[serde(serialize_with = "seconds")]
    attempt_created_at: Millis,
    #[serde(serialize_with = "seconds")]
    attempt_updated_at: Millis,
}

/// A line of ListJobRunAttempts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptLine<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    id: &'a JobRunId,
    r#type: &'static str,
    #[serde(serialize_with = "seconds")]
    job_created_at: Millis,
}

/// Resource hours as the API names them.
#[derive(Serialize)]
struct Hours {
    #[serde(rename = "vCPUHour")]
    cpu: f64,
    #[serde(rename = "memoryGBHour")]
    memory: f64,
    #[serde(rename = "storageGBHour")]
    storage: f64,
}

impl From<Used> for Hours {
    fn from(used: Used) -> Self {
        let [cpu, memory, storage] = used.hours();
        Self { cpu, memory, storage }
    }
}

const KIND: &str = "Spark";

fn common<'a>(config: &Config, app: &'a ApplicationId, run: &'a JobRun, details: &'a str) -> Common<'a> {
    let request = &run.request;
    Common {
        application_id: app,
        arn: arn::job_run(config, app, &request.id),
        name: request.name.as_deref(),
        mode: &request.mode,
        created_by: &request.created_by,
        created_at: run.created,
        updated_at: run.updated,
        execution_role: &request.execution_role,
        state: run.state,
        state_details: details,
        release_label: request.release.as_str(),
        attempt: run.attempt().map_or(1, |attempt| attempt.number),
    }
}

/// The full form; `details` is what counts as `stateDetails` now.
pub fn full<'a>(
    config: &Config,
    app: &'a ApplicationId,
    run: &'a JobRun,
    details: &'a str,
    echo: &'a Map<String, Value>,
) -> Full<'a> {
    let terminal = run.ended.is_some();
    Full {
        common: common(config, app, run, details),
        job_run_id: &run.request.id,
        attempt_created_at: attempt_created(run),
        attempt_updated_at: run.updated,
        execution_timeout_minutes: run.request.timeout.unwrap_or(0) / MINUTE,
        tags: &run.request.tags,
        started_at: run.started(),
        ended_at: run.ended,
        total_execution_duration_seconds: duration(run),
        total_resource_utilization: terminal.then(|| run.bill.total.into()),
        billed_resource_utilization: terminal.then(|| run.bill.billed.into()),
        echo,
    }
}

/// The summary.
pub fn summary<'a>(
    config: &Config,
    app: &'a ApplicationId,
    run: &'a JobRun,
    details: &'a str,
) -> Summary<'a> {
    Summary {
        common: common(config, app, run, details),
        id: &run.request.id,
        r#type: KIND,
        attempt_created_at: attempt_created(run),
        attempt_updated_at: run.updated,
    }
}

/// One attempt; a run that has not begun yet shows its first one all the same.
pub fn attempt<'a>(
    config: &Config,
    app: &'a ApplicationId,
    run: &'a JobRun,
    attempt: Option<&Attempt>,
    details: &'a str,
) -> AttemptLine<'a> {
    let mut common = common(config, app, run, details);
    common.created_at = attempt.map_or(run.created, |attempt| attempt.created);
    common.attempt = attempt.map_or(1, |attempt| attempt.number);
    AttemptLine { common, id: &run.request.id, r#type: KIND, job_created_at: run.created }
}

fn attempt_created(run: &JobRun) -> Millis {
    run.attempt().map_or(run.created, |attempt| attempt.created)
}

fn duration(run: &JobRun) -> Option<i64> {
    let ended = run.ended?;
    Some(run.started().map_or(0, |started| ended.since(started) / SECOND))
}
