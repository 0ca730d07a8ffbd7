//! The ports in memory: each does the plain thing, records what it was asked, and fails where a test says so.

use crate::world::request;
use async_trait::async_trait;
use firesteel_core::command::Runtime;
use firesteel_core::id::{ApplicationId, HostId, WorkerId};
use firesteel_core::release::ReleaseLabel;
use firesteel_core::time::{HOUR, Millis};
use firesteel_journal::Clock as _;
use firesteel_protocol::{Credentials, LogDestination, ObjectStore};
use firesteel_service::authorization::Policy;
use firesteel_service::{Identities, Identity, Narrowing, RoleError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use tokio::time::Instant;

/// When a world begins: 2026-01-02T03:04:05Z.
const BEGINNING: i64 = 1_767_323_045_000;

/// tokio's clock, which a test pauses, and numbers that look random and are the same in each run.
pub struct Clock {
    began: Instant,
    drawn: AtomicU64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { began: Instant::now(), drawn: AtomicU64::new(0) }
    }
}

impl firesteel_journal::Clock for Clock {
    fn now(&self) -> i64 {
        BEGINNING + self.boot()
    }

    fn boot(&self) -> i64 {
        self.began.elapsed().as_millis() as i64
    }
}

impl firesteel_service::World for Clock {
    fn chance(&self) -> u64 {
        let drawn = self.drawn.fetch_add(1, Ordering::SeqCst) + 1;
        let mixed = drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }
}

/// Roles: one whose ARN ends in `/nobody` is refused, `/busy` gets no answer, all others get credentials.
pub struct Roles {
    /// Role, session and narrowing of each call.
    pub asked: Mutex<Vec<(String, String, Narrowing)>>,
    /// Milliseconds that credentials live; 0 for one hour.
    pub life: AtomicI64,
    given: AtomicU64,
    clock: Arc<Clock>,
}

impl Roles {
    pub fn new(clock: Arc<Clock>) -> Self {
        Self { asked: Mutex::default(), life: AtomicI64::new(0), given: AtomicU64::new(0), clock }
    }
}

#[async_trait]
impl firesteel_service::Roles for Roles {
    async fn assume(
        &self,
        role: &str,
        session: &str,
        narrowing: &Narrowing,
    ) -> Result<Credentials, RoleError> {
        let asked = (role.to_owned(), session.to_owned(), narrowing.clone());
        self.asked.lock().expect("whole").push(asked);
        if role.ends_with("/nobody") {
            return Err(RoleError::Refused("no such role".to_owned()));
        }
        if let Some(arn) = narrowing.policy_arns.iter().find(|arn| arn.ends_with("/nowhere")) {
            return Err(RoleError::Policy(format!("The policy {arn} does not exist")));
        }
        if role.ends_with("/busy") {
            return Err(RoleError::Unavailable("STS does not answer".to_owned()));
        }
        let number = self.given.fetch_add(1, Ordering::SeqCst) + 1;
        let life = Some(self.life.load(Ordering::SeqCst)).filter(|life| *life > 0).unwrap_or(HOUR);
        let granted = Millis(self.clock.now());
        Ok(Credentials {
            access_key_id: format!("ASIA{number}"),
            secret_access_key: "secret".to_owned(),
            session_token: "token".to_owned(),
            granted,
            expires: granted.plus(life),
        })
    }
}

/// Every release stands as the test says; ready at first.
pub struct Runtimes {
    standing: Mutex<Runtime>,
    /// Releases that were to be prepared.
    pub prepared: Mutex<BTreeSet<String>>,
    changed: Notify,
}

impl Default for Runtimes {
    fn default() -> Self {
        Self { standing: Mutex::new(Runtime::Ready), prepared: Mutex::default(), changed: Notify::new() }
    }
}

impl Runtimes {
    /// From now on every release stands so.
    pub fn stand(&self, standing: Runtime) {
        *self.standing.lock().expect("whole") = standing;
        self.changed.notify_waiters();
    }
}

#[async_trait]
impl firesteel_service::Runtimes for Runtimes {
    fn readiness(&self, _: &ReleaseLabel) -> Runtime {
        self.standing.lock().expect("whole").clone()
    }

    async fn prepare(&self, release: &ReleaseLabel) {
        self.prepared.lock().expect("whole").insert(release.as_str().to_owned());
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// Hosts that are lost as the test says.
#[derive(Default)]
pub struct Neighbours {
    /// Lost hosts.
    pub lost: Mutex<BTreeSet<String>>,
    /// Hosts whose runners have spoken.
    pub heard: Mutex<BTreeSet<String>>,
    /// Hosts whose control planes are there.
    pub there: Mutex<BTreeSet<String>>,
    /// Other control planes look after all applications.
    pub others_look: AtomicBool,
    /// Where control planes are reached.
    pub endpoints: Mutex<Vec<String>>,
}

impl firesteel_service::Neighbours for Neighbours {
    fn heard(&self, host: &HostId) {
        self.heard.lock().expect("whole").insert(host.as_str().to_owned());
    }

    fn has_lost(&self, host: &HostId) -> bool {
        self.lost.lock().expect("whole").contains(host.as_str())
    }

    fn is_there(&self, host: &HostId) -> bool {
        self.there.lock().expect("whole").contains(host.as_str())
    }

    fn looks_after(&self, _: &ApplicationId) -> bool {
        !self.others_look.load(Ordering::SeqCst)
    }

    fn endpoints(&self) -> Vec<String> {
        self.endpoints.lock().expect("whole").clone()
    }
}

/// Records whose logs were salvaged, and where to; succeeds unless the test says otherwise.
#[derive(Default)]
pub struct Salvage {
    /// Nothing can be brought to S3.
    pub fails: AtomicBool,
    /// Worker and key prefix of each call.
    pub asked: Mutex<Vec<(String, String)>>,
}

#[async_trait]
impl firesteel_service::Salvage for Salvage {
    async fn salvage(
        &self,
        worker: &WorkerId,
        _: &ObjectStore,
        logs: &LogDestination,
        _: &Credentials,
    ) -> bool {
        self.asked.lock().expect("whole").push((worker.to_string(), logs.prefix.clone()));
        !self.fails.load(Ordering::SeqCst)
    }
}

/// Records what was swept; always succeeds.
#[derive(Default)]
pub struct Sweep {
    /// Each prefix.
    pub asked: Mutex<Vec<String>>,
}

#[async_trait]
impl firesteel_service::Sweep for Sweep {
    async fn sweep(&self, uri: &str, _: &Credentials) -> bool {
        self.asked.lock().expect("whole").push(uri.to_owned());
        true
    }
}

/// Access keys: one that may do everything, and those that a test adds.
#[derive(Default)]
pub struct Keys {
    /// By access key id: the session token that must come along, and who it is.
    pub more: Mutex<BTreeMap<String, (Option<String>, Identity)>>,
}

impl Identities for Keys {
    fn find(&self, access_key_id: &str, session_token: Option<&str>) -> Option<Identity> {
        if access_key_id == request::ACCESS_KEY && session_token.is_none() {
            return Some(Identity {
                secret: request::SECRET.to_owned(),
                arn: "arn:aws:iam::000000000000:user/somebody".to_owned(),
                policy: Arc::new(Policy::everything()),
                expires: None,
            });
        }
        let more = self.more.lock().expect("whole");
        let (token, identity) = more.get(access_key_id)?;
        (token.as_deref() == session_token).then(|| identity.clone())
    }
}
