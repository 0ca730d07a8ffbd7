//! Settled runs as the state knows them: the summaries of recent ones, and heads of the segments that hold the older.
//!
//! Segments are immutable and hold runs of one class, so that a filter by state or mode reads nothing else; heads are
//! packed like runs when there are many. So this value stays small whatever happened before. A run that settles long
//! after younger ones were packed lies in a segment of late ones: how many segments overlap at one moment is bounded
//! by how many runs were active at once. This room knows no store and no form of segments.

mod heads;
mod recent;

pub use heads::Heads;
pub use recent::{Drift, Recent};

use crate::id::JobRunId;
use crate::job_run::{JobRun, JobRunState};
use crate::time::Millis;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Runs that are packed together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Class {
    /// A terminal state.
    pub state: JobRunState,
    /// `BATCH` or `STREAMING`.
    pub mode: String,
}

/// What a list shows of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Id.
    pub id: JobRunId,
    /// Name, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// `BATCH` or `STREAMING`.
    pub mode: Arc<str>,
    /// Where it stands, or stood at last.
    pub state: JobRunState,
    /// Why, in words.
    pub state_details: Arc<str>,
    /// Acceptance.
    pub created: Millis,
    /// Last change.
    pub updated: Millis,
    /// ARN of the caller.
    pub created_by: Arc<str>,
    /// ARN of the execution role.
    pub execution_role: Arc<str>,
    /// Release label.
    pub release: Arc<str>,
    /// The newest attempt, from 1.
    pub attempt: u32,
    /// When it began.
    pub attempt_created: Millis,
    /// `flexExecution.enabled`, if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flex: Option<bool>,
}

impl Summary {
    /// Of a run.
    pub fn of(run: &JobRun) -> Self {
        let request = &run.request;
        Self {
            id: request.id.clone(),
            name: request.name.clone(),
            mode: request.mode.clone(),
            state: run.state,
            state_details: run.state_details.as_str().into(),
            created: run.created,
            updated: run.updated,
            created_by: request.created_by.clone(),
            execution_role: request.execution_role.clone(),
            release: request.release.text(),
            attempt: run.attempt_number(),
            attempt_created: run.attempt_created(run.attempt_number()),
            flex: request.flex,
        }
    }

    /// The class of a settled run.
    pub fn class(&self) -> Class {
        Class { state: self.state, mode: self.mode.to_string() }
    }
}

/// What a segment holds, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The object's name.
    pub name: String,
    /// Class of all its runs.
    pub class: Class,
    /// 0: it holds runs; else heads of the level below.
    pub level: u8,
    /// How many runs lie in it and below.
    pub runs: u64,
    /// The youngest run.
    pub newest: JobRunId,
    /// The oldest run.
    pub oldest: JobRunId,
    /// Creation time of the first run created.
    pub from: Millis,
    /// Creation time of the last run created.
    pub to: Millis,
}

/// Tags of an archived run that were changed after it had ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retagged {
    /// All its tags now.
    pub tags: Tags,
    /// Rises with every change of any archived run's tags in the application.
    pub version: u64,
}

/// When what is packed.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Recent runs are packed from this number on.
    pub recent: usize,
    /// The most runs of one segment.
    pub segment: usize,
    /// Heads of one class and level are packed from this number on, the older half of them.
    pub heads: usize,
    /// Changed tags of archived runs leave the state from this number on, half of them.
    pub retagged: usize,
}

/// The bounds in force.
pub const BOUNDS: Bounds = Bounds { recent: 2000, segment: 1000, heads: 100, retagged: 1000 };

/// What is to be packed into one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Pack {
    /// Runs of one class, oldest first.
    Runs(Vec<Arc<Summary>>),
    /// Heads of one class and level, oldest first.
    Heads(Vec<Arc<Head>>),
}

impl Pack {
    /// The head of the object `name` that holds this; none for a pack of nothing.
    pub fn head(&self, name: String) -> Option<Head> {
        match self {
            Self::Runs(runs) => Some(Head {
                name,
                class: runs.first()?.class(),
                level: 0,
                runs: runs.len() as u64,
                newest: runs.iter().map(|run| &run.id).max()?.clone(),
                oldest: runs.iter().map(|run| &run.id).min()?.clone(),
                from: runs.iter().map(|run| run.created).min()?,
                to: runs.iter().map(|run| run.created).max()?,
            }),
            Self::Heads(heads) => Some(Head {
                name,
                class: heads.first()?.class.clone(),
                level: heads.first()?.level + 1,
                runs: heads.iter().map(|head| head.runs).sum(),
                newest: heads.iter().map(|head| &head.newest).max()?.clone(),
                oldest: heads.iter().map(|head| &head.oldest).min()?.clone(),
                from: heads.iter().map(|head| head.from).min()?,
                to: heads.iter().map(|head| head.to).max()?,
            }),
        }
    }

    /// Names of what is packed: ids of runs, or names of segments.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Runs(runs) => runs.iter().map(|run| run.id.to_string()).collect(),
            Self::Heads(heads) => heads.iter().map(|head| head.name.clone()).collect(),
        }
    }
}

/// The settled runs of one application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Runs that are in no segment yet.
    #[serde(default)]
    pub recent: Recent,
    /// Segments that are in no segment of heads yet, by name.
    #[serde(default)]
    pub heads: Heads,
    /// Changed tags that have no object of their own yet.
    #[serde(default)]
    pub retagged: OrdMap<JobRunId, Retagged>,
    /// How often tags of archived runs were changed.
    #[serde(default)]
    pub tag_changes: u64,
    /// How often changed tags left the state.
    #[serde(default)]
    pub tag_moves: u64,
}

impl History {
    /// What is to be packed next.
    pub fn due(&self, bounds: &Bounds) -> Option<Pack> {
        self.due_runs(bounds).or_else(|| self.due_heads(bounds))
    }

    /// The oldest of the largest group. Late runs are a group of their own: they would stretch a segment over many.
    fn due_runs(&self, bounds: &Bounds) -> Option<Pack> {
        if self.recent.len() < bounds.recent.max(1) {
            return None;
        }
        let frontiers = self.frontiers();
        let mut groups: BTreeMap<_, Vec<&Arc<Summary>>> = BTreeMap::new();
        for run in self.recent.values() {
            let class = (run.state, &*run.mode);
            let late = frontiers.get(&class).is_some_and(|frontier| run.id < **frontier);
            groups.entry((class, late)).or_default().push(run);
        }
        let largest = groups.into_values().max_by_key(Vec::len)?;
        Some(Pack::Runs(largest.into_iter().take(bounds.segment.max(1)).cloned().collect()))
    }

    fn due_heads(&self, bounds: &Bounds) -> Option<Pack> {
        if self.heads.len() < bounds.heads.max(2) {
            return None;
        }
        let mut groups: BTreeMap<(&Class, u8), Vec<&Arc<Head>>> = BTreeMap::new();
        for head in self.heads.values() {
            groups.entry((&head.class, head.level)).or_default().push(head);
        }
        let mut largest = groups.into_values().max_by_key(Vec::len)?;
        if largest.len() < bounds.heads.max(2) {
            return None;
        }
        largest.sort_by(|a, b| a.newest.cmp(&b.newest));
        Some(Pack::Heads(largest.iter().take(largest.len() / 2).map(|head| (*head).clone()).collect()))
    }

    /// The youngest packed run of each class.
    fn frontiers(&self) -> BTreeMap<(JobRunState, &str), &JobRunId> {
        let mut found = BTreeMap::new();
        for head in self.heads.values() {
            let class = (head.class.state, head.class.mode.as_str());
            let frontier = found.entry(class).or_insert(&head.newest);
            *frontier = (*frontier).max(&head.newest);
        }
        found
    }

    /// True if all of this still waits to be packed.
    pub fn waits(&self, level: u8, names: &[String]) -> bool {
        let distinct: BTreeSet<&String> = names.iter().collect();
        distinct.len() == names.len()
            && names.iter().all(|name| match level {
                0 => self.recent.contains_key(&JobRunId::new(name.as_str())),
                _ => self.heads.get(name).is_some_and(|head| head.level + 1 == level),
            })
    }

    /// Changed tags that are to leave the state: oldest change first.
    pub fn due_tags(&self, bounds: &Bounds) -> Vec<(JobRunId, Retagged)> {
        if self.retagged.len() < bounds.retagged.max(1) {
            return Vec::new();
        }
        let mut all: Vec<_> = self.retagged.iter().map(|(id, tags)| (id.clone(), tags.clone())).collect();
        all.sort_by_key(|(_, tags)| tags.version);
        all.truncate(all.len().div_ceil(2));
        all
    }

    /// How many settled runs there are.
    pub fn runs(&self) -> u64 {
        self.recent.len() as u64 + self.heads.values().map(|head| head.runs).sum::<u64>()
    }

    pub(crate) fn settled(&mut self, run: &JobRun) {
        self.recent.insert(Arc::new(Summary::of(run)));
    }

    /// Folds a packing in.
    pub fn packed(&mut self, head: &Head, names: &[String]) {
        for name in names {
            match head.level {
                0 => self.recent.remove(&JobRunId::new(name.as_str())),
                _ => self.heads.remove(name),
            }
        }
        self.heads.insert(Arc::new(head.clone()));
    }

    pub(crate) fn retag(&mut self, run: &JobRunId, tags: &Tags) {
        self.tag_changes += 1;
        let retagged = Retagged { tags: tags.clone(), version: self.tag_changes };
        self.retagged.insert(run.clone(), retagged);
    }

    /// Those of `moved` whose tags have not changed since.
    pub(crate) fn unchanged(&self, moved: &[(JobRunId, u64)]) -> Vec<(JobRunId, u64)> {
        let same = |(id, version): &&(JobRunId, u64)| {
            self.retagged.get(id).is_some_and(|known| known.version == *version)
        };
        moved.iter().filter(same).cloned().collect()
    }

    pub(crate) fn tags_moved(&mut self, moved: &[(JobRunId, u64)]) {
        for (id, _) in self.unchanged(moved) {
            self.retagged.remove(&id);
        }
        self.tag_moves += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Bounds = Bounds { recent: 6, segment: 4, heads: 4, retagged: 4 };

    fn run(n: u64, state: JobRunState) -> Arc<Summary> {
        Arc::new(Summary {
            id: JobRunId::new(format!("{n:04}")),
            name: None,
            mode: "BATCH".into(),
            state,
            state_details: "".into(),
            created: Millis(n as i64),
            updated: Millis(n as i64),
            created_by: "".into(),
            execution_role: "".into(),
            release: "".into(),
            attempt: 1,
            attempt_created: Millis(n as i64),
            flex: None,
        })
    }

    fn settle(history: &mut History, n: u64, state: JobRunState) {
        history.recent.insert(run(n, state));
    }

    fn pack(history: &mut History) -> Vec<String> {
        let due = history.due(&SMALL).expect("something is due");
        let head =
            due.head(format!("{}-{}", history.heads.len(), due.names()[0])).expect("it holds something");
        assert!(history.waits(head.level, &due.names()));
        history.packed(&head, &due.names());
        assert!(!history.waits(head.level, &due.names()), "once only");
        due.names()
    }

    #[test]
    fn the_oldest_of_the_largest_class_are_packed() {
        let mut history = History::default();
        for n in 0..5 {
            settle(&mut history, n, JobRunState::Success);
        }
        assert_eq!(history.due(&SMALL), None);
        settle(&mut history, 5, JobRunState::Failed);
        assert_eq!(pack(&mut history), ["0000", "0001", "0002", "0003"]);
        assert_eq!(history.due(&SMALL), None);
        assert_eq!(history.runs(), 6);
    }

    #[test]
    fn late_runs_do_not_stretch_a_segment() {
        let mut history = History::default();
        for n in 100..106 {
            settle(&mut history, n, JobRunState::Success);
        }
        pack(&mut history);
        for n in [1, 110, 111, 112] {
            settle(&mut history, n, JobRunState::Success);
        }
        assert_eq!(pack(&mut history), ["0104", "0105", "0110", "0111"]);
        let oldest: Vec<_> = history.heads.values().map(|head| head.oldest.as_str()).collect();
        assert!(!oldest.contains(&"0001"));
        for n in [2, 3, 4, 5] {
            settle(&mut history, n, JobRunState::Success);
        }
        assert_eq!(pack(&mut history), ["0001", "0002", "0003", "0004"], "late ones by themselves");
    }

    #[test]
    fn the_state_stays_small_whatever_was_settled() {
        let (mut history, mut most) = (History::default(), 0);
        for n in 0..3000 {
            let state = if n % 3 == 0 { JobRunState::Failed } else { JobRunState::Success };
            settle(&mut history, n, state);
            while history.due(&SMALL).is_some() {
                pack(&mut history);
            }
            most = most.max(history.heads.len());
        }
        assert_eq!(history.runs(), 3000);
        assert!(history.recent.len() < SMALL.recent);
        assert!(most < 50, "{most} heads");
    }

    #[test]
    fn tags_leave_only_as_they_were_seen() {
        let mut history = History::default();
        let tags = |value: &str| Tags::from([("k".to_owned(), value.to_owned())]);
        for n in 0..4 {
            history.retag(&JobRunId::new(format!("r{n}")), &tags("a"));
        }
        let due: Vec<_> = history.due_tags(&SMALL).iter().map(|(id, t)| (id.clone(), t.version)).collect();
        assert_eq!(due, [(JobRunId::new("r0"), 1), (JobRunId::new("r1"), 2)]);
        history.retag(&JobRunId::new("r0"), &tags("b"));
        history.retag(&JobRunId::new("r0"), &tags("a"));
        assert_eq!(
            history.unchanged(&due),
            [(JobRunId::new("r1"), 2)],
            "the same tags again are another change"
        );
        history.tags_moved(&due);
        assert_eq!(history.retagged.len(), 3);
        assert_eq!(history.retagged[&JobRunId::new("r0")].version, 6);
    }
}
