//! Lists of settled runs, newest first: from the state and from those segments only that can hold what is asked.

use super::HistoryError;
use super::segment::Segment;
use super::segments::Segments;
use firesteel_core::history::{Class, Head, History, Summary};
use firesteel_core::id::JobRunId;
use firesteel_core::job_run::JobRunState;
use firesteel_core::time::Millis;
use firesteel_journal::Store;
use futures::future::try_join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is asked for; an absent member asks for everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In this state.
    pub state: Option<JobRunState>,
    /// In this mode.
    pub mode: Option<String>,
    /// Created then or later.
    pub from: Option<Millis>,
    /// Created then or before.
    pub to: Option<Millis>,
    /// Older than this run.
    pub before: Option<JobRunId>,
}

impl Filter {
    /// True for a run of these properties.
    pub fn passes(&self, id: &JobRunId, state: JobRunState, mode: &str, created: Millis) -> bool {
        self.before.as_ref().is_none_or(|before| id < before)
            && self.state.is_none_or(|asked| asked == state)
            && self.mode.as_ref().is_none_or(|asked| asked == mode)
            && self.from.is_none_or(|from| created >= from)
            && self.to.is_none_or(|to| created <= to)
    }

    fn passes_summary(&self, run: &Summary) -> bool {
        self.passes(&run.id, run.state, &run.mode, run.created)
    }

    /// False if nothing in the segment can pass.
    fn may_pass(&self, head: &Head) -> bool {
        self.before.as_ref().is_none_or(|before| head.oldest < *before)
            && self.state.is_none_or(|asked| asked == head.class.state)
            && self.mode.as_ref().is_none_or(|asked| *asked == head.class.mode)
            && self.from.is_none_or(|from| head.to >= from)
            && self.to.is_none_or(|to| head.from <= to)
    }
}

/// What may come next, by the youngest run in it. The last is next.
#[derive(Default)]
struct Frontier {
    runs: BTreeMap<JobRunId, Arc<Summary>>,
    heads: BTreeMap<(JobRunId, String), Arc<Head>>,
}

impl Frontier {
    fn take_in(&mut self, segment: &Segment, filter: &Filter) {
        match segment {
            Segment::Runs(runs) => {
                let passing = runs.iter().filter(|run| filter.passes_summary(run));
                self.runs.extend(passing.map(|run| (run.id.clone(), run.clone())));
            }
            Segment::Heads(heads) => heads.iter().for_each(|head| self.add(head, filter)),
        }
    }

    fn add(&mut self, head: &Arc<Head>, filter: &Filter) {
        if filter.may_pass(head) {
            self.heads.insert((head.newest.clone(), head.name.clone()), head.clone());
        }
    }

    /// The next run, if no segment can hold a younger one.
    fn next_run(&mut self) -> Option<Arc<Summary>> {
        let (youngest, _) = self.runs.last_key_value()?;
        let hidden = self.heads.last_key_value().is_some_and(|((newest, _), _)| newest > youngest);
        if hidden { None } else { self.runs.pop_last().map(|(_, run)| run) }
    }

    /// Segments to be read next: the first, and the first of each other class that the page cannot do without.
    fn next_heads(&mut self, missing: usize) -> Vec<Arc<Head>> {
        let least = self.runs.keys().rev().nth(missing.saturating_sub(1)).cloned();
        let mut classes: BTreeSet<&Class> = BTreeSet::new();
        let mut keys = Vec::new();
        for (key, head) in self.heads.iter().rev() {
            if least.as_ref().is_some_and(|least| key.0 < *least) {
                break;
            }
            if classes.insert(&head.class) {
                keys.push(key.clone());
            }
        }
        keys.iter().filter_map(|key| self.heads.remove(key)).collect()
    }
}

/// Up to `limit` settled runs that pass, newest first.
pub async fn list(
    store: &dyn Store,
    application: &str,
    segments: &Segments,
    history: &History,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Arc<Summary>>, HistoryError> {
    let mut frontier = Frontier::default();
    let recent = history.recent.values().rev().filter(|run| filter.passes_summary(run)).take(limit);
    frontier.runs.extend(recent.map(|run| (run.id.clone(), run.clone())));
    history.heads.values().for_each(|head| frontier.add(head, filter));
    let mut found = Vec::new();
    while found.len() < limit {
        if let Some(run) = frontier.next_run() {
            found.push(run);
            continue;
        }
        let heads = frontier.next_heads(limit - found.len());
        if heads.is_empty() {
            break;
        }
        let loads = heads.iter().map(|head| segments.load(store, application, &head.name));
        for segment in try_join_all(loads).await? {
            frontier.take_in(&segment, filter);
        }
    }
    Ok(found)
}
