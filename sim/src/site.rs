//! A site: a host and its ways to the rest of the world. It can die with all that lives on it, and it can be cut off from
//! everything but itself and come back.

use firesteel_substrate::imagined::Imagined;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A host and its ways.
pub struct Site {
    /// The host.
    pub host: Imagined,
    ways: Mutex<Ways>,
}

#[derive(Default)]
struct Ways {
    down: bool,
    cut: bool,
    deaths: u32,
}

impl Site {
    /// A host that is there and reached.
    pub fn new(host: Imagined) -> Arc<Self> {
        Arc::new(Self { host, ways: Mutex::default() })
    }

    /// Its power fails: whatever ran on it is dead. Its disks are kept.
    pub fn fall(&self) {
        {
            let mut ways = self.ways();
            ways.down = true;
            ways.deaths += 1;
        }
        self.host.fall();
    }

    /// It has power again; nothing runs on it yet.
    pub fn rise(&self) {
        self.ways().down = false;
    }

    /// Cuts it off from the store, from other hosts and from callers, or joins it again.
    pub fn set_cut(&self, cut: bool) {
        self.ways().cut = cut;
    }

    /// True while it has power.
    pub fn is_up(&self) -> bool {
        !self.ways().down
    }

    /// True while something on it can speak to the store and to callers.
    pub fn reaches_out(&self) -> bool {
        let ways = self.ways();
        !ways.down && !ways.cut
    }

    /// True while something here can speak to something there.
    pub fn reaches(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) && self.is_up() || self.reaches_out() && other.reaches_out()
    }

    /// How often its power has failed.
    pub fn deaths(&self) -> u32 {
        self.ways().deaths
    }

    fn ways(&self) -> MutexGuard<'_, Ways> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
