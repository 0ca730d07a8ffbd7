//! What was seen of executors becomes what Spark sees of pods. Level-triggered: the same sighting twice is one.

use serde_json::Value;

use super::edit::mark_deleted;
use super::{Changed, Cluster};
use crate::backoff::{LastExit, Outcome};
use crate::log::Change;
use crate::object::{Key, Pod, Stage};
use crate::sighting::{Ended, Seen, Sighting, ended, pending, running};

impl Cluster {
    /// Takes in what was seen. Sightings of unknown pods, and those that would move a pod back, are ignored.
    pub fn observe(&mut self, sightings: &[Sighting], now: u64) -> Changed {
        let before = self.mark();
        for sighting in sightings {
            self.see(sighting, now);
        }
        self.refresh(now);
        self.changed_since(before)
    }

    fn see(&mut self, sighting: &Sighting, now: u64) {
        let Some(key) = self.pods.get(&sighting.uid).cloned() else { return };
        let Some((pod, object)) =
            self.objects.get(&key).and_then(|entry| Some((entry.pod.clone()?, &entry.object)))
        else {
            return;
        };
        let object = (**object).clone();
        match (&pod.stage, &sighting.seen) {
            (Stage::Pending { reason: known }, Seen::Pending { reason }) if known != reason => {
                let status = pending(reason);
                self.turn(&key, Stage::Pending { reason: reason.clone() }, object, status);
            }
            (Stage::Pending { .. }, Seen::Running { ip }) => {
                let status = running(&pod.container, ip, now);
                self.turn(&key, Stage::Running { since: now, ip: ip.clone() }, object, status);
            }
            (Stage::Running { since, ip: known }, Seen::Running { ip }) if known != ip => {
                let status = running(&pod.container, ip, *since);
                self.turn(&key, Stage::Running { since: *since, ip: ip.clone() }, object, status);
            }
            (Stage::Pending { .. } | Stage::Running { .. }, Seen::Ended(end)) => {
                self.end(&key, &pod, object, end, now)
            }
            _ => {}
        }
    }

    /// A pod ends: always a `MODIFIED` with its terminal phase; then `DELETED` if it was to be deleted or the platform
    /// ended it (Spark deletes the others itself).
    fn end(&mut self, key: &Key, pod: &Pod, mut object: Value, end: &Ended, now: u64) {
        let since = match pod.stage {
            Stage::Running { since, .. } => since,
            Stage::Pending { .. } | Stage::Ended => now,
        };
        let status = ended(&pod.container, &object["status"], since, end, now);
        let gone = pod.stopping.is_some() || end.by_platform();
        if end.by_platform() {
            mark_deleted(&mut object, 0, now);
        }
        self.turn(key, Stage::Ended, object, status);
        self.count(pod, end, since, now);
        if let (true, Ok(object)) = (gone, self.get(key)) {
            self.publish(Change::Deleted, key, object);
        }
    }

    fn turn(&mut self, key: &Key, stage: Stage, mut object: Value, status: Value) {
        object["status"] = status;
        self.publish(Change::Modified, key, object);
        if let Some(pod) = self.objects.get_mut(key).and_then(|entry| entry.pod.as_mut()) {
            pod.stage = stage;
        }
    }

    fn count(&mut self, pod: &Pod, end: &Ended, since: u64, now: u64) {
        match self.backoff.limits().outcome(now.saturating_sub(since), end, pod.stopping.is_some()) {
            Outcome::Survivor => self.backoff.survived(),
            Outcome::Neither => {}
            Outcome::Failure => {
                let executor = pod.launch.as_ref().map(|launch| launch.pod.clone());
                let last = LastExit {
                    uid: pod.uid.clone(),
                    pod_name: executor.as_ref().map(|executor| executor.pod_name.clone()).unwrap_or_default(),
                    executor_id: executor.map(|executor| executor.executor_id).unwrap_or_default(),
                    ended: end.clone(),
                };
                self.backoff.failed(pod.shown_at.unwrap_or(now), now, last);
            }
        }
    }
}
