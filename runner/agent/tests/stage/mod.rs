//! A tiny control plane for tests: one run, executors as child processes, everything in memory, no rules.

#![allow(dead_code)] // Each test and example uses its own part.

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use firesteel_core::id::{HostId, WorkerId};
use firesteel_protocol::transport::{self, Errand};
use firesteel_protocol::{
    Answer, Assignment, Common, End, Ended, Exchange, ExecutorAssignment, ExecutorSighting, ExecutorStatus,
    Exit, Greeting, Hello, LogDestination, RefusedHello, StopOrder,
};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// One run's control plane.
pub struct Stage {
    pub url: String,
    pub root: PathBuf,
    pub runtimes: PathBuf,
    pub forbidden: Option<PathBuf>,
    state: Mutex<Known>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct Known {
    assignments: HashMap<String, Assignment>,
    marks: HashMap<String, String>,
    started: HashMap<String, String>,
    stops: HashMap<String, StopOrder>,
    exits: HashMap<String, Exit>,
    launches: BTreeMap<String, serde_json::Value>,
    wanted_version: u64,
    executors: Vec<String>,
    addresses: HashMap<String, String>,
    children: Vec<Child>,
    exchanges: u64,
}

impl Stage {
    /// Listens on loopback; workers live below `root`.
    pub async fn open(root: &Path, runtimes: &Path, forbidden: Option<PathBuf>) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stage = Arc::new(Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            root: root.to_owned(),
            runtimes: runtimes.to_owned(),
            forbidden,
            state: Mutex::default(),
            changed: watch::channel(0).0,
        });
        let routes = Router::new()
            .route(transport::HELLO, post(hello))
            .route(transport::EXCHANGE, post(exchange))
            .route(transport::END, post(end))
            .with_state(stage.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        stage
    }

    /// Starts a runner for this worker with this assignment; its process id.
    pub fn launch(&self, worker: &str, address: &str, assignment: Assignment) -> u32 {
        let folder = self.root.join(worker);
        std::fs::create_dir_all(&folder).unwrap();
        let errand = Errand {
            worker: WorkerId::new(worker),
            host: HostId::new("stage"),
            endpoints: vec![self.url.clone()],
            token: "token".into(),
            address: address.into(),
            folder: folder.clone(),
            forbidden: self.forbidden.clone(),
            runtimes: self.runtimes.clone(),
            authority: None,
        };
        let path = folder.join("errand.json");
        std::fs::write(&path, serde_json::to_vec(&errand).unwrap()).unwrap();
        self.state.lock().unwrap().assignments.insert(worker.into(), assignment);
        self.relaunch(worker)
    }

    /// Starts another runner with the errand of this worker; its process id.
    pub fn relaunch(&self, worker: &str) -> u32 {
        let folder = self.root.join(worker);
        let path = folder.join("errand.json");
        let log = File::create(folder.join("runner.log")).unwrap();
        let child = Command::new(runner_program())
            .args(["--errand-fd", "0"])
            .stdin(Stdio::from(File::open(path).unwrap()))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let id = child.id();
        self.state.lock().unwrap().children.push(child);
        id
    }

    /// Orders a worker to stop.
    pub fn stop(&self, worker: &str, order: StopOrder) {
        self.state.lock().unwrap().stops.insert(worker.into(), order);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Waits for a worker's reported end.
    pub async fn exit(&self, worker: &str) -> Exit {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(exit) = self.state.lock().unwrap().exits.get(worker).cloned() {
                return exit;
            }
            let _ = tokio::time::timeout(Duration::from_secs(1), changed.changed()).await;
        }
    }

    /// Executors that were ever wanted, in order, with how they stand.
    pub fn executors(&self) -> Vec<ExecutorSighting> {
        self.state.lock().unwrap().sightings()
    }

    /// Waits for all runners' ends; their exit codes in the order of their starts.
    pub fn wait_all(&self) -> Vec<Option<i32>> {
        let children = std::mem::take(&mut self.state.lock().unwrap().children);
        children.into_iter().map(|mut child| child.wait().unwrap().code()).collect()
    }

    fn take_wanted(&self, driver: &Exchange) -> Vec<(String, Assignment)> {
        let mut known = self.state.lock().unwrap();
        let Some(wanted) = driver.wanted.as_ref().filter(|wanted| wanted.version >= known.wanted_version)
        else {
            return Vec::new();
        };
        known.wanted_version = wanted.version;
        known.launches.extend(wanted.launches.clone());
        let common = known.assignments[driver.worker.as_str()].common().clone();
        let mut fresh = Vec::new();
        for executor in &wanted.executors {
            if let Some(order) = &executor.stopping {
                known.stops.entry(executor.uid.clone()).or_insert_with(|| order.clone());
            } else if !known.executors.contains(&executor.uid) {
                known.executors.push(executor.uid.clone());
                let ordinal = known.executors.len() as u32;
                let assignment = ExecutorAssignment {
                    common: executor_common(&common, ordinal),
                    ordinal,
                    launch: known.launches[&executor.launch].clone(),
                    own: executor.own.clone(),
                };
                fresh.push((executor.uid.clone(), Assignment::Executor(assignment)));
            }
        }
        fresh
    }

    fn answer(&self, to: &Exchange) -> Answer {
        let mut known = self.state.lock().unwrap();
        known.exchanges += 1;
        let executors = if to.wanted.is_some() { known.sightings() } else { Vec::new() };
        let stop = known.stops.get(to.worker.as_str()).cloned();
        let stale = known.marks.get(to.worker.as_str()).is_none_or(|mark| mark != to.mark.as_str());
        let mut hasher = DefaultHasher::new();
        (&executors, stop.is_some()).hash(&mut hasher);
        Answer { digest: hasher.finish() | 1, executors, stop, stale, ..Answer::default() }
    }
}

impl Known {
    fn sightings(&self) -> Vec<ExecutorSighting> {
        let status = |uid: &String| match (self.exits.get(uid), self.started.get(uid)) {
            (Some(exit), _) => {
                ExecutorStatus::Ended { code: exit.code.0, summary: exit.summary.clone(), evicted: false }
            }
            (None, Some(_)) => ExecutorStatus::Running { address: self.addresses[uid].clone() },
            (None, None) => ExecutorStatus::Starting,
        };
        self.executors.iter().map(|uid| ExecutorSighting { uid: uid.clone(), status: status(uid) }).collect()
    }
}

fn executor_common(common: &Common, ordinal: u32) -> Common {
    let logs = common.logs.as_ref().map(|logs| LogDestination {
        bucket: logs.bucket.clone(),
        prefix: logs.prefix.replace("SPARK_DRIVER", &format!("SPARK_EXECUTOR/{ordinal}")),
    });
    Common { logs, ..common.clone() }
}

async fn hello(State(stage): State<Arc<Stage>>, Json(hello): Json<Hello>) -> Json<Greeting> {
    let mut known = stage.state.lock().unwrap();
    let worker = hello.worker.to_string();
    let mark = known.marks.entry(worker.clone()).or_insert_with(|| hello.mark.to_string()).clone();
    known.addresses.insert(worker.clone(), hello.address.clone());
    Json(match known.assignments.get(&worker) {
        None => Greeting::Refused(RefusedHello::Unknown),
        Some(_) if mark != hello.mark.as_str() => Greeting::Refused(RefusedHello::OtherMark),
        Some(assignment) => Greeting::Assigned(Box::new(assignment.clone())),
    })
}

async fn exchange(State(stage): State<Arc<Stage>>, Json(exchange): Json<Exchange>) -> Json<Answer> {
    let mut changed = stage.changed.subscribe();
    if exchange.started.is_some() {
        let mut known = stage.state.lock().unwrap();
        if known.started.insert(exchange.worker.to_string(), exchange.mark.to_string()).is_none() {
            stage.changed.send_modify(|count| *count += 1);
        }
    }
    for (uid, assignment) in stage.take_wanted(&exchange) {
        let number = stage.state.lock().unwrap().children.len() + 1;
        stage.launch(&uid, &format!("127.0.0.{}", 1 + number % 250), assignment);
    }
    if exchange.wanted.is_some() {
        stage.changed.send_modify(|count| *count += 1);
        changed.mark_unchanged();
    }
    let deadline = tokio::time::Instant::now() + Duration::from_millis(exchange.wait_ms);
    loop {
        let answer = stage.answer(&exchange);
        if answer.digest != exchange.seen || answer.stale {
            return Json(answer);
        }
        if tokio::time::timeout_at(deadline, changed.changed()).await.is_err() {
            return Json(answer);
        }
    }
}

async fn end(State(stage): State<Arc<Stage>>, Json(end): Json<End>) -> Json<Ended> {
    stage.state.lock().unwrap().exits.insert(end.worker.to_string(), end.exit);
    stage.changed.send_modify(|count| *count += 1);
    Json(Ended::Acknowledged)
}

/// The example program `runner`, built beside this test or example.
fn runner_program() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let folder = this.parent().unwrap();
    let beside = folder.join("runner");
    if beside.exists() { beside } else { folder.parent().unwrap().join("examples/runner") }
}
