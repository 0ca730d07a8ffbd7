//! A world around one or two real control planes: a store in memory, an imagined host, simple ports, virtual time.
//!
//! Requests go through the whole router, signed as SDKs sign, in turn to each control plane.

mod conforms;
mod distant;
mod kept;
mod ports;
mod request;
mod runner;

pub use kept::Kept;
pub use request::{ACCESS_KEY, Answer, SECRET, signed, signed_by};
pub use runner::{Driver, LAUNCH, Runner, to_desk};

use axum::body::Body;
use firesteel_core::id::HostId;
use firesteel_journal::{MemoryStore, RecordingStore};
use firesteel_protocol::ObjectStore;
use firesteel_service::{Config, ControlPlane, Parts};
use firesteel_substrate::HostFacts;
use firesteel_substrate::imagined::{Fair, Imagined};
use firesteel_wire::{Input, Operation, client};
use http::Request;
use ports::{Clock, Keys, Neighbours, Roles, Runtimes, Salvage, Sweep};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub const ACCOUNT: &str = "000000000000";
pub const REGION: &str = "us-east-1";
pub const ROLE: &str = "arn:aws:iam::000000000000:role/job";
pub const RELEASE: &str = "emr-7.13.0";
/// vCPU over all applications, unless a test says otherwise.
const QUOTA: u32 = 400;
/// Virtual time that anything may take to come about.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct World {
    pub store: Arc<MemoryStore>,
    /// Counts what is asked of the store.
    pub requests: Arc<RecordingStore<Arc<MemoryStore>>>,
    pub substrate: Imagined,
    pub clock: Arc<Clock>,
    pub roles: Arc<Roles>,
    pub runtimes: Arc<Runtimes>,
    pub salvage: Arc<Salvage>,
    pub sweep: Arc<Sweep>,
    pub kept: Arc<Kept>,
    pub keys: Arc<Keys>,
    pub neighbours: Arc<Neighbours>,
    planes: Vec<ControlPlane>,
    turn: AtomicUsize,
    quota_cpu: u32,
}

impl World {
    /// One control plane that knows it is alone.
    pub async fn alone() -> Self {
        Self::with_planes(1, QUOTA).await
    }

    /// Two control planes beside each other; requests alternate between them.
    pub async fn pair() -> Self {
        Self::with_planes(2, QUOTA).await
    }

    /// So many control planes, and so many vCPU for all applications.
    pub async fn with_planes(count: usize, quota_cpu: u32) -> Self {
        let clock = Arc::new(Clock::default());
        let store: Arc<MemoryStore> = Arc::default();
        let mut world = Self {
            requests: Arc::new(RecordingStore::new(store.clone())),
            store,
            substrate: host("host-1"),
            roles: Arc::new(Roles::new(clock.clone())),
            clock,
            runtimes: Arc::default(),
            salvage: Arc::default(),
            sweep: Arc::default(),
            kept: Arc::default(),
            keys: Arc::default(),
            neighbours: Arc::default(),
            planes: Vec::new(),
            turn: AtomicUsize::new(0),
            quota_cpu,
        };
        world.start_planes(count).await;
        world
    }

    /// Starts so many more control planes.
    pub async fn start_planes(&mut self, count: usize) {
        for _ in 0..count {
            let plane = ControlPlane::start(self.parts(count == 1)).await.expect("the control plane starts");
            self.planes.push(plane);
        }
    }

    fn parts(&self, alone: bool) -> Parts {
        Parts {
            config: Config { quota_cpu: self.quota_cpu, ..config(alone) },
            state: Arc::new(distant::Distant(self.requests.clone())),
            world: self.clock.clone(),
            substrate: Arc::new(self.substrate.clone()),
            runtimes: self.runtimes.clone(),
            roles: self.roles.clone(),
            salvage: self.salvage.clone(),
            sweep: self.sweep.clone(),
            logs: self.kept.clone(),
            histories: self.kept.clone(),
            identities: self.keys.clone(),
            neighbours: self.neighbours.clone(),
        }
    }

    /// Ends every control plane and starts as many anew on the same store and host.
    pub async fn restart(&mut self) {
        self.down_for(Duration::ZERO).await;
    }

    /// As `restart`, with so long between end and beginning.
    pub async fn down_for(&mut self, time: Duration) {
        let planes = std::mem::take(&mut self.planes);
        for plane in &planes {
            plane.stop().await;
        }
        tokio::time::sleep(time).await;
        self.start_planes(planes.len()).await;
    }

    /// Every control plane ends, and as many start on another host.
    pub async fn move_to(&mut self, other: &str) {
        let planes = std::mem::take(&mut self.planes);
        for plane in &planes {
            plane.stop().await;
        }
        self.substrate = host(other);
        self.start_planes(planes.len()).await;
    }

    /// One of the control planes ends for good.
    pub async fn lose_one(&mut self) {
        self.planes.remove(0).stop().await;
    }

    /// The control plane whose turn it is.
    pub fn plane(&self) -> &ControlPlane {
        &self.planes[self.turn.fetch_add(1, Ordering::SeqCst) % self.planes.len()]
    }

    /// Sends a request to the control plane whose turn it is.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.plane().router(), request).await
    }

    /// Calls an operation as the SDKs do.
    pub async fn call(&self, operation: Operation, input: Value) -> Answer {
        let input: Input = input.as_object().expect("an object").clone();
        let request = client::request(operation, &input).expect("a request");
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let target = format!("{}{query}", request.path);
        let request = signed(&self.clock, &request.method, &target, request.body.unwrap_or_default());
        let answer = self.send(request).await;
        conforms::check(operation, &answer);
        answer
    }

    /// Creates an application with `members` beside the usual ones; gives its id.
    pub async fn application(&self, members: Value) -> String {
        let input =
            merged(json!({ "releaseLabel": RELEASE, "type": "SPARK", "clientToken": self.token() }), members);
        self.call(Operation::CreateApplication, input).await.member("applicationId")
    }

    /// Starts a run with `members` beside the usual ones; gives its id.
    pub async fn run(&self, application: &str, members: Value) -> String {
        self.start_run(application, members).await.member("jobRunId")
    }

    /// The answer of StartJobRun.
    pub async fn start_run(&self, application: &str, members: Value) -> Answer {
        let usual = json!({
            "applicationId": application,
            "clientToken": self.token(),
            "executionRoleArn": ROLE,
            "jobDriver": { "sparkSubmit": { "entryPoint": "s3://bucket/job.py" } },
        });
        self.call(Operation::StartJobRun, merged(usual, members)).await
    }

    /// A token that was never used.
    pub fn token(&self) -> String {
        use firesteel_service::World as _;
        format!("token-{:016x}", self.clock.chance())
    }

    /// `application` as GetApplication shows it.
    pub async fn get(&self, application: &str) -> Value {
        let answer = self.call(Operation::GetApplication, json!({ "applicationId": application })).await;
        answer.ok()["application"].clone()
    }

    /// The run as GetJobRun shows it.
    pub async fn get_run(&self, application: &str, run: &str) -> Value {
        let input = json!({ "applicationId": application, "jobRunId": run });
        self.call(Operation::GetJobRun, input).await.ok()["jobRun"].clone()
    }

    /// Waits until the application is in `state`.
    pub async fn application_is(&self, application: &str, state: &str) -> Value {
        self.eventually(state, async || self.get(application).await, |found| found["state"] == state).await
    }

    /// Waits until the run is in `state`.
    pub async fn run_is(&self, application: &str, run: &str, state: &str) -> Value {
        let look = async || self.get_run(application, run).await;
        self.eventually(state, look, |found| found["state"] == state).await
    }

    /// Waits until the run has left the state: its history object is there, and its removal is in the journal.
    pub async fn archived(&self, run: &str) {
        let removed = format!("{run}.json");
        let look = async || {
            let objects = self.store.objects();
            let written = objects.keys().any(|key| key.contains("/history/") && key.ends_with(&removed));
            let gone = objects.iter().any(|(key, body)| {
                key.contains("/journal/") && {
                    let entry = String::from_utf8_lossy(body);
                    entry.contains("job_run_archived") && entry.contains(run)
                }
            });
            json!(written && gone)
        };
        self.eventually("archived", look, |found| *found == true).await;
    }

    /// Looks again and again, in virtual time, until `is_so`.
    pub async fn eventually(
        &self,
        what: &str,
        look: impl AsyncFn() -> Value,
        is_so: impl Fn(&Value) -> bool,
    ) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let found = look().await;
            if is_so(&found) {
                return found;
            }
            assert!(tokio::time::Instant::now() < deadline, "never {what}: {found}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// `base` with the members of `over`; a null removes a member.
fn host(id: &str) -> Imagined {
    Imagined::new(HostFacts { id: HostId::new(id), cpus: 64, memory_mib: 1 << 20 }, Fair)
}

pub fn merged(base: Value, over: Value) -> Value {
    let mut members = base.as_object().expect("an object").clone();
    for (name, value) in over.as_object().expect("an object") {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    Value::Object(members)
}

fn config(alone: bool) -> Config {
    Config {
        region: REGION.to_owned(),
        account: ACCOUNT.to_owned(),
        quota_cpu: QUOTA,
        heap_percent: 70,
        store: ObjectStore { endpoint: None, region: REGION.to_owned(), path_style: true },
        endpoints: vec!["http://127.0.0.1:9400".to_owned()],
        public_url: "http://127.0.0.1:9400".to_owned(),
        secret: b"a secret of the installation".to_vec(),
        alone,
        contact_every_ms: 10_000,
        contact_limit_ms: 1_800_000,
    }
}

/// Each story runs over one control plane that is alone, and over two that share the store.
macro_rules! stories {
    ($($story:ident),* $(,)?) => {
        mod alone {
            $(#[tokio::test(start_paused = true)]
            async fn $story() { super::$story($crate::world::World::alone().await).await; })*
        }
        mod pair {
            $(#[tokio::test(start_paused = true)]
            async fn $story() { super::$story($crate::world::World::pair().await).await; })*
        }
    };
}
pub(crate) use stories;
