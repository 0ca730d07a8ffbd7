//! GetJobRun: from the state, or from history.

use super::{Service, json, refuse, text};
use crate::body;
use crate::history;
use crate::home::{Home, application};
use crate::views;
use firesteel_core::id::JobRunId;
use firesteel_core::job_run::JobRun;
use firesteel_wire::{ApiError, Input, texts};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    job_run: views::job_run::Full<'a>,
}

impl Service {
    pub(super) async fn get_job_run(&self, input: &Input) -> Result<String, ApiError> {
        let home = self.home(input).await?;
        let run = self.find_run(&home, text(input, "jobRunId")).await?;
        let unreadable = |error: body::Unreadable| refuse::unavailable(&error.to_string());
        let body = body::text(&self.parts, &home.id, &run).await.map_err(unreadable)?;
        let echo = body::echo(&body).map_err(unreadable)?;
        let state = home.state();
        let details = home.reasons().details(application(&state), &run);
        let asked = input.get("attempt").and_then(Value::as_i64);
        // More than fits is no attempt either.
        let attempt = asked.map(|attempt| u32::try_from(attempt).unwrap_or(0));
        let shown = views::job_run::full(&self.parts.config, &home.id, &run, attempt, &details, &echo);
        let missing = || texts::attempt_not_found(run.request.id.as_str(), asked.unwrap_or(1));
        json(&Answer { job_run: shown.ok_or_else(|| ApiError::not_found(missing()))? })
    }

    pub(super) async fn find_run(&self, home: &Home, id: &str) -> Result<Arc<JobRun>, ApiError> {
        let found = history::find(&self.parts, home, &JobRunId::new(id)).await;
        let found = found.map_err(|error| refuse::unavailable(&error.to_string()))?;
        found.ok_or_else(|| ApiError::not_found(texts::job_run_not_found(id)))
    }
}
