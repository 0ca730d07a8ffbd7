//! A job run as GetJobRun, ListJobRuns and ListJobRunAttempts show it.

use super::{maybe_seconds, seconds};
use crate::body::Echo;
use crate::operations::arn;
use crate::ports::Config;
use firesteel_core::bill::Used;
use firesteel_core::history;
use firesteel_core::id::{ApplicationId, JobRunId};
use firesteel_core::job_run::{JobRun, JobRunState};
use firesteel_core::time::{MINUTE, Millis, SECOND};
use serde::Serialize;
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
    queued_duration_milliseconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_execution_duration_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_resource_utilization: Option<Hours>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billed_resource_utilization: Option<Hours>,
    #[serde(flatten)]
    echo: &'a Echo<'a>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    flex_execution: Option<Flex>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    flex_execution: Option<Flex>,
}

/// `flexExecution`.
#[derive(Serialize)]
struct Flex {
    enabled: bool,
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

/// One attempt of a run: that under way (or to come, or the last one) stands where its run stands.
struct Try<'a> {
    number: u32,
    created: Millis,
    updated: Millis,
    started: Option<Millis>,
    ended: Option<Millis>,
    state: JobRunState,
    details: &'a str,
    newest: bool,
}

impl<'a> Try<'a> {
    /// `details` is what counts as `stateDetails` of the run now. None if there is no such attempt.
    fn of(run: &'a JobRun, number: u32, details: &'a str) -> Option<Self> {
        let newest = number == run.attempt_number();
        let known = run.attempts.iter().find(|attempt| attempt.number == number);
        let over = known.and_then(|attempt| attempt.outcome.as_ref()).filter(|_| !newest);
        let ended = if newest { run.ended } else { known?.ended };
        Some(Self {
            number,
            created: run.attempt_created(number),
            updated: over.and(ended).unwrap_or(run.updated),
            started: known.and_then(|attempt| attempt.started),
            ended,
            state: over.map_or(run.state, |outcome| outcome.state),
            details: over.map_or(details, |outcome| &outcome.details),
            newest,
        })
    }
}

fn common<'a>(config: &Config, app: &'a ApplicationId, run: &'a JobRun, shown: &Try<'a>) -> Common<'a> {
    let request = &run.request;
    Common {
        application_id: app,
        arn: arn::job_run(config, app, &request.id),
        name: request.name.as_deref(),
        mode: &request.mode,
        created_by: &request.created_by,
        created_at: run.created,
        updated_at: shown.updated,
        execution_role: &request.execution_role,
        state: shown.state,
        state_details: shown.details,
        release_label: request.release.as_str(),
        attempt: shown.number,
    }
}

/// The full form; `details` is what counts as `stateDetails` now. Shows one attempt, the newest if none is asked for;
/// none if there is no such attempt. What a run has used is known of all its attempts together.
pub fn full<'a>(
    config: &Config,
    app: &'a ApplicationId,
    run: &'a JobRun,
    attempt: Option<u32>,
    details: &'a str,
    echo: &'a Echo<'a>,
) -> Option<Full<'a>> {
    let shown = Try::of(run, attempt.unwrap_or_else(|| run.attempt_number()), details)?;
    let bill = run.ended.filter(|_| shown.newest).map(|_| run.bill);
    Some(Full {
        common: common(config, app, run, &shown),
        job_run_id: &run.request.id,
        attempt_created_at: shown.created,
        attempt_updated_at: shown.updated,
        execution_timeout_minutes: run.request.timeout.unwrap_or(0) / MINUTE,
        tags: &run.request.tags,
        started_at: shown.started,
        ended_at: shown.ended,
        queued_duration_milliseconds: run.queued_for(),
        total_execution_duration_seconds: duration(run, &shown),
        total_resource_utilization: bill.map(|bill| bill.total.into()),
        billed_resource_utilization: bill.map(|bill| bill.billed.into()),
        echo,
    })
}

/// The summary.
pub fn summary<'a>(config: &Config, app: &'a ApplicationId, run: &'a history::Summary) -> Summary<'a> {
    Summary {
        common: Common {
            application_id: app,
            arn: arn::job_run(config, app, &run.id),
            name: run.name.as_deref(),
            mode: &run.mode,
            created_by: &run.created_by,
            created_at: run.created,
            updated_at: run.updated,
            execution_role: &run.execution_role,
            state: run.state,
            state_details: &run.state_details,
            release_label: &run.release,
            attempt: run.attempt,
        },
        id: &run.id,
        r#type: KIND,
        attempt_created_at: run.attempt_created,
        attempt_updated_at: run.updated,
        flex_execution: run.flex.map(|enabled| Flex { enabled }),
    }
}

/// The attempts from number `first` on, oldest first, at most `most`. A run that has not begun yet has its first one
/// all the same.
pub fn attempts<'a>(
    config: &'a Config,
    app: &'a ApplicationId,
    run: &'a JobRun,
    details: &'a str,
    (first, most): (u32, usize),
) -> impl Iterator<Item = AttemptLine<'a>> {
    let numbers = first.max(1)..=run.attempt_number();
    numbers.filter_map(move |number| Try::of(run, number, details)).take(most).map(move |shown| AttemptLine {
        common: Common { created_at: shown.created, ..common(config, app, run, &shown) },
        id: &run.request.id,
        r#type: KIND,
        job_created_at: run.created,
        flex_execution: run.request.flex.map(|enabled| Flex { enabled }),
    })
}

/// Of the run: from its first attempt's start. Of an earlier attempt: its own.
fn duration(run: &JobRun, shown: &Try<'_>) -> Option<i64> {
    let started = if shown.newest { run.started() } else { shown.started };
    let ended = shown.ended?;
    Some(started.map_or(0, |started| ended.since(started) / SECOND))
}
