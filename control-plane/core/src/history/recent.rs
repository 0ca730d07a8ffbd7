//! Summaries in the order of their ids, and how far their times lie from those that the ids say: a question about a time
//! then looks at the ids that can answer it and no others. This room decides nothing.

use super::Summary;
use crate::id::{self, JobRunId};
use crate::time::Millis;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use std::ops::{Bound, Deref};
use std::sync::Arc;

type ById = OrdMap<JobRunId, Arc<Summary>>;

/// Between which milliseconds creation lies after the time in the id. Runs only widen it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drift {
    /// Of no run.
    #[default]
    Unknown,
    /// From and to.
    Within(i64, i64),
    /// An id says no time.
    Unbounded,
}

impl Drift {
    /// Of these runs.
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a Arc<Summary>>) -> Self {
        let mut drift = Self::Unknown;
        runs.into_iter().for_each(|run| drift.note(run));
        drift
    }

    fn note(&mut self, run: &Summary) {
        let Some(minted) = id::created_at(run.id.as_str()) else { return *self = Self::Unbounded };
        let by = run.created.0.saturating_sub(minted.0);
        *self = match *self {
            Self::Unknown => Self::Within(by, by),
            Self::Within(least, most) => Self::Within(least.min(by), most.max(by)),
            Self::Unbounded => Self::Unbounded,
        };
    }

    /// Ids between which every run lies that was created from `from` to `to`.
    pub fn ids(self, from: Option<Millis>, to: Option<Millis>) -> (Bound<JobRunId>, Bound<JobRunId>) {
        let Self::Within(least, most) = self else { return (Bound::Unbounded, Bound::Unbounded) };
        let first_of = |at: Option<Millis>, drift: i64| {
            // Outside of these an id does not say its time in full.
            let at = at?.0.checked_sub(drift)?;
            (0..id::END).contains(&at).then(|| JobRunId::new(id::mint(Millis(at), 0)))
        };
        let end = to.and_then(|to| to.0.checked_add(1)).map(Millis);
        (
            first_of(from, most).map_or(Bound::Unbounded, Bound::Included),
            first_of(end, least).map_or(Bound::Unbounded, Bound::Excluded),
        )
    }
}

/// Summaries. Reads like the map from id to summary; the drift follows every change and is not stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "ById", into = "ById")]
pub struct Recent {
    by_id: ById,
    drift: Drift,
}

/// What was taken out may have left its mark on the drift.
impl PartialEq for Recent {
    fn eq(&self, other: &Self) -> bool {
        self.by_id == other.by_id
    }
}

impl Deref for Recent {
    type Target = ById;

    fn deref(&self) -> &ById {
        &self.by_id
    }
}

impl From<ById> for Recent {
    fn from(by_id: ById) -> Self {
        Self { drift: Drift::of(by_id.values()), by_id }
    }
}

impl From<Recent> for ById {
    fn from(recent: Recent) -> Self {
        recent.by_id
    }
}

impl Recent {
    /// The drift of all that are or were here.
    pub fn drift(&self) -> Drift {
        self.drift
    }

    /// Takes a summary in.
    pub fn insert(&mut self, run: Arc<Summary>) {
        self.drift.note(&run);
        self.by_id.insert(run.id.clone(), run);
    }

    /// Takes a summary out.
    pub fn remove(&mut self, id: &JobRunId) {
        self.by_id.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job_run::JobRunState;
    use proptest::prelude::*;
    use std::ops::RangeBounds;

    fn run(id: String, created: i64) -> Arc<Summary> {
        Arc::new(Summary {
            id: JobRunId::new(id),
            name: None,
            mode: "BATCH".into(),
            state: JobRunState::Success,
            state_details: "".into(),
            created: Millis(created),
            updated: Millis(created),
            created_by: "".into(),
            execution_role: "".into(),
            release: "".into(),
            attempt: 1,
            attempt_created: Millis(created),
            flex: None,
        })
    }

    proptest! {
        #[test]
        fn no_run_of_the_time_lies_outside_of_the_ids(
            runs in prop::collection::vec((0i64..2000, -300i64..300, 0u64..50), 0..40),
            from in prop::option::of(-200i64..2400),
            to in prop::option::of(-200i64..2400),
            foreign: bool,
        ) {
            let mut recent = Recent::default();
            for (minted, by, chance) in runs {
                recent.insert(run(id::mint(Millis(minted), chance), minted + by));
            }
            let again = Recent::from(ById::from(recent.clone()));
            let passes = |at: i64| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at <= to);
            for recent in [&recent, &again] {
                let bounds = recent.drift().ids(from.map(Millis), to.map(Millis));
                for run in recent.values() {
                    prop_assert!(!passes(run.created.0) || bounds.contains(&run.id), "{run:?} {bounds:?}");
                }
            }
            if foreign {
                recent.insert(run("theirs".to_owned(), 7));
                prop_assert_eq!(recent.drift().ids(from.map(Millis), to.map(Millis)), (Bound::Unbounded, Bound::Unbounded));
            }
        }
    }

    #[test]
    fn runs_of_one_clock_are_found_by_their_ids_alone() {
        let mut recent = Recent::default();
        (0..100).for_each(|n| recent.insert(run(id::mint(Millis(1000 * n), 5), 1000 * n + n % 7)));
        let (start, end) = recent.drift().ids(Some(Millis(50_000)), Some(Millis(52_000)));
        let asked: Vec<_> = recent.range((start, end)).map(|(_, run)| run.created.0).collect();
        assert_eq!(asked, [50_001, 51_002, 52_003], "one more at the most");
    }
}
