//! The API's whole state: objects, resource version, change log, and what follows from them for executors.
//!
//! Rules (facts measured against unmodified Spark 3.2 … 4.3):
//! * a pod is answered 201 at once and stays `Pending` until its executor is seen running;
//! * a pod that ran is never `DELETED` before a `MODIFIED` that says `Failed` or `Succeeded`;
//! * deleting a running pod only asks for its executor's end; what is seen of it ends the pod;
//! * an end by the platform carries `deletionTimestamp`, so that Spark does not count it against the job.

mod edit;
mod observe;
mod read;
mod want;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::backoff::{Backoff, BackoffLimits};
use crate::launch::SharedLaunch;
use crate::log::{Change, Event, EventLog, Watch};
use crate::object::{Entry, Key};
use crate::refusal::Refusal;
use crate::request::{Call, Request, classify};
use crate::wanted::Wanted;

/// What a cluster is made with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Uids and resource versions begin here; take a fresh one for each run of the server.
    pub seed: u64,
    /// Version of Spark, for pods that do not say it.
    pub spark_version: String,
    /// So many changes are kept for watchers that come back.
    pub log_limit: usize,
    /// When to slow down and when to give up.
    pub backoff: BackoffLimits,
}

impl Settings {
    /// The usual ones.
    pub fn new(seed: u64, spark_version: impl Into<String>) -> Self {
        Self { seed, spark_version: spark_version.into(), log_limit: 1000, backoff: BackoffLimits::default() }
    }
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// What to send.
    pub body: Body,
    /// What else happened.
    pub effects: Changed,
}

/// What to send.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// One JSON document.
    Json(Value),
    /// A stream: ask [`Cluster::follow`] with this at once and after every change of events.
    Watch(Watch),
}

/// What changed: whom to wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changed {
    /// There are new events for watchers.
    pub events: bool,
    /// The wanted set is another.
    pub wanted: bool,
}

/// A Kubernetes API for one Spark driver.
#[derive(Debug, Clone)]
pub struct Cluster {
    settings: Settings,
    /// Last resource version given.
    version: u64,
    /// Objects made so far.
    made: u64,
    objects: BTreeMap<Key, Entry>,
    /// Pods by uid.
    pods: BTreeMap<String, Key>,
    log: EventLog,
    backoff: Backoff,
    /// Launches seen last, so that executors of one profile share one value.
    profiles: Vec<Arc<SharedLaunch>>,
    wanted: Wanted,
    wake_at: Option<u64>,
}

impl Cluster {
    /// An empty one.
    pub fn new(settings: Settings) -> Self {
        Self {
            version: 1000,
            made: 0,
            objects: BTreeMap::new(),
            pods: BTreeMap::new(),
            log: EventLog::new(settings.log_limit),
            backoff: Backoff::new(settings.backoff),
            profiles: Vec::new(),
            wanted: Wanted::default(),
            wake_at: None,
            settings,
        }
    }

    /// Answers a request. A refusal is a Kubernetes `Status`, never an error of this function.
    pub fn handle(&mut self, call: &Call<'_>, now: u64) -> Reply {
        let before = self.mark();
        let answer = classify(call).and_then(|request| self.answer(request, now));
        self.refresh(now);
        let effects = self.changed_since(before);
        match answer {
            Ok((status, body)) => Reply { status, body, effects },
            Err(refusal) => Reply { status: refusal.code, body: Body::Json(refusal.status()), effects },
        }
    }

    /// Lets time pass: held-back executors become wanted, young ones survive their start.
    pub fn tick(&mut self, now: u64) -> Changed {
        let before = self.mark();
        self.refresh(now);
        self.changed_since(before)
    }

    /// When [`Self::tick`] has something to do next (Unix milliseconds).
    pub fn wake_at(&self) -> Option<u64> {
        self.wake_at
    }

    /// The executors wanted now.
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    fn answer(&mut self, request: Request, now: u64) -> Result<(u16, Body), Refusal> {
        let json = |status: u16, value: Value| Ok((status, Body::Json(value)));
        match request {
            Request::Watch { scope, from } => Ok((200, Body::Watch(Watch::new(scope, from)))),
            Request::List(scope) => json(200, self.list(&scope)),
            Request::Get(resource, namespace, name) => json(200, self.get(&(resource, namespace, name))?),
            Request::Create(resource, namespace, object) => {
                json(201, self.create(resource, namespace, object, now)?)
            }
            Request::Patch(resource, namespace, name, patch) => {
                json(200, self.patch(&(resource, namespace, name), &patch)?)
            }
            Request::Delete(resource, namespace, name, deletion) => {
                json(200, self.delete(&(resource, namespace, name), deletion, now)?)
            }
            Request::DeleteAll(scope, deletion) => json(200, self.delete_all(&scope, deletion, now)),
        }
    }

    /// Gives `object` the next resource version and tells the watchers. A deleted object is forgotten.
    fn publish(&mut self, change: Change, key: &Key, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let object = Arc::new(object);
        let previous = match change {
            Change::Deleted => {
                let entry = self.objects.remove(key);
                if let Some(pod) = entry.as_ref().and_then(|entry| entry.pod.as_ref()) {
                    self.pods.remove(&pod.uid);
                }
                entry.map(|entry| entry.object)
            }
            Change::Added | Change::Modified => {
                let entry = self
                    .objects
                    .entry(key.clone())
                    .or_insert_with(|| Entry { object: Arc::clone(&object), pod: None });
                let previous = std::mem::replace(&mut entry.object, Arc::clone(&object));
                (change == Change::Modified).then_some(previous)
            }
        };
        self.log.push(Event { version: self.version, change, resource: key.0, object, previous });
    }

    fn mark(&self) -> (u64, u64) {
        (self.version, self.wanted.version)
    }

    fn changed_since(&self, (version, wanted): (u64, u64)) -> Changed {
        Changed { events: self.version != version, wanted: self.wanted.version != wanted }
    }
}
