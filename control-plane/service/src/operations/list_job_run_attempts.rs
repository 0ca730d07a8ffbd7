//! ListJobRunAttempts: oldest first; the first attempt is there from the first moment.

use super::get_job_run::details;
use super::{Service, json, text};
use crate::views;
use firesteel_wire::paging::{self, Page};
use firesteel_wire::{ApiError, Input, Operation};
use serde_json::json;

impl Service {
    pub(super) async fn list_job_run_attempts(&self, input: &Input) -> Result<String, ApiError> {
        let page = Page::of(Operation::ListJobRunAttempts, input)?;
        let home = self.home(input).await?;
        let run = self.find_run(&home, text(input, "jobRunId")).await?;
        let details = details(&home, &run);
        let line = |attempt| views::job_run::attempt(&self.parts.config, &home.id, &run, attempt, &details);
        let skip: usize = page.cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let lines: Vec<_> = match run.attempts.as_slice() {
            [] => vec![line(None)],
            attempts => {
                attempts.iter().skip(skip).take(page.max_results).map(|one| line(Some(one))).collect()
            }
        };
        let shown = skip + lines.len();
        let mut answer = json!({ "jobRunAttempts": lines });
        if shown < run.attempts.len() {
            let token = paging::next_token(Operation::ListJobRunAttempts, input, &shown.to_string())?;
            answer["nextToken"] = json!(token);
        }
        json(&answer)
    }
}
