//! The tick: look → decide → plan → act, for one application after a change and when its time has come.
//!
//! A hint wakes it and never tells it what to do: everything is derived from committed state and what is seen.

mod act;
mod archive;
mod collect;
mod lost_hosts;
mod room;
mod strangers;
mod tick;

use crate::applications::{Applications, now};
use crate::home::{Home, application};
use crate::ports::Parts;
use firesteel_core::quota::Amounts;
use firesteel_core::time::Millis;
use room::Gate;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use room::{Admitting, room_without_admission};

/// Longest sleep between two ticks of one application.
const LONGEST_SLEEP: Duration = Duration::from_secs(20);
/// The same while another control plane looks after it: that may be lost. Less than the minute after which a journal must list.
const LONGEST_ABSENCE: Duration = Duration::from_secs(50);
/// Longest pause after a tick in which hints are not yet heard.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// Sleep after a tick that failed.
const SLEEP_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What ticks.
pub struct Engine {
    pub(crate) parts: Parts,
    pub(crate) applications: Arc<Applications>,
    pub(crate) gate: Gate,
    ending: AtomicBool,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Engine {
    /// An engine that does nothing yet.
    pub fn new(parts: Parts, applications: Arc<Applications>) -> Arc<Self> {
        let gate = Gate::new(&parts);
        Arc::new(Self {
            parts,
            applications,
            gate,
            ending: AtomicBool::new(false),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    /// Ticks every home that comes out of `opened`, and watches for strangers on this host.
    pub fn run(self: &Arc<Self>, mut opened: mpsc::UnboundedReceiver<Arc<Home>>) {
        let engine = self.clone();
        self.spawn(async move {
            while let Some(home) = opened.recv().await {
                engine.spawn(engine.clone().tick_forever(home));
            }
        });
        self.spawn(self.clone().listen_to_the_host());
        self.spawn(self.clone().watch_for_strangers());
    }

    /// No driver is admitted from here on: this host's workers are ending.
    pub fn admit_no_more(&self) {
        self.ending.store(true, Ordering::SeqCst);
    }

    fn admits(&self) -> bool {
        !self.ending.load(Ordering::SeqCst)
    }

    /// Stops ticking; tasks under way are given up.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Runs a task until it ends or the engine stops.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = task => {}
            }
        });
    }

    async fn tick_forever(self: Arc<Self>, home: Arc<Home>) {
        let mut changed = home.journal.changed();
        loop {
            changed.mark_unchanged();
            let began = Instant::now();
            let sleep = match self.tick(&home).await {
                Ok(tick::Next::At(wake_at)) => self.until(&home, wake_at),
                Ok(tick::Next::Never) => return self.applications.forget(&home.id),
                Err(error) => {
                    tracing::warn!(application = %home.id, %error, "tick failed");
                    SLEEP_AFTER_FAILURE
                }
            };
            self.pack(&home);
            // A tick over many waiting runs costs something: under load it takes a third of a core at most.
            tokio::time::sleep(LONGEST_PAUSE.min(began.elapsed() * 2)).await;
            tokio::select! {
                biased;
                () = home.wake.notified() => {}
                closed = changed.changed() => if closed.is_err() { return },
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }

    fn until(&self, home: &Home, wake_at: Option<Millis>) -> Duration {
        let longest = if self.leaves_it_to_others(home) { LONGEST_ABSENCE } else { LONGEST_SLEEP };
        let Some(at) = wake_at else { return longest };
        let wait = at.since(now(&self.parts)).clamp(1, longest.as_millis() as i64);
        Duration::from_millis(wait as u64)
    }

    /// Another control plane looks after it, and it has nothing here that only this one can see. What it waits for comes with
    /// a hint: room on this host from this host, everything else through the registry.
    fn leaves_it_to_others(&self, home: &Home) -> bool {
        let (here, state) = (&self.gate.host().id, home.state());
        let lives_here =
            application(&state).workers.values().any(|worker| worker.is_live() && worker.host == *here);
        !lives_here && !self.parts.neighbours.looks_after(&home.id)
    }

    /// The registry says what is granted and who waits: an application that is granted nothing, holds nothing and waits for
    /// nothing has nothing to do with a change of it.
    fn is_concerned_by_the_registry(&self, home: &Home) -> bool {
        let (registry, state) = (self.applications.registry(), home.state());
        let (registry, app) = (&registry.state.0, application(&state));
        let is_deleted = registry.applications.get(&home.id).is_none_or(|known| known.deleted.is_some());
        let granted = registry.division.granted_to(&home.id);
        let has_some = granted.amounts != Amounts::default() || app.grant.amounts != Amounts::default();
        let is_behind = granted.version != app.grant.seen;
        let waits = app.runs.any_waits() || registry.division.wishes.contains_key(&home.id);
        is_deleted || has_some || is_behind || waits
    }

    /// A change on the host, in a runtime or in another application's use of it concerns everybody.
    async fn listen_to_the_host(self: Arc<Self>) {
        let mut registry = self.applications.registry_changed();
        loop {
            let only_the_registry = tokio::select! {
                biased;
                () = self.parts.substrate.changed() => false,
                () = self.parts.runtimes.changed() => false,
                () = self.gate.changed() => false,
                closed = registry.changed() => if closed.is_err() { return } else { true },
            };
            for home in self.applications.open_homes() {
                if !only_the_registry || self.is_concerned_by_the_registry(&home) {
                    home.wake.notify_one();
                }
            }
        }
    }
}
