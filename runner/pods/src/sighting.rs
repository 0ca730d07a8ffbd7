//! What was seen of an executor, and how a pod's status says it to Spark.
//!
//! Spark reads `phase`, `podIP`, `containerStatuses[].state`, `reason`, `message` and `metadata.deletionTimestamp`
//! (`ExecutorPodsSnapshot.toState`, `ExecutorPodsLifecycleManager.findExitReason`).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::time::rfc3339;

/// What is known of one executor now. The same sighting twice says nothing new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Uid of the pod.
    pub uid: String,
    /// What was seen.
    pub seen: Seen,
}

/// How far an executor has come; it only ever moves down this list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// Not started yet.
    Pending {
        /// Why, in words for the user.
        reason: String,
    },
    /// Its process runs.
    Running {
        /// The address it is reached by.
        ip: String,
    },
    /// Its process has ended.
    Ended(Ended),
}

/// How an executor ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How its process ended; `None` if nobody saw it.
    pub exit: Option<Exit>,
    /// Why, if it is known.
    pub reason: Option<EndReason>,
    /// More, in words for the user.
    pub message: Option<String>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// It was ended by this signal.
    Signal(i32),
}

/// Why an executor ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// It used more memory than it was given: the job's fault.
    OomKilled,
    /// The platform wanted its place: not the job's fault.
    Evicted,
    /// Its host or its runner is gone: not the job's fault.
    Lost,
    /// Anything else, as a word.
    Other(String),
}

impl Ended {
    /// Whether the platform ended it. Spark must then not count it as a failure of the job.
    pub fn by_platform(&self) -> bool {
        matches!(self.reason, Some(EndReason::Evicted | EndReason::Lost))
    }

    /// The exit code as Kubernetes reports it: 128 + n for signal n; 137 if nobody saw the end.
    pub fn code(&self) -> i32 {
        match self.exit {
            Some(Exit::Code(code)) => code,
            Some(Exit::Signal(signal)) => 128 + signal,
            None => 137,
        }
    }

    /// Whether it ended well.
    pub fn succeeded(&self) -> bool {
        self.code() == 0 && !self.by_platform() && self.reason != Some(EndReason::OomKilled)
    }

    fn word(&self) -> Option<&str> {
        self.reason.as_ref().map(|reason| match reason {
            EndReason::OomKilled => "OOMKilled",
            EndReason::Evicted => "Evicted",
            EndReason::Lost => "Lost",
            EndReason::Other(word) => word,
        })
    }
}

/// Status of a pod that waits. `reason` is empty right after its creation.
pub(crate) fn pending(reason: &str) -> Value {
    let conditions = if reason.is_empty() {
        json!([])
    } else {
        json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": reason}])
    };
    json!({"phase": "Pending", "conditions": conditions, "containerStatuses": []})
}

/// Status of a pod whose process runs since `since` (Unix milliseconds).
pub(crate) fn running(container: &Container, ip: &str, since: u64) -> Value {
    let state = json!({"running": {"startedAt": rfc3339(since)}});
    json!({
        "phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "hostIP": ip, "startTime": rfc3339(since),
        "conditions": conditions(true),
        "containerStatuses": [container.status(state, true)],
    })
}

/// Status of a pod that ended at `now`; `before` is its status until then.
pub(crate) fn ended(container: &Container, before: &Value, since: u64, ended: &Ended, now: u64) -> Value {
    let succeeded = ended.succeeded();
    let word = ended.word().unwrap_or(if succeeded { "Completed" } else { "Error" });
    let mut terminated = json!({
        "exitCode": ended.code(), "reason": word, "startedAt": rfc3339(since), "finishedAt": rfc3339(now),
    });
    if let Some(Exit::Signal(signal)) = ended.exit {
        terminated["signal"] = json!(signal);
    }
    let mut status = json!({
        "phase": if succeeded { "Succeeded" } else { "Failed" },
        "startTime": rfc3339(since),
        "conditions": conditions(false),
        "containerStatuses": [container.status(json!({"terminated": terminated}), false)],
    });
    for field in ["podIP", "podIPs", "hostIP"] {
        if let Some(value) = before.get(field) {
            status[field] = value.clone();
        }
    }
    if let Some(word) = ended.word() {
        status["reason"] = json!(word);
    }
    if let Some(message) = &ended.message {
        status["message"] = json!(message);
    }
    status
}

/// The executor's container, as the pod names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
}

impl Container {
    fn status(&self, state: Value, ready: bool) -> Value {
        json!({
            "name": self.name, "image": self.image, "imageID": "", "ready": ready, "started": ready,
            "restartCount": 0, "state": state, "lastState": {},
        })
    }
}

fn conditions(ready: bool) -> Value {
    let ready = if ready { "True" } else { "False" };
    json!([
        {"type": "PodScheduled", "status": "True"},
        {"type": "ContainersReady", "status": ready},
        {"type": "Ready", "status": ready},
    ])
}
