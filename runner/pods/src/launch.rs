//! From a pod's spec to how its executor is started, wherever that will be.
//!
//! The spec is what Spark's `BasicExecutorFeatureStep` writes (the same names in 3.2 … 4.x); the command is that of the
//! `executor` case of Spark's `entrypoint.sh`. What differs between two executors of one resource profile is kept apart
//! ([`PodLaunch`]), so that the rest ([`SharedLaunch`]) is the same bytes for all of them. The environment may carry
//! Spark's authentication secret: store it no wider than the run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::quantity::jvm_bytes;
use crate::refusal::Refusal;
use crate::template::{Piece, Template};

/// How one executor is started.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Launch {
    /// What all executors of the profile have in common.
    pub shared: Arc<SharedLaunch>,
    /// What is this executor's own.
    pub pod: PodLaunch,
}

/// What is one executor's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PodLaunch {
    /// Spark's number of the executor; begins again at 1 with each SparkContext.
    pub executor_id: String,
    /// Name of the pod.
    pub pod_name: String,
    /// Uid of the pod: the executor's identity.
    pub uid: String,
    /// Namespace of the pod.
    pub namespace: String,
}

/// What the executors of one resource profile of one SparkContext have in common.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SharedLaunch {
    /// The class whose `main` is the executor.
    pub executor_class: ExecutorClass,
    /// Where the driver listens.
    pub driver_url: String,
    /// Spark's application id.
    pub app_id: String,
    /// Number of the resource profile.
    pub resource_profile_id: String,
    /// Task slots.
    pub cores: u32,
    /// Heap asked for, in bytes.
    pub heap_bytes: u64,
    /// `spark.executor.extraClassPath`.
    pub extra_class_path: Option<Template>,
    /// Options for the JVM, in Spark's order.
    pub java_options: Vec<Template>,
    /// Environment, without the Java options.
    pub env: BTreeMap<String, Template>,
    /// Volumes by name.
    pub mounts: BTreeMap<String, Mount>,
}

/// What a volume is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mount {
    /// An empty folder of the pod's own (`emptyDir`, or a claim: nothing on this machine outlives the pod).
    Scratch,
    /// A folder with these files (`configMap`).
    Files(BTreeMap<String, String>),
    /// A folder of the machine (`hostPath`).
    Host(String),
}

/// The class that runs an executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutorClass {
    /// Spark 3.2 and older; knows no `--podName`.
    CoarseGrained,
    /// Spark 3.3 and newer.
    Kubernetes,
}

impl ExecutorClass {
    /// Which class runs executors of a Spark `version` such as `3.5.9`; a version that cannot be read is a new one.
    pub fn of_version(version: &str) -> Self {
        let mut numbers = version.split(['.', '-']).map(|part| part.parse::<u32>().ok());
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(major), _) if major < 3 => Self::CoarseGrained,
            (Some(3), Some(minor)) if minor < 3 => Self::CoarseGrained,
            _ => Self::Kubernetes,
        }
    }

    /// Its full name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CoarseGrained => "org.apache.spark.executor.CoarseGrainedExecutorBackend",
            Self::Kubernetes => "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
        }
    }
}

impl SharedLaunch {
    /// The bytes that stand for this launch: equal for equal launches, whoever writes them.
    pub fn canonical_json(&self) -> String {
        // Cannot fail: every key is a string.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl fmt::Debug for SharedLaunch {
    /// Without the environment's values and files: they may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedLaunch")
            .field("executor_class", &self.executor_class)
            .field("app_id", &self.app_id)
            .field("resource_profile_id", &self.resource_profile_id)
            .field("cores", &self.cores)
            .field("heap_bytes", &self.heap_bytes)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The container of `pod` that is the executor: by Spark's name for it, else the one started as `executor`, else the first.
pub(crate) fn executor_container(pod: &Value) -> Option<&Value> {
    let containers = pod["spec"]["containers"].as_array()?;
    let by_name = containers.iter().find(|container| container["name"] == "spark-kubernetes-executor");
    let by_args = || containers.iter().find(|container| container["args"][0] == "executor");
    by_name.or_else(by_args).or_else(|| containers.first())
}

/// Names of the config maps that `pod` mounts.
pub(crate) fn config_maps(pod: &Value) -> Vec<&str> {
    let volumes = pod["spec"]["volumes"].as_array().map(Vec::as_slice).unwrap_or_default();
    volumes.iter().filter_map(|volume| volume["configMap"]["name"].as_str()).collect()
}

/// How the executor of `pod` is started. `files` gives the content of a config map; `default_version` is the Spark
/// version where the pod has no `spark-version` label. A pod that is no executor is refused.
pub(crate) fn launch(
    pod: &Value,
    default_version: &str,
    files: impl Fn(&str) -> BTreeMap<String, String>,
) -> Result<Launch, Refusal> {
    let container = executor_container(pod).ok_or_else(|| Refusal::invalid("the pod has no container"))?;
    let volumes = pod["spec"]["volumes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let places = mount_paths(container);
    let mut env = environment(container, &places);
    let java_options = take_java_options(&mut env);
    let metadata = &pod["metadata"];
    let version = metadata["labels"]["spark-version"].as_str().unwrap_or(default_version);
    let shared = SharedLaunch {
        executor_class: ExecutorClass::of_version(version),
        driver_url: required(container, "SPARK_DRIVER_URL")?,
        app_id: required(container, "SPARK_APPLICATION_ID")?,
        resource_profile_id: variable(container, "SPARK_RESOURCE_PROFILE_ID").unwrap_or("0").to_owned(),
        cores: number(&required(container, "SPARK_EXECUTOR_CORES")?, "SPARK_EXECUTOR_CORES")?,
        heap_bytes: heap(&required(container, "SPARK_EXECUTOR_MEMORY")?)?,
        extra_class_path: env.get("SPARK_CLASSPATH").cloned(),
        java_options,
        env,
        mounts: volumes.iter().filter_map(|volume| mount(volume, &places, &files)).collect(),
    };
    let text = |field: &str| metadata[field].as_str().unwrap_or("").to_owned();
    let pod = PodLaunch {
        executor_id: required(container, "SPARK_EXECUTOR_ID")?,
        pod_name: text("name"),
        uid: text("uid"),
        namespace: text("namespace"),
    };
    Ok(Launch { shared: Arc::new(shared), pod })
}

fn variable<'a>(container: &'a Value, name: &str) -> Option<&'a str> {
    let variables = container["env"].as_array()?;
    variables.iter().rev().find(|variable| variable["name"] == name)?["value"].as_str()
}

fn required(container: &Value, name: &str) -> Result<String, Refusal> {
    let value = variable(container, name).filter(|value| !value.is_empty());
    value
        .map(str::to_owned)
        .ok_or_else(|| Refusal::invalid(format!("the pod is no Spark executor: it has no {name}")))
}

fn number(text: &str, name: &str) -> Result<u32, Refusal> {
    text.parse().map_err(|_| Refusal::invalid(format!("{name} is not a number: '{text}'")))
}

fn heap(text: &str) -> Result<u64, Refusal> {
    jvm_bytes(text).ok_or_else(|| Refusal::invalid(format!("SPARK_EXECUTOR_MEMORY is not a size: '{text}'")))
}

/// Mounts as (path, volume), longest path first.
fn mount_paths(container: &Value) -> Vec<(String, String)> {
    let mounts = container["volumeMounts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let place = |mount: &Value| {
        let path = mount["mountPath"].as_str()?.trim_end_matches('/');
        Some((path.to_owned(), mount["name"].as_str()?.to_owned()))
    };
    let mut places: Vec<_> = mounts.iter().filter_map(place).filter(|(path, _)| !path.is_empty()).collect();
    places.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    places
}

fn mount(
    volume: &Value,
    places: &[(String, String)],
    files: &impl Fn(&str) -> BTreeMap<String, String>,
) -> Option<(String, Mount)> {
    let name = volume["name"].as_str().filter(|name| places.iter().any(|(_, mounted)| mounted == name))?;
    let mount = if let Some(path) = volume["hostPath"]["path"].as_str() {
        Mount::Host(path.trim_end_matches('/').to_owned())
    } else if let Some(map) = volume["configMap"]["name"].as_str() {
        Mount::Files(files(map))
    } else {
        Mount::Scratch
    };
    Some((name.to_owned(), mount))
}

fn environment(container: &Value, places: &[(String, String)]) -> BTreeMap<String, Template> {
    let variables = container["env"].as_array().map(Vec::as_slice).unwrap_or_default();
    variables
        .iter()
        .filter_map(|variable| {
            let name = variable["name"].as_str()?;
            let field = variable["valueFrom"]["fieldRef"]["fieldPath"].as_str();
            let value = match (name, field) {
                ("SPARK_EXECUTOR_ID", _) => Template::of(Piece::ExecutorId),
                (_, Some("status.podIP" | "status.hostIP")) => Template::of(Piece::PodIp),
                (_, Some("metadata.name")) => Template::of(Piece::PodName),
                (_, Some("metadata.uid")) => Template::of(Piece::PodUid),
                (_, Some("metadata.namespace")) => Template::of(Piece::Namespace),
                (_, Some("spec.nodeName")) => Template::of(Piece::NodeName),
                (_, Some(_)) => return None,
                (_, None) => Template::with_mounts(variable["value"].as_str().unwrap_or(""), places),
            };
            Some((name.to_owned(), value))
        })
        .collect()
}

/// Takes `SPARK_JAVA_OPT_<n>` out of `env`, by ascending number.
fn take_java_options(env: &mut BTreeMap<String, Template>) -> Vec<Template> {
    let number =
        |name: &str| name.strip_prefix("SPARK_JAVA_OPT_").and_then(|digits| digits.parse::<u32>().ok());
    let names: BTreeMap<u32, String> =
        env.keys().filter_map(|name| Some((number(name)?, name.clone()))).collect();
    names.values().filter_map(|name| env.remove(name)).collect()
}
