//! The cluster behind its lock, and who is woken when it changes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use firesteel_pods::{Call, Changed, Cluster, Reply, Settings, Wanted, Watch};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::clock::Clock;

/// What connections, streams and the owner of the API share.
pub(super) struct Shared {
    cluster: Mutex<Cluster>,
    clock: Clock,
    token: String,
    wanted: watch::Sender<Wanted>,
    /// Counts changes of the event log.
    events: watch::Sender<u64>,
    /// The time to wake at may be another.
    rescheduled: Notify,
    pub(super) stop: CancellationToken,
}

impl fmt::Debug for Shared {
    /// Without the token and the state, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(token: String, settings: Settings) -> Self {
        Self {
            cluster: Mutex::new(Cluster::new(settings)),
            clock: Clock::start(),
            token,
            wanted: watch::Sender::new(Wanted::default()),
            events: watch::Sender::new(0),
            rescheduled: Notify::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Whether an `Authorization` header carries the run's token; takes as long whichever byte differs.
    pub(super) fn admits(&self, authorization: Option<&[u8]>) -> bool {
        let token = self.token.as_bytes();
        let given = authorization.and_then(|header| header.strip_prefix(b"Bearer "));
        given.is_some_and(|given| {
            given.len() == token.len()
                && given.iter().zip(token).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
        })
    }

    pub(super) fn handle(&self, call: &Call<'_>) -> Reply {
        self.locked(|cluster, now| {
            let reply = cluster.handle(call, now);
            (reply.effects, reply)
        })
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Cluster, u64) -> Changed) {
        self.locked(|cluster, now| (change(cluster, now), ()));
    }

    pub(super) fn wanted(&self) -> watch::Receiver<Wanted> {
        self.wanted.subscribe()
    }

    pub(super) fn events(&self) -> watch::Receiver<u64> {
        self.events.subscribe()
    }

    pub(super) fn follow(&self, watch: &mut Watch) -> Vec<String> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner).follow(watch)
    }

    pub(super) fn bookmark(&self, watch: &Watch) -> String {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner).bookmark(watch)
    }

    /// Runs `act` under the lock and wakes whom it concerns before the lock is free, so that the wanted set is
    /// published in the order of its versions.
    fn locked<T>(&self, act: impl FnOnce(&mut Cluster, u64) -> (Changed, T)) -> T {
        let mut cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner);
        let wake_at = cluster.wake_at();
        let (changed, result) = act(&mut cluster, self.clock.now_ms());
        if changed.events {
            self.events.send_modify(|count| *count += 1);
        }
        if changed.wanted {
            self.wanted.send_replace(cluster.wanted().clone());
        }
        if cluster.wake_at() != wake_at {
            self.rescheduled.notify_one();
        }
        result
    }

    fn wake_at(&self) -> Option<u64> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner).wake_at()
    }
}

/// Lets the cluster's time pass whenever it asks for it.
pub(super) async fn keep_time(shared: Arc<Shared>) {
    loop {
        match shared.wake_at() {
            None => shared.rescheduled.notified().await,
            Some(at) => {
                tokio::select! {
                    () = shared.rescheduled.notified() => {}
                    () = tokio::time::sleep(shared.clock.until(at)) => {
                        shared.change(|cluster, now| cluster.tick(now));
                    }
                }
            }
        }
    }
}
