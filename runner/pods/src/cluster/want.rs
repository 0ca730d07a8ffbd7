//! Which executors are wanted, derived afresh from the pods after every change.

use super::Cluster;
use crate::object::{Entry, Key, Pod, Stage};
use crate::wanted::{WantedExecutor, WantedState};

impl Cluster {
    /// Derives the wanted set at `now`; its version rises if it became another.
    pub(super) fn refresh(&mut self, now: u64) {
        self.complete_launches();
        self.note_survivors(now);
        let hopeless = self.backoff.hopeless().filter(|_| !self.live_pods().any(|pod| pod.survived));
        let admits = hopeless.is_none() && now >= self.backoff.until();
        for pod in self.objects.values_mut().filter_map(|entry| entry.pod.as_mut()) {
            if admits && pod.launch.is_some() {
                pod.shown_at.get_or_insert(now);
            }
        }
        let mut pods: Vec<&Pod> = self.live_pods().filter(|pod| pod.shown_at.is_some()).collect();
        pods.sort_by_key(|pod| pod.number);
        let executors: Vec<WantedExecutor> = pods.into_iter().filter_map(wanted).collect();
        if executors != self.wanted.executors || hopeless != self.wanted.hopeless {
            self.wanted.version += 1;
            self.wanted.executors = executors;
            self.wanted.hopeless = hopeless;
        }
        self.wake_at = self.next_wake(now);
    }

    /// Pods that waited for their config map get their launch once it is there.
    fn complete_launches(&mut self) {
        let waiting = |entry: &Entry| entry.pod.as_ref().is_some_and(|pod| pod.launch.is_none());
        let keys: Vec<Key> =
            self.objects.iter().filter(|(_, entry)| waiting(entry)).map(|(key, _)| key.clone()).collect();
        for key in keys {
            let launch = self.get(&key).and_then(|object| self.launch_of(&object)).ok().flatten();
            if let Some(pod) = self.objects.get_mut(&key).and_then(|entry| entry.pod.as_mut()) {
                pod.launch = launch;
            }
        }
    }

    fn note_survivors(&mut self, now: u64) {
        let startup_ms = self.backoff.limits().startup_ms;
        let mut survivors = false;
        for pod in self.objects.values_mut().filter_map(|entry| entry.pod.as_mut()) {
            if let Stage::Running { since, .. } = pod.stage
                && !pod.survived
                && now >= since.saturating_add(startup_ms)
            {
                pod.survived = true;
                survivors = true;
            }
        }
        if survivors {
            self.backoff.survived();
        }
    }

    /// The end of a delay that holds executors back, or the next survival that would forget the failures.
    fn next_wake(&self, now: u64) -> Option<u64> {
        let held = self.live_pods().any(|pod| pod.shown_at.is_none() && pod.launch.is_some());
        let release = (held && self.backoff.until() > now).then(|| self.backoff.until());
        let startup_ms = self.backoff.limits().startup_ms;
        let survivals = self.live_pods().filter_map(|pod| match pod.stage {
            Stage::Running { since, .. } if !pod.survived => Some(since.saturating_add(startup_ms)),
            _ => None,
        });
        survivals.filter(|_| self.backoff.is_counting()).chain(release).min()
    }

    fn live_pods(&self) -> impl Iterator<Item = &Pod> {
        self.objects.values().filter_map(|entry| entry.pod.as_ref()).filter(|pod| pod.stage != Stage::Ended)
    }
}

fn wanted(pod: &Pod) -> Option<WantedExecutor> {
    let launch = pod.launch.clone()?;
    let state = match pod.stopping {
        None => WantedState::Running,
        Some(stopping) => {
            WantedState::Stopping { grace_ms: stopping.grace_ms, decommission: pod.end.decommission }
        }
    };
    Some(WantedExecutor {
        uid: pod.uid.clone(),
        pod_name: launch.pod.pod_name.clone(),
        executor_id: launch.pod.executor_id.clone(),
        cpu_millis: pod.needs.cpu_millis,
        memory_bytes: pod.needs.memory_bytes,
        state,
        launch,
    })
}
