//! ListJobRunAttempts: oldest first; the first attempt is there from the first moment.

use super::{Service, json, text};
use crate::home::application;
use crate::views;
use firesteel_wire::paging::{self, Page};
use firesteel_wire::{ApiError, Input, Operation};
use serde_json::json;

impl Service {
    pub(super) async fn list_job_run_attempts(&self, input: &Input) -> Result<String, ApiError> {
        let page = Page::of(Operation::ListJobRunAttempts, input)?;
        let home = self.home(input).await?;
        let run = self.find_run(&home, text(input, "jobRunId")).await?;
        let state = home.state();
        let details = home.reasons().details(application(&state), &run);
        let first = page.cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(1);
        let (config, wanted) = (&self.parts.config, (first, page.max_results));
        let lines: Vec<_> = views::job_run::attempts(config, &home.id, &run, &details, wanted).collect();
        let next = first.saturating_add(lines.len() as u32);
        let mut answer = json!({ "jobRunAttempts": lines });
        if next <= run.attempt_number() {
            let token = paging::next_token(Operation::ListJobRunAttempts, input, &next.to_string())?;
            answer["nextToken"] = json!(token);
        }
        json(&answer)
    }
}
