//! From a launch and a machine to a command line and an environment: what Spark's `entrypoint.sh` does in a container.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::launch::{ExecutorClass, Launch, Mount};
use crate::template::{Piece, Template};

/// The facts of the machine, and of this executor's place on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Path of `java`.
    pub java: String,
    /// Class path of the runtime, in order (`…/jars/*` is one entry).
    pub class_path: Vec<String>,
    /// Spark's configuration folder; used where the pod brings none. It comes last on the class path, because a
    /// class-data archive allows no folder before the jars.
    pub conf_dir: Option<String>,
    /// Heap bounds.
    pub heap: Heap,
    /// The executor's address.
    pub ip: String,
    /// The machine's name.
    pub node_name: String,
    /// The folder under which each volume of this executor is a folder of the volume's name.
    pub volumes_dir: String,
    /// Options for the JVM before Spark's own: log, class-data archive, collector.
    pub java_options: Vec<String>,
    /// Environment under the pod's own: `PATH`, `SPARK_HOME`, `HOME`, …
    pub env: BTreeMap<String, String>,
}

/// Heap bounds in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heap {
    /// `-Xms`.
    pub min_bytes: u64,
    /// `-Xmx`.
    pub max_bytes: u64,
}

/// The executor's command line, program first.
pub fn command(launch: &Launch, machine: &Machine) -> Vec<String> {
    let (shared, pod) = (&*launch.shared, &launch.pod);
    let render = |template: &Template| render(template, launch, machine);
    let mut line = vec![machine.java.clone()];
    line.extend(machine.java_options.iter().cloned());
    line.extend(shared.java_options.iter().map(&render));
    line.push(format!("-Xms{}k", machine.heap.min_bytes.min(machine.heap.max_bytes) / 1024));
    line.push(format!("-Xmx{}k", machine.heap.max_bytes / 1024));
    line.extend(["-cp".to_owned(), class_path(launch, machine), shared.executor_class.name().to_owned()]);
    let cores = shared.cores.to_string();
    let mut arguments = vec![
        ("--driver-url", shared.driver_url.as_str()),
        ("--executor-id", &pod.executor_id),
        ("--cores", &cores),
        ("--app-id", &shared.app_id),
        ("--hostname", &machine.ip),
        ("--resourceProfileId", &shared.resource_profile_id),
    ];
    if shared.executor_class == ExecutorClass::Kubernetes {
        arguments.push(("--podName", &pod.pod_name));
    }
    line.extend(arguments.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()]));
    line
}

/// The executor's whole environment.
pub fn env(launch: &Launch, machine: &Machine) -> BTreeMap<String, String> {
    let mut env = machine.env.clone();
    env.insert("SPARK_LOCAL_IP".to_owned(), machine.ip.clone());
    for (name, value) in &launch.shared.env {
        env.insert(name.clone(), render(value, launch, machine));
    }
    match conf_dir(launch, machine) {
        Some(dir) => env.insert("SPARK_CONF_DIR".to_owned(), dir),
        None => env.remove("SPARK_CONF_DIR"),
    };
    env
}

/// The user's entries, the runtime's jars, the configuration folder.
fn class_path(launch: &Launch, machine: &Machine) -> String {
    let user = launch.shared.extra_class_path.as_ref().map(|path| render(path, launch, machine));
    let entries = user.into_iter().chain(machine.class_path.iter().cloned()).chain(conf_dir(launch, machine));
    entries.filter(|entry| !entry.is_empty()).collect::<Vec<_>>().join(":")
}

/// The pod's own configuration folder if it mounts one, else the machine's.
fn conf_dir(launch: &Launch, machine: &Machine) -> Option<String> {
    let of_pod = launch.shared.env.get("SPARK_CONF_DIR");
    let mounted = of_pod.filter(|dir| dir.0.iter().any(|piece| matches!(piece, Piece::Volume(_))));
    mounted.map(|dir| render(dir, launch, machine)).or_else(|| machine.conf_dir.clone())
}

fn render(template: &Template, launch: &Launch, machine: &Machine) -> String {
    template.render(|piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Volume(name) => volume_dir(launch, machine, name),
        Piece::PodIp => machine.ip.clone(),
        Piece::PodName => launch.pod.pod_name.clone(),
        Piece::PodUid => launch.pod.uid.clone(),
        Piece::Namespace => launch.pod.namespace.clone(),
        Piece::NodeName => machine.node_name.clone(),
        Piece::ExecutorId => launch.pod.executor_id.clone(),
    })
}

fn volume_dir(launch: &Launch, machine: &Machine, name: &str) -> String {
    match launch.shared.mounts.get(name) {
        Some(Mount::Host(path)) => path.clone(),
        _ => format!("{}/{name}", machine.volumes_dir.trim_end_matches('/')),
    }
}
