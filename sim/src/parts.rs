//! The other parts of a control plane: its clock, its runtimes, roles, salvage and sweep, all imagined.

use crate::chance::Dice;
use crate::cord::Cord;
use crate::mistake::Mistake;
use crate::site::Site;
use crate::truth::{BEGINNING, Truth};
use async_trait::async_trait;
use firesteel_core::command::Runtime;
use firesteel_core::id::WorkerId;
use firesteel_core::release::ReleaseLabel;
use firesteel_core::time::MINUTE;
use firesteel_protocol::{Credentials, LogDestination, ObjectStore};
use firesteel_service::{Identities, Identity, Narrowing, RoleError, Roles, Runtimes, Salvage, Sweep, World};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The release that every host can run.
pub const POSSIBLE: &str = "emr-7.13.0";

/// The wall clock of one life, wrong by `skew` milliseconds, and its chance.
pub struct Clock {
    /// When the simulation began.
    pub origin: Instant,
    /// Milliseconds.
    pub skew: i64,
    /// Chance.
    pub dice: Mutex<Dice>,
}

impl firesteel_journal::Clock for Clock {
    fn now(&self) -> i64 {
        BEGINNING.0 + self.boot() + self.skew
    }

    fn boot(&self) -> i64 {
        i64::try_from(self.origin.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

impl World for Clock {
    fn chance(&self) -> u64 {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner).draw()
    }
}

/// Releases on one host: one is there after a while, every other is impossible.
pub struct Installed {
    ready: Arc<AtomicBool>,
    begun: AtomicBool,
    after: Duration,
    changed: Arc<Notify>,
}

impl Installed {
    /// A release takes `after` to install.
    pub fn new(after: Duration) -> Self {
        let (ready, begun) = (Arc::default(), AtomicBool::new(false));
        Self { ready, begun, after, changed: Arc::default() }
    }
}

#[async_trait]
impl Runtimes for Installed {
    fn readiness(&self, release: &ReleaseLabel) -> Runtime {
        match (release.as_str() == POSSIBLE, self.ready.load(Ordering::SeqCst)) {
            (false, _) => Runtime::Impossible("its Spark needs another Python".to_owned()),
            (true, true) => Runtime::Ready,
            (true, false) => Runtime::Preparing("being installed".to_owned()),
        }
    }

    async fn prepare(&self, _: &ReleaseLabel) {
        if self.begun.swap(true, Ordering::SeqCst) {
            return;
        }
        let (ready, changed, after) = (self.ready.clone(), self.changed.clone(), self.after);
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            ready.store(true, Ordering::SeqCst);
            changed.notify_one();
        });
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// Milliseconds that credentials live, by the clock of whoever gives them: so short that they are renewed now and then.
const CREDENTIALS_LIVE: i64 = 33 * MINUTE;

/// Everything of one life that depends on the storm.
pub struct Outside {
    /// Its life.
    pub cord: Cord,
    /// Chance.
    pub dice: Mutex<Dice>,
    /// True while there are faults.
    pub storm: Arc<AtomicBool>,
    /// The truth.
    pub truth: Arc<Truth>,
    /// What is wrong on purpose.
    pub mistake: Option<Mistake>,
    /// Where it asks from.
    pub site: Arc<Site>,
    /// When the simulation began.
    pub origin: Instant,
}

impl Outside {
    fn fails(&self, permille: u64) -> bool {
        let drawn = self.dice.lock().unwrap_or_else(PoisonError::into_inner).permille(permille);
        drawn && self.storm.load(Ordering::SeqCst)
    }

    async fn takes_time(&self) {
        let time = self.dice.lock().unwrap_or_else(PoisonError::into_inner).millis(5, 300);
        self.cord.act(tokio::time::sleep(time)).await;
    }
}

#[async_trait]
impl Roles for Outside {
    async fn assume(&self, role: &str, session: &str, _: &Narrowing) -> Result<Credentials, RoleError> {
        self.takes_time().await;
        if role.contains("denied") {
            return Err(RoleError::Refused("no trust".to_owned()));
        }
        if self.fails(100) {
            return Err(RoleError::Unavailable("STS gave no answer".to_owned()));
        }
        if !self.site.reaches_out() {
            return Err(RoleError::Unavailable("there is no way to STS".to_owned()));
        }
        let granted = BEGINNING.plus(self.origin.elapsed().as_millis() as i64);
        Ok(Credentials {
            access_key_id: "ASIA".to_owned(),
            secret_access_key: session.to_owned(),
            session_token: String::new(),
            granted,
            expires: granted.plus(CREDENTIALS_LIVE),
        })
    }
}

#[async_trait]
impl Salvage for Outside {
    async fn salvage(&self, worker: &WorkerId, _: &ObjectStore, _: &LogDestination, _: &Credentials) -> bool {
        self.takes_time().await;
        if self.mistake == Some(Mistake::SalvageLies) {
            return true;
        }
        // What another host holds cannot be brought from here.
        if self.fails(150) || !self.site.reaches_out() || !self.site.host.knows(worker) {
            return false;
        }
        self.truth.shipped(worker);
        true
    }
}

#[async_trait]
impl Sweep for Outside {
    async fn sweep(&self, _: &str, _: &Credentials) -> bool {
        self.takes_time().await;
        !self.fails(100) && self.site.reaches_out()
    }
}

/// Nobody comes by HTTP here.
pub struct Nobody;

impl Identities for Nobody {
    fn find(&self, _: &str, _: Option<&str>) -> Option<Identity> {
        None
    }
}
