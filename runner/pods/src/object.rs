//! What is kept of an object: its JSON as Spark sees it and, of a pod, how far its executor has come.

use std::sync::Arc;

use serde_json::Value;

use crate::launch::{Launch, executor_container};
use crate::quantity::{cpu_millis, memory_bytes};
use crate::refusal::Refusal;
use crate::request::Resource;
use crate::sighting::Container;

/// Kind, namespace and name.
pub(crate) type Key = (Resource, String, String);

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) object: Arc<Value>,
    pub(crate) pod: Option<Pod>,
}

impl Entry {
    pub(crate) fn version(&self) -> u64 {
        self.object["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// A pod's executor.
#[derive(Debug, Clone)]
pub(crate) struct Pod {
    /// Rises with every pod asked for.
    pub(crate) number: u64,
    pub(crate) uid: String,
    pub(crate) stage: Stage,
    pub(crate) stopping: Option<Stopping>,
    /// Absent while a config map it mounts is.
    pub(crate) launch: Option<Launch>,
    /// Since when it is in the wanted set; it stays there until it ends or is deleted.
    pub(crate) shown_at: Option<u64>,
    /// Whether it outlived its start.
    pub(crate) survived: bool,
    pub(crate) needs: Needs,
    pub(crate) container: Container,
    pub(crate) end: EndAsked,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    Pending { reason: String },
    Running { since: u64, ip: String },
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopping {
    pub(crate) grace_ms: u64,
}

/// What the executor needs of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) cpu_millis: u64,
    pub(crate) memory_bytes: u64,
}

/// How the executor is to be ended, as its spec says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndAsked {
    pub(crate) grace_ms: u64,
    pub(crate) decommission: bool,
}

/// Kubernetes' grace where the spec gives none.
const DEFAULT_GRACE_MS: u64 = 30_000;

/// Spark's smallest memory overhead, taken where the spec asks for no memory.
const MIN_OVERHEAD: u64 = 384 << 20;

impl Needs {
    /// From `resources.requests`, else from what the launch says.
    pub(crate) fn of(pod: &Value, launch: &Launch) -> Result<Self, Refusal> {
        let requests = executor_container(pod).map(|container| &container["resources"]["requests"]);
        let read = |name: &str, parse: fn(&str) -> Option<u64>| match requests.map(|requests| &requests[name])
        {
            None | Some(Value::Null) => Ok(None),
            Some(asked) => {
                let text = asked.as_str().map_or_else(|| asked.to_string(), str::to_owned);
                let refusal = || Refusal::invalid(format!("the {name} request is not a quantity: '{text}'"));
                parse(&text).map(Some).ok_or_else(refusal)
            }
        };
        let heap = launch.shared.heap_bytes;
        Ok(Self {
            cpu_millis: read("cpu", cpu_millis)?.unwrap_or(u64::from(launch.shared.cores) * 1000),
            memory_bytes: read("memory", memory_bytes)?
                .unwrap_or_else(|| heap.saturating_add(MIN_OVERHEAD.max(heap / 10))),
        })
    }
}

impl EndAsked {
    pub(crate) fn of(pod: &Value) -> Self {
        let seconds = pod["spec"]["terminationGracePeriodSeconds"].as_u64();
        let grace_ms = seconds.map_or(DEFAULT_GRACE_MS, |seconds| seconds.saturating_mul(1000));
        let decommission =
            executor_container(pod).is_some_and(|container| container["lifecycle"]["preStop"].is_object());
        Self { grace_ms, decommission }
    }
}

/// The executor's container as its status names it.
pub(crate) fn container(pod: &Value) -> Container {
    let container = executor_container(pod);
    let text = |field: &str| container.and_then(|container| container[field].as_str()).map(str::to_owned);
    Container {
        name: text("name").unwrap_or_else(|| "spark-kubernetes-executor".to_owned()),
        image: text("image").unwrap_or_default(),
    }
}
