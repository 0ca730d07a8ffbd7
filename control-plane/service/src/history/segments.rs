//! Segments that were read lately, over all applications. They never change, so that nothing here is ever out of date.

use super::HistoryError;
use super::segment::{self, Segment};
use firesteel_journal::{Store, segments};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Segments that are kept in memory; one of a thousand runs takes about 300 KiB.
const KEPT: usize = 32;

/// Reads segments and keeps some.
#[derive(Default)]
pub struct Segments {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_name: BTreeMap<String, Arc<Segment>>,
    oldest_first: VecDeque<String>,
}

impl Segments {
    /// The segment with this name.
    pub async fn load(
        &self,
        store: &dyn Store,
        application: &str,
        name: &str,
    ) -> Result<Arc<Segment>, HistoryError> {
        if let Some(known) = self.kept().by_name.get(name).cloned() {
            return Ok(known);
        }
        let body = segments::load_segment(store, application, name).await?;
        let unclear = |error| HistoryError::Format(format!("segment {name}"), error);
        let segment = Arc::new(segment::decode(&body).map_err(unclear)?);
        self.keep(name, &segment);
        Ok(segment)
    }

    fn keep(&self, name: &str, segment: &Arc<Segment>) {
        let mut kept = self.kept();
        if kept.by_name.insert(name.to_owned(), segment.clone()).is_none() {
            kept.oldest_first.push_back(name.to_owned());
        }
        if kept.oldest_first.len() > KEPT
            && let Some(oldest) = kept.oldest_first.pop_front()
        {
            kept.by_name.remove(&oldest);
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
