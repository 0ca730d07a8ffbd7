//! Real request bodies (stock Spark 3.4.4, 3.5.9, 4.0.5) and short ways to send them.
#![allow(dead_code)] // each test file uses its own part

use firesteel_pods::{
    Body, Call, Cluster, EndReason, Ended, Exit, Reply, Seen, Settings, Sighting, WantedExecutor, Watch,
};
use serde_json::{Value, json};

pub const POD_1: &str = include_str!("../fixtures/pod-3.5.9-exec-1.json");
pub const POD_2: &str = include_str!("../fixtures/pod-3.5.9-exec-2.json");
pub const POD_CLAIM: &str = include_str!("../fixtures/pod-3.5.9-claim.json");
pub const POD_344: &str = include_str!("../fixtures/pod-3.4.4-exec-1.json");
pub const POD_405: &str = include_str!("../fixtures/pod-4.0.5-exec-1.json");
pub const CONFIG_MAP: &str = include_str!("../fixtures/configmap-3.5.9.json");
pub const CLAIM: &str = include_str!("../fixtures/claim-3.5.9.json");

pub const PODS: &str = "/api/v1/namespaces/default/pods";
pub const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
pub const CLAIMS: &str = "/api/v1/namespaces/default/persistentvolumeclaims";
pub const NOW: u64 = 1_795_265_422_000;

pub fn cluster() -> Cluster {
    Cluster::new(Settings::new(7, "3.5.9"))
}

pub fn call(cluster: &mut Cluster, method: &str, target: &str, body: &str, now: u64) -> Reply {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let content_type =
        if method == "PATCH" { "application/json-patch+json" } else { "application/json; charset=utf-8" };
    cluster.handle(&Call { method, path, query, content_type, body: body.as_bytes() }, now)
}

pub fn json_of(reply: &Reply) -> &Value {
    match &reply.body {
        Body::Json(value) => value,
        Body::Watch(_) => panic!("a watch"),
    }
}

pub fn watch(cluster: &mut Cluster, target: &str) -> Watch {
    match call(cluster, "GET", target, "", NOW).body {
        Body::Watch(watch) => watch,
        Body::Json(value) => panic!("{value}"),
    }
}

/// A pod like the real one, without config map and Java options, with its own name, number and labels.
pub fn pod(n: u64) -> String {
    let mut pod: Value = serde_json::from_str(POD_1).unwrap();
    pod["metadata"]["name"] = json!(format!("exec-{n}"));
    pod["metadata"]["labels"]["spark-exec-id"] = json!(n.to_string());
    pod["spec"]["volumes"].as_array_mut().unwrap().retain(|volume| volume["configMap"].is_null());
    let env = pod["spec"]["containers"][0]["env"].as_array_mut().unwrap();
    env.retain(|variable| !variable["name"].as_str().unwrap().starts_with("SPARK_JAVA_OPT_"));
    for variable in env {
        if variable["name"] == "SPARK_EXECUTOR_ID" {
            variable["value"] = json!(n.to_string());
        }
    }
    pod.to_string()
}

/// Creates pod `n` and gives its uid.
pub fn create(cluster: &mut Cluster, n: u64, now: u64) -> String {
    let reply = call(cluster, "POST", PODS, &pod(n), now);
    assert_eq!(reply.status, 201, "{reply:?}");
    json_of(&reply)["metadata"]["uid"].as_str().unwrap().to_owned()
}

pub fn sighting(uid: &str, seen: Seen) -> Sighting {
    Sighting { uid: uid.to_owned(), seen }
}

pub fn running(uid: &str) -> Sighting {
    sighting(uid, Seen::Running { ip: "127.0.1.1".to_owned() })
}

pub fn ended(uid: &str, exit: Exit, reason: Option<EndReason>) -> Sighting {
    sighting(uid, Seen::Ended(Ended { exit: Some(exit), reason, message: None }))
}

/// Events as (type, phase, whether deletionTimestamp is set).
pub fn brief(events: &[String]) -> Vec<(String, String, bool)> {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let parsed = events.iter().map(|event| serde_json::from_str::<Value>(event).unwrap());
    parsed
        .map(|event| {
            let object = &event["object"];
            (
                text(&event["type"]),
                text(&object["status"]["phase"]),
                object["metadata"]["deletionTimestamp"].is_string(),
            )
        })
        .collect()
}

pub fn names(executors: &[WantedExecutor]) -> Vec<&str> {
    executors.iter().map(|executor| executor.executor_id.as_str()).collect()
}
