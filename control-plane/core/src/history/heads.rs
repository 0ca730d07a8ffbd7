//! Heads of segments: by name, and of each class by age, so that a list looks at those that it shows and no more.
//! This room knows no segment and decides nothing.

use super::{Class, Head};
use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::ops::Deref;
use std::sync::Arc;

type ByName = OrdMap<String, Arc<Head>>;

/// Heads. Reads like the map from name to head; the order by age follows every change and is not stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "ByName", into = "ByName")]
pub struct Heads {
    by_name: ByName,
    by_age: OrdMap<Class, OrdSet<ByAge>>,
}

/// A head in the order of its youngest run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ByAge(Arc<Head>);

impl Ord for ByAge {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.0.newest, &self.0.name).cmp(&(&other.0.newest, &other.0.name))
    }
}

impl PartialOrd for ByAge {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Deref for Heads {
    type Target = ByName;

    fn deref(&self) -> &ByName {
        &self.by_name
    }
}

impl From<ByName> for Heads {
    fn from(by_name: ByName) -> Self {
        let mut heads = Self::default();
        by_name.into_iter().for_each(|(_, head)| heads.insert(head));
        heads
    }
}

impl From<Heads> for ByName {
    fn from(heads: Heads) -> Self {
        heads.by_name
    }
}

impl Heads {
    /// Each class that there is, and its heads from the youngest on.
    pub fn youngest_first(&self) -> impl Iterator<Item = (&Class, impl Iterator<Item = &Arc<Head>> + Send)> {
        self.by_age.iter().map(|(class, heads)| (class, heads.iter().rev().map(|ByAge(head)| head)))
    }

    /// Takes a head in, in the place of another of its name.
    pub fn insert(&mut self, head: Arc<Head>) {
        self.remove(&head.name);
        self.by_age.entry(head.class.clone()).or_default().insert(ByAge(head.clone()));
        self.by_name.insert(head.name.clone(), head);
    }

    /// Takes a head out.
    pub fn remove(&mut self, name: &str) {
        let Some(head) = self.by_name.remove(name) else { return };
        let class = head.class.clone();
        let left = self.by_age.get_mut(&class).is_some_and(|heads| {
            heads.remove(&ByAge(head));
            !heads.is_empty()
        });
        if !left {
            self.by_age.remove(&class);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::JobRunId;
    use crate::job_run::JobRunState;
    use crate::time::Millis;
    use proptest::prelude::*;

    fn head(name: u8, newest: u8) -> Arc<Head> {
        let mode = if name.is_multiple_of(3) { "STREAMING" } else { "BATCH" };
        let id = |n: u8| JobRunId::new(format!("{n:03}"));
        Arc::new(Head {
            name: name.to_string(),
            class: Class { state: JobRunState::Success, mode: mode.to_owned() },
            level: 0,
            runs: 1,
            newest: id(newest),
            oldest: id(0),
            from: Millis(0),
            to: Millis(0),
        })
    }

    proptest! {
        #[test]
        fn the_order_follows_every_change(steps in prop::collection::vec((0u8..12, prop::option::of(0u8..200)), 0..60)) {
            let mut heads = Heads::default();
            for (name, newest) in steps {
                match newest {
                    Some(newest) => heads.insert(head(name, newest)),
                    None => heads.remove(&name.to_string()),
                }
                let mut ordered: Vec<Arc<Head>> = Vec::new();
                for (class, of_class) in heads.youngest_first() {
                    let of_class: Vec<_> = of_class.cloned().collect();
                    prop_assert!(!of_class.is_empty() && of_class.iter().all(|head| head.class == *class));
                    prop_assert!(of_class.is_sorted_by(|a, b| a.newest >= b.newest));
                    ordered.extend(of_class);
                }
                ordered.sort_by(|a, b| a.name.cmp(&b.name));
                prop_assert_eq!(ordered, heads.values().cloned().collect::<Vec<_>>());
                let stored = serde_json::to_string(&heads).expect("JSON");
                prop_assert_eq!(serde_json::from_str::<Heads>(&stored).expect("read"), heads.clone());
            }
        }
    }
}
