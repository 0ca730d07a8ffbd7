//! ListJobRuns: newest first, runs of the state and of history as one list.

use super::get_job_run::details;
use super::{Service, json, refuse};
use crate::history;
use crate::home::{Home, application};
use crate::views;
use firesteel_core::id::JobRunId;
use firesteel_core::job_run::JobRun;
use firesteel_wire::paging::{self, Page};
use firesteel_wire::shapes::{ListJobRunsRequest, decode};
use firesteel_wire::{ApiError, Input, Operation};
use serde_json::{Value, json};
use std::sync::Arc;

/// History objects that are read at once.
const BATCH: usize = 100;

/// Which runs are asked for.
struct Filter(ListJobRunsRequest);

impl Filter {
    fn passes(&self, run: &JobRun) -> bool {
        let Self(asked) = self;
        let state = asked.states.as_ref().filter(|states| !states.is_empty());
        state.is_none_or(|states| states.iter().any(|state| state.as_str() == run.state.as_str()))
            && asked.created_at_after.is_none_or(|after| run.created.0 >= after.0)
            && asked.created_at_before.is_none_or(|before| run.created.0 <= before.0)
            && asked.mode.is_none_or(|mode| mode.as_str() == run.request.mode)
    }

    /// True if no run this old or older can pass.
    fn is_past(&self, run: &JobRun) -> bool {
        self.0.created_at_after.is_some_and(|after| run.created.0 < after.0)
    }
}

impl Service {
    pub(super) async fn list_job_runs(&self, input: &Input) -> Result<String, ApiError> {
        let page = Page::of(Operation::ListJobRuns, input)?;
        let home = self.home(input).await?;
        let filter = Filter(decode(input.clone())?);
        let after = page.cursor.as_deref().map(JobRunId::new);
        // One more than fits says whether there is a next page.
        let mut runs = self.runs_after(&home, after, &filter, page.max_results + 1).await?;
        let more = runs.len() > page.max_results;
        runs.truncate(page.max_results);
        let lines: Vec<Value> = runs.iter().map(|run| self.line(&home, run)).collect();
        let mut answer = json!({ "jobRuns": lines });
        if let (true, Some(last)) = (more, runs.last()) {
            let token = paging::next_token(Operation::ListJobRuns, input, last.request.id.as_str())?;
            answer["nextToken"] = json!(token);
        }
        json(&answer)
    }

    fn line(&self, home: &Home, run: &JobRun) -> Value {
        let details = details(home, run);
        let line = views::job_run::summary(&self.parts.config, &home.id, run, &details);
        serde_json::to_value(line).unwrap_or_default()
    }

    async fn runs_after(
        &self,
        home: &Home,
        after: Option<JobRunId>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Arc<JobRun>>, ApiError> {
        let state = home.fresh().await.map_err(refuse::read)?;
        let active = application(&state).runs.iter().rev();
        let active = active.filter(|(id, _)| after.as_ref().is_none_or(|after| *id < after));
        let active: Vec<_> =
            active.map(|(_, run)| run.clone()).filter(|run| filter.passes(run)).take(limit).collect();
        let archived = self.archived_after(home, after, filter, limit).await?;
        Ok(newest_first(active, archived, limit))
    }

    async fn archived_after(
        &self,
        home: &Home,
        mut after: Option<JobRunId>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Arc<JobRun>>, ApiError> {
        let mut found = Vec::new();
        loop {
            let page = history::page(&self.parts, home, after.as_ref(), BATCH.min(limit.max(1))).await;
            let (runs, more) = page.map_err(|error| refuse::unavailable(&error.to_string()))?;
            let past = runs.last().is_none_or(|run| filter.is_past(run));
            after = runs.last().map(|run| run.request.id.clone());
            found.extend(runs.into_iter().filter(|run| filter.passes(run)));
            if found.len() >= limit || !more || past {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }
}

/// Merges two lists; a run that was archived between the two reads is shown once.
fn newest_first(active: Vec<Arc<JobRun>>, archived: Vec<Arc<JobRun>>, limit: usize) -> Vec<Arc<JobRun>> {
    let mut all = active;
    all.extend(archived);
    all.sort_by(|a, b| b.request.id.cmp(&a.request.id));
    all.dedup_by(|a, b| a.request.id == b.request.id);
    all.truncate(limit);
    all
}
