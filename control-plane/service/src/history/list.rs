//! Lists of settled runs, newest first: from the state and from those segments only that can hold what is asked.

use super::HistoryError;
use super::segment::{Runs, Segment};
use super::segments::Segments;
use firesteel_core::history::{Class, Drift, Head, History, Summary};
use firesteel_core::id::JobRunId;
use firesteel_core::job_run::JobRunState;
use firesteel_core::time::Millis;
use firesteel_journal::Store;
use futures::future::try_join_all;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::ops::{Bound, RangeBounds};
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
        self.state.is_none_or(|asked| asked == state)
            && self.from.is_none_or(|from| created >= from)
            && self.to.is_none_or(|to| created <= to)
            && self.mode.as_ref().is_none_or(|asked| asked == mode)
            && self.before.as_ref().is_none_or(|before| id < before)
    }

    fn passes_summary(&self, run: &Summary) -> bool {
        self.passes(&run.id, run.state, &run.mode, run.created)
    }

    fn passes_class(&self, class: &Class) -> bool {
        self.state.is_none_or(|asked| asked == class.state)
            && self.mode.as_ref().is_none_or(|asked| *asked == class.mode)
    }

    /// False if nothing in the segment can pass.
    fn may_pass(&self, head: &Head) -> bool {
        self.from.is_none_or(|from| head.to >= from)
            && self.to.is_none_or(|to| head.from <= to)
            && self.before.as_ref().is_none_or(|before| head.oldest < *before)
            && self.passes_class(&head.class)
    }
}

/// Runs that pass, from the youngest on: those of the state, or of one segment.
struct Lane {
    segment: Arc<Segment>,
    /// Where those end that may pass; the last one before it passes.
    end: usize,
    /// Where they begin.
    start: usize,
}

impl Lane {
    fn new(segment: Arc<Segment>, filter: &Filter) -> Self {
        let mut lane = Self { start: 0, end: 0, segment };
        if let Segment::Runs(runs) = &*lane.segment {
            let (start, end) = ids(runs.drift, filter);
            let (start, end) = ((start.as_ref(), Bound::Unbounded), (Bound::Unbounded, end.as_ref()));
            lane.start = runs.all.partition_point(|run| !start.contains(&&run.id));
            lane.end = runs.all.partition_point(|run| end.contains(&&run.id));
        }
        lane.settle(filter);
        lane
    }

    fn next(&self) -> Option<&Arc<Summary>> {
        let Segment::Runs(runs) = &*self.segment else { return None };
        runs.all.get(self.start..self.end)?.last()
    }

    /// Goes on to the next run that passes.
    fn settle(&mut self, filter: &Filter) {
        while self.next().is_some_and(|run| !filter.passes_summary(run)) {
            self.end -= 1;
        }
    }

    fn take(&mut self, filter: &Filter) -> Option<Arc<Summary>> {
        let run = self.next()?.clone();
        self.end -= 1;
        self.settle(filter);
        Some(run)
    }
}

/// In the order of their next runs.
impl Ord for Lane {
    fn cmp(&self, other: &Self) -> Ordering {
        self.next().map(|run| &run.id).cmp(&other.next().map(|run| &run.id))
    }
}

impl PartialOrd for Lane {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Lane {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Lane {}

/// Heads of one segment of heads that may pass, from the youngest on.
struct Heads {
    segment: Arc<Segment>,
    /// How many are still ahead; the last of these may pass.
    ahead: usize,
}

impl Heads {
    fn new(segment: Arc<Segment>, filter: &Filter) -> Self {
        let mut heads = Self { ahead: 0, segment };
        heads.ahead = heads.all().len();
        heads.settle(filter);
        heads
    }

    fn all(&self) -> &[Arc<Head>] {
        match &*self.segment {
            Segment::Heads(heads) => heads,
            Segment::Runs(_) => &[],
        }
    }

    fn next(&self) -> Option<&Arc<Head>> {
        self.all().get(..self.ahead)?.last()
    }

    fn newest(&self) -> Option<&JobRunId> {
        self.next().map(|head| &head.newest)
    }

    fn settle(&mut self, filter: &Filter) {
        while self.next().is_some_and(|head| !filter.may_pass(head)) {
            self.ahead -= 1;
        }
    }

    fn take(&mut self, filter: &Filter) -> Option<Arc<Head>> {
        let head = self.next()?.clone();
        self.ahead -= 1;
        self.settle(filter);
        Some(head)
    }
}

/// Segments of one class that were not read yet and may hold what passes, from the youngest on: those that the state
/// names, and those that were found in segments of heads.
struct Stack<'a> {
    rest: Box<dyn Iterator<Item = &'a Arc<Head>> + Send + 'a>,
    named: Option<&'a Arc<Head>>,
    found: Vec<Heads>,
}

impl<'a> Stack<'a> {
    fn new(mut rest: Box<dyn Iterator<Item = &'a Arc<Head>> + Send + 'a>) -> Self {
        Self { named: rest.next(), rest, found: Vec::new() }
    }

    fn newest(&self) -> Option<&JobRunId> {
        self.found.iter().filter_map(Heads::newest).max().max(self.named.map(|head| &head.newest))
    }

    fn take(&mut self, filter: &Filter) -> Option<Arc<Head>> {
        let found = self.found.iter_mut().max_by(|a, b| a.newest().cmp(&b.newest()));
        let found = found.filter(|found| found.newest() > self.named.map(|head| &head.newest));
        match found {
            Some(found) => found.take(filter),
            None => std::mem::replace(&mut self.named, self.rest.next()).cloned(),
        }
    }
}

/// Where the list goes on: one lane for the state and each segment that was read, and one stack for each class.
struct Frontier<'a> {
    filter: &'a Filter,
    lanes: BinaryHeap<Lane>,
    stacks: Vec<Stack<'a>>,
}

impl<'a> Frontier<'a> {
    fn new(history: &'a History, filter: &'a Filter, limit: usize) -> Self {
        let classes = history.heads.youngest_first().filter(|(class, _)| filter.passes_class(class));
        let may_pass = |head: &&Arc<Head>| filter.may_pass(head);
        let stacks = classes.map(|(_, heads)| Stack::new(Box::new(heads.filter(may_pass)))).collect();
        let mut frontier = Self { filter, lanes: BinaryHeap::new(), stacks };
        let recent = Runs { all: recent(history, filter, limit), drift: Drift::Unbounded };
        frontier.lane(Segment::Runs(recent).into());
        frontier
    }

    fn lane(&mut self, segment: Arc<Segment>) {
        let lane = Lane::new(segment, self.filter);
        if lane.next().is_some() {
            self.lanes.push(lane);
        }
    }

    fn take_in(&mut self, stack: usize, segment: Arc<Segment>) {
        match &*segment {
            Segment::Runs(_) => self.lane(segment),
            Segment::Heads(_) => self.stacks[stack].found.push(Heads::new(segment, self.filter)),
        }
    }

    /// The next run, if it is not older than a run that an unread segment may hold.
    fn next_run(&mut self, hidden: Option<&JobRunId>) -> Option<Arc<Summary>> {
        let mut lane = self.lanes.peek_mut()?;
        if lane.next().is_some_and(|run| hidden > Some(&run.id)) {
            return None;
        }
        let run = lane.take(self.filter);
        if lane.next().is_none() {
            PeekMut::pop(lane);
        }
        run
    }

    /// The youngest run that an unread segment may hold.
    fn hidden(&self) -> Option<JobRunId> {
        self.stacks.iter().filter_map(Stack::newest).max().cloned()
    }

    /// Segments to be read next, with their stacks: the first of each class that may be as young as what is known.
    fn next_heads(&mut self) -> Vec<(usize, Arc<Head>)> {
        let known = self.lanes.peek().and_then(|lane| lane.next().map(|run| &run.id));
        let stacks = self.stacks.iter_mut().enumerate().filter(|(_, stack)| stack.newest() >= known);
        stacks.filter_map(|(place, stack)| Some((place, stack.take(self.filter)?))).collect()
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
    let mut frontier = Frontier::new(history, filter, limit);
    let mut found = Vec::new();
    loop {
        let hidden = frontier.hidden();
        while found.len() < limit
            && let Some(run) = frontier.next_run(hidden.as_ref())
        {
            found.push(run);
        }
        let heads = if found.len() < limit { frontier.next_heads() } else { Vec::new() };
        if heads.is_empty() {
            return Ok(found);
        }
        let loads = heads.iter().map(|(_, head)| segments.load(store, application, &head.name));
        for ((stack, _), segment) in heads.iter().zip(try_join_all(loads).await?) {
            frontier.take_in(*stack, segment);
        }
    }
}

/// Up to `limit` runs of the state that pass, oldest first.
fn recent(history: &History, filter: &Filter, limit: usize) -> Vec<Arc<Summary>> {
    let (start, end) = ids(history.recent.drift(), filter);
    if let (Bound::Included(start), Bound::Excluded(end)) = (&start, &end)
        && start >= end
    {
        return Vec::new();
    }
    let passing = history.recent.range((start, end)).rev().filter(|(_, run)| filter.passes_summary(run));
    let mut recent: Vec<_> = passing.take(limit).map(|(_, run)| run.clone()).collect();
    recent.reverse();
    recent
}

/// Ids between which all runs lie that pass.
fn ids(drift: Drift, filter: &Filter) -> (Bound<JobRunId>, Bound<JobRunId>) {
    let (start, end) = drift.ids(filter.from, filter.to);
    let end = match (end, &filter.before) {
        (Bound::Excluded(end), Some(before)) => Bound::Excluded(end.min(before.clone())),
        (end, None) => end,
        (_, Some(before)) => Bound::Excluded(before.clone()),
    };
    (start, end)
}
