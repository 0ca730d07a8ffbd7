//! The truth: what the store holds, what was launched and started, what callers were told, which logs were shipped.
//! Every step is noted here, in the trace, and shown to every invariant. The first violation ends the simulation.

use crate::hearsay::Hearsay;
use crate::invariants;
use crate::store::REGISTRY;
use firesteel_core::application::Application;
use firesteel_core::event::Event;
use firesteel_core::id::{ApplicationId, HostId, JobRunId, Mark, WorkerId};
use firesteel_core::registry::{Registry, RegistryEvent};
use firesteel_core::time::Millis;
use firesteel_journal::{MemoryStore, decode, keys};
use firesteel_substrate::imagined::Imagined;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// What broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Number of the invariant in the design (0: after the storm the world did not heal).
    pub invariant: u8,
    /// What was found.
    pub what: String,
}

/// Bounds that no step may pass.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// vCPU over all applications.
    pub quota_cpu: u32,
    /// MiB of heap on each host.
    pub heap_mib: u64,
    /// Milliseconds that a runner may live without contact.
    pub contact_limit_ms: u64,
}

/// One application as its log says.
#[derive(Default)]
pub struct Told {
    /// The fold of its log.
    pub app: Application,
    /// Its newest entry.
    pub seq: u64,
    /// Time of that entry.
    pub at: i64,
    /// Every run that was ever submitted, with its token.
    pub submitted: BTreeMap<JobRunId, String>,
    /// Every worker that was ever admitted, and its run.
    pub admitted: BTreeMap<WorkerId, JobRunId>,
    /// The mark of every worker that ever said hello.
    pub greeted: BTreeMap<WorkerId, Mark>,
    /// Workers whose host was taken for lost.
    pub given_up: BTreeSet<WorkerId>,
    /// Runs that have left the state.
    pub archived: BTreeSet<JobRunId>,
    /// When each run became terminal, on the simulation's clock.
    pub ended: BTreeMap<JobRunId, Instant>,
    /// When each worker was told to end, and how many milliseconds it has.
    pub released: BTreeMap<WorkerId, (Instant, i64)>,
}

/// One job's process, as it really was.
#[derive(Clone, Debug)]
pub struct Jvm {
    /// How often the worker's job was started.
    pub starts: u32,
    /// True until the process has ended by itself.
    pub runs: bool,
    /// True if every byte that it wrote is in S3.
    pub shipped: bool,
}

/// Everything known.
pub struct Known {
    /// Applications by id.
    pub told: BTreeMap<ApplicationId, Told>,
    /// Jobs by worker.
    pub jvms: BTreeMap<WorkerId, Jvm>,
    /// When each live runner last heard of a control plane.
    pub heard: BTreeMap<WorkerId, Instant>,
    /// Token → run, as callers were told.
    pub acknowledged: BTreeMap<(ApplicationId, String), JobRunId>,
    /// When the last credentials end that each worker was really given.
    pub credentials: BTreeMap<WorkerId, Millis>,
    /// What control planes tell each other of hosts.
    pub hearsay: BTreeMap<HostId, Hearsay>,
    /// The newest heartbeat of each control plane, by its own clock.
    pub words: BTreeMap<String, i64>,
    /// The fold of the registry's log.
    pub registry: Registry,
    /// The last state that a caller saw of each run.
    pub shown: BTreeMap<JobRunId, String>,
    /// The store itself.
    pub store: Arc<MemoryStore>,
    /// The hosts.
    pub hosts: Vec<Imagined>,
    /// Bounds.
    pub bounds: Bounds,
    origin: Instant,
    trace: String,
    violation: Option<Violation>,
}

/// One step of the world.
#[derive(Debug)]
pub enum Step<'a> {
    /// Entry `seq` of an application's log was stored, decided at `at`; `last` are number and time of the one before.
    Stored { app: &'a ApplicationId, seq: u64, at: i64, last: (u64, i64) },
    /// An event of a stored entry was folded.
    Folded { app: &'a ApplicationId, event: &'a Event, before: &'a Application },
    /// An entry of the registry's log was folded.
    Registered,
    /// A history or token object is being stored.
    Archiving { key: &'a str },
    /// A caller was told that its token created this run.
    Acknowledged { app: &'a ApplicationId, token: &'a str, run: &'a JobRunId },
    /// A caller was shown a run (none: "no such run").
    Shown { run: &'a JobRunId, state: Option<&'a str>, before: Option<String> },
    /// A launch order was given to a substrate; `starts`: a process really begins by it.
    Launched { worker: &'a WorkerId, starts: bool },
    /// A live worker is being killed.
    Killed { worker: &'a WorkerId },
    /// A worker's job was started by the process with this mark.
    Started { worker: &'a WorkerId, mark: &'a Mark },
    /// A second has passed.
    Second,
    /// The storm is over and the world had its time to heal.
    Healed,
}

impl Known {
    /// True if the worker's job runs: its process was started, has not ended and was not killed.
    pub fn job_runs(&self, worker: &WorkerId) -> bool {
        self.jvms.get(worker).is_some_and(|jvm| jvm.runs) && self.is_alive(worker)
    }

    /// True if the worker lives on some host.
    pub fn is_alive(&self, worker: &WorkerId) -> bool {
        self.hosts.iter().any(|host| host.is_alive(worker))
    }

    /// The time, by a clock that is right.
    pub fn now(&self) -> Millis {
        BEGINNING.plus(self.origin.elapsed().as_millis() as i64)
    }

    /// True if a job runs whose credentials are still good.
    pub fn may_write(&self, worker: &WorkerId) -> bool {
        self.job_runs(worker) && self.credentials.get(worker).is_none_or(|until| *until > self.now())
    }

    /// True if nobody has told of the host for long enough to take it for lost.
    pub fn may_be_lost(&self, host: &HostId) -> bool {
        self.hearsay.get(host).copied().unwrap_or(Hearsay::new(self.origin)).may_be_lost()
    }

    /// The application that has ever admitted this worker.
    pub fn told_of(&self, worker: &WorkerId) -> Option<&Told> {
        self.told.values().find(|told| told.admitted.contains_key(worker))
    }

    fn note(&mut self, origin: Instant, line: &str) {
        let at = origin.elapsed().as_millis();
        let _ = writeln!(self.trace, "{at:>8} {line}");
    }

    fn check(&mut self, step: &Step<'_>) {
        if self.violation.is_none() {
            self.violation = invariants::first_violation(self, step);
        }
    }

    fn fold(&mut self, app: &ApplicationId, event: &Event) {
        let told = self.told.entry(app.clone()).or_default();
        let before = told.app.clone();
        told.app.apply(event);
        match event {
            Event::JobRunSubmitted { run, .. } => {
                told.submitted.insert(run.id.clone(), run.token.to_string());
            }
            Event::JobRunEnded { run, .. } => {
                told.ended.insert(run.clone(), Instant::now());
            }
            Event::WorkerReleased { id, release } => {
                told.released.insert(id.clone(), (Instant::now(), release.grace));
            }
            Event::JobRunArchived { run } => {
                told.archived.insert(run.clone());
            }
            Event::WorkerEnded { id, ended } if ended.exit.summary.contains("its host") => {
                told.given_up.insert(id.clone());
            }
            _ => {}
        }
        self.check(&Step::Folded { app, event, before: &before });
        let told = self.told.entry(app.clone()).or_default();
        match event {
            Event::WorkerAdmitted { id, worker, .. } => {
                told.admitted.insert(id.clone(), worker.run.clone());
            }
            Event::WorkerGreeted { id, greeted } => {
                told.greeted.insert(id.clone(), greeted.mark.clone());
            }
            _ => {}
        }
    }
}

/// The truth, shared by all.
pub struct Truth {
    known: Mutex<Known>,
    origin: Instant,
}

impl Truth {
    /// Nothing has happened yet.
    pub fn new(store: Arc<MemoryStore>, bounds: Bounds) -> Arc<Self> {
        let origin = Instant::now();
        let known = Known {
            credentials: BTreeMap::new(),
            hearsay: BTreeMap::new(),
            words: BTreeMap::new(),
            registry: Registry::default(),
            origin,
            told: BTreeMap::new(),
            jvms: BTreeMap::new(),
            heard: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            shown: BTreeMap::new(),
            store,
            hosts: Vec::new(),
            bounds,
            trace: String::new(),
            violation: None,
        };
        Arc::new(Self { known: Mutex::new(known), origin })
    }

    /// Everything known.
    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line of the trace.
    pub fn note(&self, line: &str) {
        self.known().note(self.origin, line);
    }

    /// The first violation, if there is one.
    pub fn violation(&self) -> Option<Violation> {
        self.known().violation.clone()
    }

    /// The whole trace.
    pub fn trace(&self) -> String {
        self.known().trace.clone()
    }

    /// Shows a step to every invariant.
    pub fn step(&self, step: &Step<'_>) {
        let mut known = self.known();
        if !matches!(step, Step::Second | Step::Archiving { .. }) {
            let line = format!("{step:?}");
            known.note(self.origin, &line);
        }
        known.check(step);
    }

    /// An entry of an application's log was stored.
    pub fn stored(&self, key: &str, body: &[u8]) {
        let Some((app, seq)) = entry_of(key) else { return };
        let mut known = self.known();
        known.note(self.origin, &format!("{app} {seq} {}", String::from_utf8_lossy(body)));
        let Ok(entry) = decode::<Event>(key, seq, body) else { return };
        let told = known.told.entry(app.clone()).or_default();
        let last = (told.seq, told.at);
        (told.seq, told.at) = (seq, entry.at);
        known.check(&Step::Stored { app: &app, seq, at: entry.at, last });
        for event in &entry.events {
            known.fold(&app, event);
        }
    }

    /// An entry of the registry's log was stored.
    pub fn registered(&self, key: &str, body: &[u8]) {
        let Some(seq) = keys::seq_of(key).filter(|_| key.starts_with(REGISTRY)) else { return };
        let Ok(entry) = decode::<RegistryEvent>(key, seq, body) else { return };
        let mut known = self.known();
        known.note(self.origin, &format!("registry {seq} {}", String::from_utf8_lossy(body)));
        entry.events.iter().for_each(|event| known.registry.apply(event));
        known.check(&Step::Registered);
    }

    /// A heartbeat was stored: its host is there, and so is each that it has heard runners of.
    pub fn said(&self, key: &str, body: &[u8]) {
        let name = key.strip_prefix(keys::SERVERS).and_then(|name| name.strip_suffix(".json"));
        let Some(name) = name else { return };
        let word: Value = serde_json::from_slice(body).unwrap_or_default();
        let heard = word["heard"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut known = self.known();
        let (origin, at) = (known.origin, word["at"].as_i64().unwrap_or_default());
        known.note(origin, &format!("{key} {}", String::from_utf8_lossy(body)));
        // A word that comes late tells nothing that a later one has not told.
        let newest = known.words.entry(name.to_owned()).or_insert(i64::MIN);
        if at <= std::mem::replace(newest, at.max(*newest)) {
            return;
        }
        for host in heard.chain([name]) {
            known.hearsay.entry(HostId::new(host)).or_insert(Hearsay::new(origin)).told();
        }
    }

    /// A worker was given credentials.
    pub fn credentials(&self, worker: &WorkerId, until: Millis) {
        let mut known = self.known();
        let last = known.credentials.entry(worker.clone()).or_insert(until);
        *last = until.max(*last);
    }

    /// There is another host.
    pub fn has_host(&self, host: Imagined) {
        self.known().hosts.push(host);
    }

    /// A caller was told that its token created a run.
    pub fn acknowledged(&self, app: &ApplicationId, token: &str, run: &JobRunId) {
        self.step(&Step::Acknowledged { app, token, run });
        self.known().acknowledged.entry((app.clone(), token.to_owned())).or_insert_with(|| run.clone());
    }

    /// A caller was shown a run's state; none: it was told that there is no such run.
    pub fn shown(&self, run: &JobRunId, state: Option<&str>) {
        let before = self.known().shown.get(run).cloned();
        self.step(&Step::Shown { run, state, before });
        if let Some(state) = state {
            self.known().shown.insert(run.clone(), state.to_owned());
        }
    }

    /// A worker's job was started.
    pub fn started(&self, worker: &WorkerId, mark: &Mark) {
        {
            let mut known = self.known();
            let fresh = Jvm { starts: 0, runs: true, shipped: false };
            let jvm = known.jvms.entry(worker.clone()).or_insert(fresh);
            (jvm.starts, jvm.runs, jvm.shipped) = (jvm.starts + 1, true, false);
        }
        self.step(&Step::Started { worker, mark });
    }

    /// A worker's job has ended by itself.
    pub fn job_ended(&self, worker: &WorkerId) {
        self.note(&format!("job of {worker} ended"));
        if let Some(jvm) = self.known().jvms.get_mut(worker) {
            jvm.runs = false;
        }
    }

    /// Somebody brings the worker's logs to S3: whole, unless its job still writes.
    pub fn shipped(&self, worker: &WorkerId) {
        let mut known = self.known();
        let writes = known.job_runs(worker);
        known.note(self.origin, &format!("logs of {worker} shipped{}", if writes { " in part" } else { "" }));
        if let Some(jvm) = known.jvms.get_mut(worker) {
            jvm.shipped = !writes;
        }
    }

    /// A runner heard of a control plane.
    pub fn heard(&self, worker: &WorkerId) {
        self.known().heard.insert(worker.clone(), Instant::now());
    }
}

/// Time that the simulation's clocks begin with: 2026-11-21T12:00:00Z.
pub const BEGINNING: Millis = Millis(1_795_262_400_000);

/// Application and number of a log entry's key.
pub fn entry_of(key: &str) -> Option<(ApplicationId, u64)> {
    let (app, rest) = key.strip_prefix(keys::APPLICATIONS)?.split_once('/')?;
    rest.starts_with("journal/").then_some(())?;
    Some((ApplicationId::new(app), keys::seq_of(key)?))
}
