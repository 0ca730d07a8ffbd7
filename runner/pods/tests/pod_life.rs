//! The life of a pod, as Spark must see it: the rules measured against unmodified Spark.

mod support;

use firesteel_pods::{Changed, EndReason, Ended, Exit, Seen, WantedState};
use serde_json::{Value, json};
use support::*;

fn event(kind: &str, phase: &str, deleting: bool) -> (String, String, bool) {
    (kind.to_owned(), phase.to_owned(), deleting)
}

fn pod_of(cluster: &mut firesteel_pods::Cluster, name: &str) -> Value {
    json_of(&call(cluster, "GET", &format!("{PODS}/{name}"), "", NOW)).clone()
}

#[test]
fn a_pod_is_answered_at_once_and_waits() {
    let mut cluster = cluster();
    let reply = call(&mut cluster, "POST", PODS, &pod(1), NOW);
    assert_eq!((reply.status, reply.effects), (201, Changed { events: true, wanted: true }));
    let pod = json_of(&reply);
    assert_eq!(pod["status"]["phase"], "Pending");
    assert_eq!(pod["metadata"]["creationTimestamp"], "2026-11-21T12:50:22Z");
    assert_eq!(pod["metadata"]["uid"].as_str().unwrap().len(), 36);
    assert_eq!(pod["spec"]["restartPolicy"], "Never");
    assert_eq!(call(&mut cluster, "POST", PODS, &support::pod(1), NOW).status, 409);
    let wanted = &cluster.wanted().executors[0];
    assert_eq!(
        (wanted.cpu_millis, wanted.memory_bytes, wanted.state),
        (1000, 984 << 20, WantedState::Running)
    );
}

#[test]
fn the_status_says_what_was_seen() {
    let mut cluster = cluster();
    let uid = create(&mut cluster, 1, NOW);
    cluster.observe(&[sighting(&uid, Seen::Pending { reason: "queued".to_owned() })], NOW);
    assert_eq!(pod_of(&mut cluster, "exec-1")["status"]["conditions"][0]["message"], "queued");
    cluster.observe(&[running(&uid)], NOW + 1000);
    let status = pod_of(&mut cluster, "exec-1")["status"].clone();
    assert_eq!((&status["phase"], &status["podIP"]), (&json!("Running"), &json!("127.0.1.1")));
    let container = &status["containerStatuses"][0];
    assert_eq!(container["name"], "spark-kubernetes-executor");
    assert_eq!(container["state"], json!({"running": {"startedAt": "2026-11-21T12:50:23Z"}}));
    let oom = Ended {
        exit: Some(Exit::Signal(9)),
        reason: Some(EndReason::OomKilled),
        message: Some("too big".to_owned()),
    };
    cluster.observe(&[sighting(&uid, Seen::Ended(oom))], NOW + 3000);
    let status = pod_of(&mut cluster, "exec-1")["status"].clone();
    assert_eq!(
        (&status["phase"], &status["reason"], &status["message"]),
        (&json!("Failed"), &json!("OOMKilled"), &json!("too big"))
    );
    assert_eq!(
        status["containerStatuses"][0]["state"]["terminated"],
        json!({"exitCode": 137, "signal": 9, "reason": "OOMKilled",
               "startedAt": "2026-11-21T12:50:23Z", "finishedAt": "2026-11-21T12:50:25Z"})
    );
}

#[test]
fn the_same_sighting_twice_is_one_event_and_nothing_comes_back() {
    let mut cluster = cluster();
    let uid = create(&mut cluster, 1, NOW);
    let mut watch = watch(&mut cluster, &format!("{PODS}?watch=true"));
    let _ = cluster.follow(&mut watch);
    let end = ended(&uid, Exit::Code(1), None);
    for (seen, published) in [
        (sighting(&uid, Seen::Pending { reason: "queued".to_owned() }), 1),
        (sighting(&uid, Seen::Pending { reason: "queued".to_owned() }), 0),
        (running(&uid), 1),
        (running(&uid), 0),
        (sighting(&uid, Seen::Pending { reason: "again".to_owned() }), 0),
        (end.clone(), 1),
        (end, 0),
        (running(&uid), 0),
        (ended(&uid, Exit::Code(0), None), 0),
        (running("no-such-pod"), 0),
    ] {
        let changed = cluster.observe(std::slice::from_ref(&seen), NOW);
        assert_eq!(cluster.follow(&mut watch).len(), published, "{seen:?}");
        assert_eq!(changed.events, published > 0, "{seen:?}");
    }
    assert!(cluster.wanted().executors.is_empty());
}

/// What deletion and end look like to a watcher, by how the end came.
#[test]
fn an_end_is_published_before_the_deletion() {
    let delete = |cluster: &mut firesteel_pods::Cluster| {
        assert_eq!(call(cluster, "DELETE", &format!("{PODS}/exec-1"), "{}", NOW).status, 200);
    };
    type Step<'a> = &'a dyn Fn(&mut firesteel_pods::Cluster, &str);
    let run: Step = &|cluster, uid| {
        let _ = cluster.observe(&[running(uid)], NOW);
    };
    let crash: Step = &|cluster, uid| {
        let _ = cluster.observe(&[ended(uid, Exit::Signal(9), None)], NOW);
    };
    let well: Step = &|cluster, uid| {
        let _ = cluster.observe(&[ended(uid, Exit::Code(0), None)], NOW);
    };
    let evict: Step = &|cluster, uid| {
        let _ = cluster.observe(&[ended(uid, Exit::Signal(15), Some(EndReason::Evicted))], NOW);
    };
    let delete: Step = &|cluster, _| delete(cluster);
    let added = event("ADDED", "Pending", false);
    let ran = event("MODIFIED", "Running", false);
    for (name, steps, events) in [
        ("deleted while pending", vec![delete], vec![added.clone(), event("DELETED", "Pending", true)]),
        (
            "crashed, then deleted by Spark",
            vec![run, crash, delete],
            vec![
                added.clone(),
                ran.clone(),
                event("MODIFIED", "Failed", false),
                event("DELETED", "Failed", true),
            ],
        ),
        (
            "deleted by Spark while running",
            vec![run, delete, delete, well],
            vec![
                added.clone(),
                ran.clone(),
                event("MODIFIED", "Running", true),
                event("MODIFIED", "Succeeded", true),
                event("DELETED", "Succeeded", true),
            ],
        ),
        (
            "evicted by the platform",
            vec![run, evict],
            vec![added.clone(), ran, event("MODIFIED", "Failed", true), event("DELETED", "Failed", true)],
        ),
        ("failed before it ran", vec![crash], vec![added, event("MODIFIED", "Failed", false)]),
    ] {
        let mut cluster = cluster();
        let mut watch = watch(&mut cluster, &format!("{PODS}?watch=true&resourceVersion=1000"));
        let uid = create(&mut cluster, 1, NOW);
        steps.iter().for_each(|step| step(&mut cluster, &uid));
        assert_eq!(brief(&cluster.follow(&mut watch)), events, "{name}");
    }
}

#[test]
fn deleting_a_running_pod_says_how_to_end_it() {
    let grace = |options: &str, prestop: bool, spec_grace: Option<u64>| {
        let mut cluster = cluster();
        let mut body: Value = serde_json::from_str(&pod(1)).unwrap();
        if !prestop {
            body["spec"]["containers"][0].as_object_mut().unwrap().remove("lifecycle");
        }
        if let Some(seconds) = spec_grace {
            body["spec"]["terminationGracePeriodSeconds"] = json!(seconds);
        }
        let created = call(&mut cluster, "POST", PODS, &body.to_string(), NOW);
        let uid = json_of(&created)["metadata"]["uid"].as_str().unwrap().to_owned();
        cluster.observe(&[running(&uid)], NOW);
        call(&mut cluster, "DELETE", &format!("{PODS}/exec-1"), options, NOW);
        cluster.wanted().executors[0].state
    };
    let stopping = |grace_ms, decommission| WantedState::Stopping { grace_ms, decommission };
    assert_eq!(grace(r#"{"propagationPolicy":"Background"}"#, true, None), stopping(30_000, true));
    assert_eq!(grace("", false, None), stopping(30_000, false));
    assert_eq!(grace("{}", true, Some(120)), stopping(120_000, true));
    assert_eq!(grace(r#"{"gracePeriodSeconds":5}"#, true, Some(120)), stopping(5000, true));
    assert_eq!(grace(r#"{"gracePeriodSeconds":0}"#, false, None), stopping(0, false));
}

#[test]
fn a_second_deletion_can_only_shorten_the_grace() {
    let mut cluster = cluster();
    let uid = create(&mut cluster, 1, NOW);
    cluster.observe(&[running(&uid)], NOW);
    for (asked, grace_ms) in [(20, 20_000), (60, 20_000), (3, 3000)] {
        call(
            &mut cluster,
            "DELETE",
            &format!("{PODS}/exec-1"),
            &json!({"gracePeriodSeconds": asked}).to_string(),
            NOW,
        );
        assert_eq!(
            cluster.wanted().executors[0].state,
            WantedState::Stopping { grace_ms, decommission: true }
        );
    }
}

#[test]
fn start_failures_hold_new_executors_back_and_at_last_are_hopeless() {
    let mut cluster = cluster();
    let (mut now, mut delays) = (NOW, Vec::new());
    for n in 1..=10 {
        let uid = create(&mut cluster, n, now);
        if cluster.wanted().executors.is_empty() {
            let wake = cluster.wake_at().unwrap();
            assert!(!cluster.tick(wake - 1).wanted);
            assert!(cluster.tick(wake).wanted);
            delays.push((wake - now) / 1000);
            now = wake;
        }
        assert_eq!(names(&cluster.wanted().executors), [n.to_string()]);
        assert_eq!(cluster.wanted().hopeless, None);
        cluster.observe(&[ended(&uid, Exit::Code(1), None)], now);
        call(&mut cluster, "DELETE", &format!("{PODS}/exec-{n}"), "", now);
    }
    assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30, 30, 30]);
    let hopeless = cluster.wanted().hopeless.clone().unwrap();
    assert_eq!((hopeless.failures, hopeless.last.pod_name.as_str()), (10, "exec-10"));
    create(&mut cluster, 11, now);
    cluster.tick(now + 600_000);
    assert!(cluster.wanted().executors.is_empty());
}

#[test]
fn an_executor_that_lives_forgets_the_failures() {
    let mut cluster = cluster();
    for n in 1..=3 {
        let uid = create(&mut cluster, n, NOW);
        cluster.tick(NOW + n * 40_000);
        cluster.observe(&[ended(&uid, Exit::Code(1), None)], NOW + n * 40_000);
    }
    let now = NOW + 200_000;
    let uid = create(&mut cluster, 4, now);
    cluster.observe(&[running(&uid)], now);
    assert_eq!(cluster.wake_at(), Some(now + 20_000));
    cluster.tick(now + 20_000);
    assert_eq!(cluster.wake_at(), None);
    let crashed = create(&mut cluster, 5, now + 20_000);
    cluster.observe(&[ended(&crashed, Exit::Code(1), None)], now + 20_000);
    create(&mut cluster, 6, now + 20_000);
    assert_eq!(cluster.wake_at(), Some(now + 21_000), "the first delay again");
}

#[test]
fn a_pod_that_mounts_a_config_map_waits_for_it() {
    let mut cluster = cluster();
    assert_eq!(call(&mut cluster, "POST", PODS, POD_1, NOW).status, 201);
    assert!(cluster.wanted().executors.is_empty());
    let reply = call(&mut cluster, "POST", CONFIG_MAPS, CONFIG_MAP, NOW);
    assert_eq!((reply.status, reply.effects.wanted), (201, true));
    assert_eq!(names(&cluster.wanted().executors), ["1"]);
}

#[test]
fn a_second_context_counts_its_executors_from_one_again() {
    let mut cluster = cluster();
    let first = create(&mut cluster, 1, NOW);
    let mut body: Value = serde_json::from_str(&pod(1)).unwrap();
    body["metadata"]["name"] = json!("other-context-exec-1");
    assert_eq!(call(&mut cluster, "POST", PODS, &body.to_string(), NOW).status, 201);
    let wanted = &cluster.wanted().executors;
    assert_eq!(names(wanted), ["1", "1"]);
    assert!(wanted[0].uid == first && wanted[1].uid != first);
}
