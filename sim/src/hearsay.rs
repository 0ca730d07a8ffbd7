//! What control planes have told each other of hosts in their heartbeats, as it really stands in the store.

use std::time::Duration;
use tokio::time::Instant;

/// Nobody may be given up before nobody has told of its host for so long: a minute, less the time in which who heard it last
/// tells it once more.
const SILENCE: Duration = Duration::from_secs(45);
/// A decision that such a silence was the ground of may be committed so much later.
const UNDER_WAY: Duration = Duration::from_secs(60);

/// What was told of one host.
#[derive(Clone, Copy)]
pub struct Hearsay {
    last: Instant,
    /// When the last silence ended that was long enough.
    silent_until: Option<Instant>,
}

impl Hearsay {
    /// Nothing was told yet.
    pub fn new(origin: Instant) -> Self {
        Self { last: origin, silent_until: None }
    }

    /// A heartbeat tells that it is there.
    pub fn told(&mut self) {
        if self.last.elapsed() >= SILENCE {
            self.silent_until = Some(Instant::now());
        }
        self.last = Instant::now();
    }

    /// True if a control plane may just have found it lost.
    pub fn may_be_lost(&self) -> bool {
        let lately = self.silent_until.is_some_and(|until| until.elapsed() <= UNDER_WAY);
        self.last.elapsed() >= SILENCE || lately
    }
}
