//! ListJobRuns: newest first, runs of the state and of history as one list; by several states, grouped by state.
//!
//! One snapshot of the state answers a page: a run is in it or in a segment that it names, never in both. A cursor is the
//! last run shown, so that what settles or is packed between two pages neither repeats nor hides any.

use super::{Service, json, refuse};
use crate::history::list::{Filter, list};
use crate::home::{Home, application};
use crate::views;
use firesteel_core::application::Application;
use firesteel_core::history::Summary;
use firesteel_core::id::JobRunId;
use firesteel_core::job_run::{JobRun, JobRunState};
use firesteel_core::time::Millis;
use firesteel_wire::paging::{self, Page};
use firesteel_wire::shapes::{ListJobRunsRequest, decode};
use firesteel_wire::{ApiError, Input, Operation};
use serde::Serialize;
use std::ops::Bound;
use std::sync::Arc;

/// States in the order in which runs pass through them: the order of groups. A run that moves on between two pages may be
/// shown again in a later group; it is never passed over.
const GROUPS: [JobRunState; 9] = [
    JobRunState::Submitted,
    JobRunState::Queued,
    JobRunState::Pending,
    JobRunState::Scheduled,
    JobRunState::Running,
    JobRunState::Cancelling,
    JobRunState::Success,
    JobRunState::Failed,
    JobRunState::Cancelled,
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    job_runs: Vec<views::job_run::Summary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Where a page ends: its group, and its last run.
struct Cursor {
    group: Option<JobRunState>,
    last: JobRunId,
}

impl Cursor {
    fn parse(text: &str) -> Self {
        match text.split_once('/') {
            Some((state, last)) => {
                let group = GROUPS.into_iter().find(|group| group.as_str() == state);
                Self { group, last: JobRunId::new(last) }
            }
            None => Self { group: None, last: JobRunId::new(text) },
        }
    }

    fn text(group: Option<JobRunState>, last: &JobRunId) -> String {
        group.map_or_else(|| last.to_string(), |group| format!("{}/{last}", group.as_str()))
    }
}

impl Service {
    pub(super) async fn list_job_runs(&self, input: &Input) -> Result<String, ApiError> {
        let page = Page::of(Operation::ListJobRuns, input)?;
        let home = self.home(input).await?;
        let asked: ListJobRunsRequest = decode(input.clone())?;
        let state = home.fresh().await.map_err(refuse::read)?;
        // One more than fits says whether there is a next page.
        let wanted = page.max_results + 1;
        let mut runs = Vec::new();
        for (group, filter) in filters(&asked, page.cursor.as_deref().map(Cursor::parse)) {
            let found =
                self.newest(&home, application(&state), &filter, wanted.saturating_sub(runs.len())).await?;
            runs.extend(found.into_iter().map(|run| (group, run)));
            if runs.len() >= wanted {
                break;
            }
        }
        let more = runs.len() > page.max_results;
        runs.truncate(page.max_results);
        let next_token = match runs.last() {
            Some((group, last)) if more => {
                let cursor = Cursor::text(*group, &last.id);
                Some(paging::next_token(Operation::ListJobRuns, input, &cursor)?)
            }
            _ => None,
        };
        let job_runs = runs.iter().map(|(_, run)| views::job_run::summary(&self.parts.config, &home.id, run));
        json(&Answer { job_runs: job_runs.collect(), next_token })
    }

    /// Runs of the state and of history that pass, newest first.
    async fn newest(
        &self,
        home: &Home,
        app: &Application,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Arc<Summary>>, ApiError> {
        let (live, reasons) = (live(app, filter), home.reasons());
        let passing =
            live.filter(|run| filter.passes(&run.request.id, run.state, &run.request.mode, run.created));
        let mut runs: Vec<_> = passing
            .take(limit)
            .map(|run| {
                let details = reasons.details(app, run).into();
                Arc::new(Summary { state_details: details, ..Summary::of(run) })
            })
            .collect();
        let settled =
            list(&*self.parts.state, home.id.as_str(), &home.segments, &app.history, filter, limit).await;
        runs.extend(settled.map_err(|error| refuse::unavailable(&error.to_string()))?);
        runs.sort_by(|a, b| b.id.cmp(&a.id));
        runs.truncate(limit);
        Ok(runs)
    }
}

/// Runs of the state that may pass, newest first: by state only those on the lists where such runs stand.
fn live<'a>(app: &'a Application, filter: &Filter) -> Box<dyn Iterator<Item = &'a Arc<JobRun>> + Send + 'a> {
    let end = filter.before.clone().map_or(Bound::Unbounded, Bound::Excluded);
    let runs = &app.runs;
    let Some(state) = filter.state else {
        return Box::new(runs.range((Bound::Unbounded, end)).rev().map(|(_, run)| run));
    };
    let waiting = match state {
        JobRunState::Submitted => runs.submitted(),
        JobRunState::Queued => runs.queued(),
        JobRunState::Pending => runs.pending(),
        _ => runs.settled(),
    };
    let older = (Bound::Unbounded, end);
    let mut one = waiting.range(older.clone()).rev().peekable();
    let mut other = runs.begun().range(older).rev().peekable();
    let next = move || match (one.peek(), other.peek()) {
        (Some(a), Some(b)) if a == b => {
            one.next();
            other.next()
        }
        (Some(a), Some(b)) if a > b => one.next(),
        (Some(_), None) => one.next(),
        _ => other.next(),
    };
    Box::new(std::iter::from_fn(next).filter_map(|id| runs.get(id)))
}

/// One filter for each group that is not over yet.
fn filters(
    asked: &ListJobRunsRequest,
    cursor: Option<Cursor>,
) -> impl Iterator<Item = (Option<JobRunState>, Filter)> {
    let states: Vec<&str> = asked.states.iter().flatten().map(|state| state.as_str()).collect();
    let asked_for = |group: &JobRunState| states.contains(&group.as_str());
    let groups: Vec<_> = match states.is_empty() {
        true => vec![None],
        false => GROUPS.into_iter().filter(asked_for).map(Some).collect(),
    };
    let reached = cursor.as_ref().and_then(|cursor| cursor.group);
    let place =
        reached.and_then(|reached| groups.iter().position(|group| *group == Some(reached))).unwrap_or(0);
    let base = Filter {
        mode: asked.mode.map(|mode| mode.as_str().to_owned()),
        from: asked.created_at_after.map(|at| Millis(at.0)),
        to: asked.created_at_before.map(|at| Millis(at.0)),
        ..Filter::default()
    };
    let last = cursor.map(|cursor| cursor.last);
    groups.into_iter().skip(place).enumerate().map(move |(n, group)| {
        let before = if n == 0 { last.clone() } else { None };
        (group, Filter { state: group, before, ..base.clone() })
    })
}
