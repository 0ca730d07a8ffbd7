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
use std::ops::Bound;
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

/// Runs of one segment that pass, from the youngest on.
struct Lane {
    segment: Arc<Segment>,
    /// How many of its runs are still ahead; the last of these passes.
    ahead: usize,
}

impl Lane {
    fn new(segment: Arc<Segment>, filter: &Filter) -> Self {
        let mut lane = Self { ahead: 0, segment };
        let runs = lane.runs();
        lane.ahead = filter.before.as_ref().map_or(runs.len(), |id| runs.partition_point(|run| run.id < *id));
        lane.settle(filter);
        lane
    }

    fn runs(&self) -> &[Arc<Summary>] {
        match &*self.segment {
            Segment::Runs(runs) => runs,
            Segment::Heads(_) => &[],
        }
    }

    fn next(&self) -> Option<&Arc<Summary>> {
        self.ahead.checked_sub(1).and_then(|place| self.runs().get(place))
    }

    /// Goes on to the next run that passes.
    fn settle(&mut self, filter: &Filter) {
        while self.next().is_some_and(|run| !filter.passes_summary(run)) {
            self.ahead -= 1;
        }
    }

    fn take(&mut self, filter: &Filter) -> Option<Arc<Summary>> {
        let run = self.next()?.clone();
        self.ahead -= 1;
        self.settle(filter);
        Some(run)
    }
}

/// Where the list goes on: one lane for the state and each segment that was read, and heads of those that were not.
#[derive(Default)]
struct Frontier {
    lanes: Vec<Lane>,
    heads: BTreeMap<(JobRunId, String), Arc<Head>>,
}

impl Frontier {
    fn take_in(&mut self, segment: Arc<Segment>, filter: &Filter) {
        match &*segment {
            Segment::Runs(_) => self.lanes.push(Lane::new(segment, filter)),
            Segment::Heads(heads) => heads.iter().for_each(|head| self.add(head, filter)),
        }
    }

    fn add(&mut self, head: &Arc<Head>, filter: &Filter) {
        if filter.may_pass(head) {
            self.heads.insert((head.newest.clone(), head.name.clone()), head.clone());
        }
    }

    /// The next run, if no segment can hold a younger one.
    fn next_run(&mut self, filter: &Filter) -> Option<Arc<Summary>> {
        let lanes = self.lanes.iter_mut().filter(|lane| lane.ahead > 0);
        let lane = lanes.max_by(|a, b| a.next().map(|run| &run.id).cmp(&b.next().map(|run| &run.id)))?;
        let youngest = &lane.next()?.id;
        let hidden = self.heads.last_key_value().is_some_and(|((newest, _), _)| newest > youngest);
        if hidden { None } else { lane.take(filter) }
    }

    /// Segments to be read next: the first, and the first of each other class that is as young as what is known.
    fn next_heads(&mut self) -> Vec<Arc<Head>> {
        let known = self.lanes.iter().filter_map(|lane| lane.next().map(|run| &run.id)).max();
        let mut classes: BTreeSet<&Class> = BTreeSet::new();
        let mut keys = Vec::new();
        for (key, head) in self.heads.iter().rev() {
            if known.is_some_and(|known| key.0 < *known) {
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
    let recent = older(history, filter).filter(|(_, run)| filter.passes_summary(run)).take(limit);
    let mut recent: Vec<_> = recent.map(|(_, run)| run.clone()).collect();
    recent.reverse();
    frontier.take_in(Arc::new(Segment::Runs(recent)), filter);
    history.heads.values().for_each(|head| frontier.add(head, filter));
    let mut found = Vec::new();
    while found.len() < limit {
        if let Some(run) = frontier.next_run(filter) {
            found.push(run);
            continue;
        }
        let heads = frontier.next_heads();
        if heads.is_empty() {
            break;
        }
        let loads = heads.iter().map(|head| segments.load(store, application, &head.name));
        for segment in try_join_all(loads).await? {
            frontier.take_in(segment, filter);
        }
    }
    Ok(found)
}

/// Recent runs behind the cursor, newest first.
fn older<'a>(
    history: &'a History,
    filter: &Filter,
) -> impl Iterator<Item = (&'a JobRunId, &'a Arc<Summary>)> + use<'a> {
    let end = filter.before.clone().map_or(Bound::Unbounded, Bound::Excluded);
    history.recent.range((Bound::Unbounded, end)).rev()
}
