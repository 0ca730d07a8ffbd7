//! Archived runs that were asked for lately, so that polling a fresh result does not read S3 each time. This room knows no
//! store.

use firesteel_core::id::JobRunId;
use firesteel_core::job_run::JobRun;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Runs that are remembered at most.
const RUNS: usize = 256;
/// Bytes that their requests take at most, the newest one aside: one may have a megabyte.
const BYTES: usize = 4 << 20;

/// The runs that came last.
#[derive(Default)]
pub struct Remembered {
    by_id: BTreeMap<JobRunId, Arc<JobRun>>,
    oldest_first: VecDeque<JobRunId>,
    bytes: usize,
}

impl Remembered {
    /// Takes a run in, in the place of what was known of it, and lets go of the oldest that have no room any more.
    pub fn insert(&mut self, run: Arc<JobRun>) {
        let id = run.request.id.clone();
        self.bytes += size(&run);
        match self.by_id.insert(id.clone(), run) {
            Some(before) => self.bytes -= size(&before),
            None => self.oldest_first.push_back(id),
        }
        while self.oldest_first.len() > 1 && (self.oldest_first.len() > RUNS || self.bytes > BYTES) {
            let oldest = self.oldest_first.pop_front();
            let gone = oldest.and_then(|oldest| self.by_id.remove(&oldest));
            self.bytes -= gone.map_or(0, |run| size(&run));
        }
    }

    /// A run that is still remembered.
    pub fn get(&self, id: &JobRunId) -> Option<Arc<JobRun>> {
        self.by_id.get(id).cloned()
    }
}

fn size(run: &JobRun) -> usize {
    run.request.body.as_str().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(id: &str, letters: usize) -> Arc<JobRun> {
        let size = json!({ "cpu": 1, "memory": 1, "disk": 20 });
        let needs = json!({ "driver": size, "driver_heap_mib": 1, "executor": size, "executor_heap_mib": 1, "wants_executors": true });
        let request = json!({
            "id": id, "token": id, "content": "", "name": null, "created_by": "", "execution_role": "", "mode": "BATCH",
            "timeout": null, "release": "emr-7.13.0", "needs": needs, "tags": {}, "body": "x".repeat(letters),
        });
        let used = json!({ "cpu": 0, "memory": 0, "disk": 0 });
        let run = json!({
            "request": request, "state": "SUCCESS", "state_details": "", "created": 0, "updated": 0, "attempts": [],
            "stop": null, "outcome": null, "ended": 0, "bill": { "total": used, "billed": used }, "logs_incomplete": false,
        });
        Arc::new(serde_json::from_value(run).expect("a run"))
    }

    fn known(remembered: &Remembered, count: usize) -> Vec<usize> {
        (0..count).filter(|n| remembered.get(&JobRunId::new(n.to_string())).is_some()).collect()
    }

    #[test]
    fn large_requests_do_not_fill_the_memory() {
        let mut remembered = Remembered::default();
        for n in 0..10 {
            remembered.insert(run(&n.to_string(), 1 << 20));
            remembered.insert(run(&n.to_string(), 1 << 20));
        }
        assert_eq!(known(&remembered, 10), [7, 8, 9], "two quotes more than four megabytes would be four");
        remembered.insert(run("0", 5 << 20));
        assert_eq!(known(&remembered, 10), [0], "the newest is always remembered");
        assert_eq!(remembered.bytes, (5 << 20) + 2);
    }

    #[test]
    fn small_ones_are_counted() {
        let mut remembered = Remembered::default();
        (0..RUNS + 10).for_each(|n| remembered.insert(run(&n.to_string(), 1)));
        assert_eq!(known(&remembered, RUNS + 10), (10..RUNS + 10).collect::<Vec<_>>());
    }
}
