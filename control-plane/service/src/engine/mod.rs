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

use crate::applications::Applications;
use crate::home::Home;
use crate::ports::Parts;
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
                Ok(tick::Next::At(wake_at)) => self.until(wake_at),
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

    fn until(&self, wake_at: Option<firesteel_core::time::Millis>) -> Duration {
        let Some(at) = wake_at else { return LONGEST_SLEEP };
        let wait = at.since(crate::applications::now(&self.parts)).clamp(1, LONGEST_SLEEP.as_millis() as i64);
        Duration::from_millis(wait as u64)
    }

    /// A change on the host, in a runtime or in another application's use of it concerns everybody.
    async fn listen_to_the_host(self: Arc<Self>) {
        let mut registry = self.applications.registry_changed();
        loop {
            tokio::select! {
                biased;
                () = self.parts.substrate.changed() => {}
                () = self.parts.runtimes.changed() => {}
                () = self.gate.changed() => {}
                closed = registry.changed() => if closed.is_err() { return },
            }
            for home in self.applications.open_homes() {
                home.wake.notify_one();
            }
        }
    }
}
