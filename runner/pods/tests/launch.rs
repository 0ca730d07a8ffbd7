//! From real pod specs to command lines and environments.

mod support;

use std::collections::BTreeMap;

use firesteel_pods::{Cluster, ExecutorClass, Heap, Launch, Machine, Mount, command, env};
use serde_json::{Value, json};
use support::*;

fn launch_of(body: &str) -> Launch {
    let mut cluster: Cluster = cluster();
    let map = serde_json::from_str::<Value>(body).unwrap()["spec"]["volumes"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|volume| volume["configMap"]["name"].as_str().map(str::to_owned));
    if let Some(name) = map {
        let mut config_map: Value = serde_json::from_str(CONFIG_MAP).unwrap();
        config_map["metadata"]["name"] = json!(name);
        assert_eq!(call(&mut cluster, "POST", CONFIG_MAPS, &config_map.to_string(), NOW).status, 201);
    }
    assert_eq!(call(&mut cluster, "POST", PODS, body, NOW).status, 201);
    cluster.wanted().executors[0].launch.clone()
}

fn machine() -> Machine {
    Machine {
        java: "/jdk/bin/java".to_owned(),
        class_path: vec!["/spark/jars/*".to_owned()],
        conf_dir: Some("/spark/conf".to_owned()),
        heap: Heap { min_bytes: 64 << 20, max_bytes: 512 << 20 },
        ip: "127.0.1.5".to_owned(),
        node_name: "node".to_owned(),
        volumes_dir: "/w/7/".to_owned(),
        java_options: vec!["-XX:SharedArchiveFile=/a.jsa".to_owned()],
        env: BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]),
    }
}

fn after<'a>(line: &'a [String], flag: &str) -> Option<&'a str> {
    line.iter().position(|word| word == flag).map(|at| line[at + 1].as_str())
}

#[test]
fn the_command_is_that_of_sparks_entrypoint() {
    let launch = launch_of(POD_1);
    let line = command(&launch, &machine());
    assert_eq!(
        line[..3],
        ["/jdk/bin/java", "-XX:SharedArchiveFile=/a.jsa", "-Djava.net.preferIPv6Addresses=false"]
    );
    let own: Vec<_> = line
        .iter()
        .filter(|word| {
            ["-Da", "-Db", "-Dc", "-Dd", "-De", "-Df", "-Dg"]
                .iter()
                .any(|own| word.starts_with(own) && word.as_bytes()[3] == b'=')
        })
        .collect();
    assert_eq!(
        own,
        ["-Da=1", "-Db=2", "-Dc=3", "-Dd=4", "-De=5", "-Df=6", "-Dg=7"],
        "numeric order: 18 … 24 after 2"
    );
    let main = line.iter().position(|word| word == "-Xms65536k").unwrap();
    assert_eq!(
        line[main..],
        [
            "-Xms65536k",
            "-Xmx524288k",
            "-cp",
            "/x/y.jar:/spark/jars/*:/w/7/spark-conf-volume-exec",
            "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
            "--driver-url",
            "spark://CoarseGrainedScheduler@127.0.0.1:36261",
            "--executor-id",
            "1",
            "--cores",
            "1",
            "--app-id",
            "spark-adac0bdddf4c421e9f28893727e47989",
            "--hostname",
            "127.0.1.5",
            "--resourceProfileId",
            "0",
            "--podName",
            "tiny-b5a01ca1fe286707-exec-1",
        ]
    );
}

#[test]
fn the_environment_is_the_pods_on_top_of_the_machines() {
    let env = env(&launch_of(POD_1), &machine());
    for (name, value) in [
        ("PATH", "/bin"),
        ("FOO", "bar"),
        ("SPARK_LOCAL_IP", "127.0.1.5"),
        ("SPARK_EXECUTOR_POD_IP", "127.0.1.5"),
        ("SPARK_EXECUTOR_POD_NAME", "tiny-b5a01ca1fe286707-exec-1"),
        ("SPARK_EXECUTOR_ID", "1"),
        ("SPARK_EXECUTOR_MEMORY", "600m"),
        ("SPARK_LOCAL_DIRS", "/w/7/spark-local-dir-1"),
        ("SPARK_CONF_DIR", "/w/7/spark-conf-volume-exec"),
    ] {
        assert_eq!(env.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(env.keys().all(|name| !name.starts_with("SPARK_JAVA_OPT_")));
}

#[test]
fn without_a_config_map_the_machines_folder_counts() {
    let launch = launch_of(POD_CLAIM);
    let mut machine = machine();
    assert_eq!(after(&command(&launch, &machine), "-cp"), Some("/spark/jars/*:/spark/conf"));
    assert_eq!(env(&launch, &machine)["SPARK_CONF_DIR"], "/spark/conf");
    assert_eq!(env(&launch, &machine)["SPARK_LOCAL_DIRS"], "/w/7/spark-local-dir-1");
    machine.conf_dir = None;
    assert_eq!(after(&command(&launch, &machine), "-cp"), Some("/spark/jars/*"));
    assert!(!env(&launch, &machine).contains_key("SPARK_CONF_DIR"));
}

#[test]
fn volumes_are_scratch_files_or_the_machines() {
    let mounts = launch_of(POD_1).shared.mounts.clone();
    assert_eq!(mounts["spark-local-dir-1"], Mount::Scratch);
    let Mount::Files(files) = &mounts["spark-conf-volume-exec"] else { panic!("{mounts:?}") };
    assert!(files["spark.properties"].contains("spark.kubernetes.namespace=default"));
    assert_eq!(
        launch_of(POD_CLAIM).shared.mounts,
        BTreeMap::from([("spark-local-dir-1".to_owned(), Mount::Scratch)])
    );
    let mut body: Value = serde_json::from_str(POD_CLAIM).unwrap();
    body["spec"]["volumes"][0] = json!({"name": "spark-local-dir-1", "hostPath": {"path": "/mnt/fast/"}});
    let launch = launch_of(&body.to_string());
    assert_eq!(env(&launch, &machine())["SPARK_LOCAL_DIRS"], "/mnt/fast");
}

#[test]
fn executors_of_one_profile_share_the_same_bytes() {
    let (first, second) = (launch_of(POD_1), launch_of(POD_2));
    assert_eq!(first.shared.canonical_json(), second.shared.canonical_json());
    assert_ne!(first.pod, second.pod);
    let mut other: Value = serde_json::from_str(POD_2).unwrap();
    for variable in other["spec"]["containers"][0]["env"].as_array_mut().unwrap() {
        if variable["name"] == "SPARK_RESOURCE_PROFILE_ID" {
            variable["value"] = json!("1");
        }
    }
    assert_ne!(first.shared.canonical_json(), launch_of(&other.to_string()).shared.canonical_json());
}

#[test]
fn a_launch_survives_json() {
    for body in [POD_1, POD_CLAIM, POD_344, POD_405] {
        let launch = launch_of(body);
        let text = serde_json::to_string(&launch).unwrap();
        let back: Launch = serde_json::from_str(&text).unwrap();
        assert_eq!(back, launch);
        assert_eq!(back.shared.canonical_json(), launch.shared.canonical_json());
    }
}

#[test]
fn a_launch_does_not_print_what_may_be_secret() {
    let mut body: Value = serde_json::from_str(POD_1).unwrap();
    let env = body["spec"]["containers"][0]["env"].as_array_mut().unwrap();
    env.push(json!({"name": "_SPARK_AUTH_SECRET", "value": "hush-hush"}));
    let launch = launch_of(&body.to_string());
    assert!(launch.shared.canonical_json().contains("hush-hush"));
    assert!(!format!("{launch:?}").contains("hush-hush"));
}

#[test]
fn every_version_has_its_executor_class_and_arguments() {
    for (body, extra) in [(POD_344, ""), (POD_1, ""), (POD_405, "--add-modules=jdk.incubator.vector")] {
        let line = command(&launch_of(body), &machine());
        assert!(line.contains(&ExecutorClass::Kubernetes.name().to_owned()));
        assert!(after(&line, "--podName").is_some());
        assert!(extra.is_empty() || line.iter().any(|word| word == extra), "{line:?}");
    }
    for version in ["3.2.1", "3.2.1-amzn-0", "2.4.8"] {
        let mut body: Value = serde_json::from_str(POD_344).unwrap();
        body["metadata"]["labels"]["spark-version"] = json!(version);
        let line = command(&launch_of(&body.to_string()), &machine());
        assert!(line.contains(&ExecutorClass::CoarseGrained.name().to_owned()), "{version}");
        assert_eq!(after(&line, "--podName"), None);
    }
    for (version, class) in [
        ("3.3.0", ExecutorClass::Kubernetes),
        ("3.10.0", ExecutorClass::Kubernetes),
        ("4.0.5", ExecutorClass::Kubernetes),
        ("unknown", ExecutorClass::Kubernetes),
    ] {
        assert_eq!(ExecutorClass::of_version(version), class, "{version}");
    }
}
