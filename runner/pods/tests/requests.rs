//! Which request means what: real requests of three Spark versions, and those Spark never makes.

mod support;

use firesteel_pods::{Body, Call, Changed, Cursor, Request, Resource, classify};
use serde_json::{Value, json};
use support::*;

/// Every line of a recorded session: method, target, content type, `websocket` for an upgrade.
#[test]
fn every_request_of_a_recorded_session_is_understood() {
    for recorded in [
        include_str!("fixtures/requests-3.4.4.txt"),
        include_str!("fixtures/requests-3.5.9.txt"),
        include_str!("fixtures/requests-4.0.5.txt"),
    ] {
        let mut kinds = Vec::new();
        for line in recorded.lines() {
            let fields: Vec<&str> = line.split(' ').collect();
            let (path, query) = fields[1].split_once('?').unwrap();
            let call = Call { method: fields[0], path, query, content_type: fields[2], body: b"{}" };
            kinds.push(match classify(&call).unwrap() {
                Request::Watch { scope, from: None } => ("watch", scope.resource),
                Request::Create(resource, namespace, _) if namespace == "default" => ("create", resource),
                Request::DeleteAll(scope, _) => ("delete all", scope.resource),
                other => panic!("{other:?}"),
            });
        }
        use Resource::{Claims, ConfigMaps, Pods, Services};
        let create = [("create", ConfigMaps), ("create", Pods), ("create", Pods)];
        let end = [Services, Claims, Pods, ConfigMaps].map(|resource| ("delete all", resource));
        assert_eq!(kinds, [&[("watch", Pods)], &create[..], &end[..]].concat());
    }
}

#[test]
fn what_spark_never_asks_is_refused_as_kubernetes_does() {
    let mut cluster = cluster();
    create(&mut cluster, 1, NOW);
    for (method, target, body, status, reason) in [
        ("GET", "/version", "", 404, "NotFound"),
        ("GET", "/api", "", 404, "NotFound"),
        ("GET", "/api/v1/nodes", "", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/default", "", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/default/secrets", "", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/default/pods/exec-1/log", "", 404, "NotFound"),
        ("POST", "/apis/apps/v1/namespaces/default/statefulsets", "{}", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/default/pods/none", "", 404, "NotFound"),
        ("DELETE", "/api/v1/namespaces/default/pods/none", "", 404, "NotFound"),
        ("PATCH", "/api/v1/namespaces/default/pods/none", "[]", 404, "NotFound"),
        ("PUT", "/api/v1/namespaces/default/pods/exec-1", "{}", 405, "MethodNotAllowed"),
        ("POST", "/api/v1/pods", "{}", 405, "MethodNotAllowed"),
        ("DELETE", "/api/v1/pods", "", 405, "MethodNotAllowed"),
        ("POST", PODS, "{", 400, "BadRequest"),
        ("POST", PODS, "[]", 400, "BadRequest"),
        ("POST", PODS, r#"{"metadata":{"name":"x"}}"#, 422, "Invalid"),
        ("POST", PODS, r#"{"metadata":{"name":"x"},"spec":{"containers":[{"name":"a"}]}}"#, 422, "Invalid"),
        ("POST", CONFIG_MAPS, "{}", 422, "Invalid"),
        ("POST", CONFIG_MAPS, r#"{"metadata":{"name":"x","labels":{"a":1}}}"#, 422, "Invalid"),
        ("GET", "/api/v1/namespaces/default/pods?fieldSelector=spec.nodeName=x", "", 400, "BadRequest"),
        ("GET", "/api/v1/namespaces/default/pods?labelSelector=a+in+1", "", 400, "BadRequest"),
    ] {
        let reply = call(&mut cluster, method, target, body, NOW);
        let said = json_of(&reply);
        assert_eq!((reply.status, reply.effects), (status, Changed::default()), "{method} {target} {said}");
        assert_eq!(
            (&said["kind"], &said["status"], &said["reason"]),
            (&json!("Status"), &json!("Failure"), &json!(reason))
        );
        assert_eq!(said["code"], status);
    }
}

#[test]
fn spec_that_cannot_be_started_is_refused_in_words() {
    for (name, value, text) in [
        ("SPARK_EXECUTOR_MEMORY", "much", "SPARK_EXECUTOR_MEMORY is not a size: 'much'"),
        ("SPARK_EXECUTOR_CORES", "x", "SPARK_EXECUTOR_CORES is not a number: 'x'"),
        ("SPARK_DRIVER_URL", "", "the pod is no Spark executor: it has no SPARK_DRIVER_URL"),
    ] {
        let mut body: Value = serde_json::from_str(&pod(1)).unwrap();
        for variable in body["spec"]["containers"][0]["env"].as_array_mut().unwrap() {
            if variable["name"] == name {
                variable["value"] = json!(value);
            }
        }
        let reply = call(&mut cluster(), "POST", PODS, &body.to_string(), NOW);
        assert_eq!((reply.status, &json_of(&reply)["message"]), (422, &json!(text)));
    }
}

#[test]
fn selectors_reach_pods_in_list_and_deletion() {
    let mut cluster = cluster();
    let uids: Vec<String> = (1..=3).map(|n| create(&mut cluster, n, NOW)).collect();
    cluster.observe(&[running(&uids[0]), running(&uids[1])], NOW);
    let list = |cluster: &mut _, query: &str| -> Vec<String> {
        let reply = call(cluster, "GET", &format!("{PODS}?{query}"), "", NOW);
        let items = json_of(&reply)["items"].as_array().unwrap().clone();
        items.iter().map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(list(&mut cluster, "").len(), 3);
    assert_eq!(
        list(&mut cluster, "fieldSelector=status.phase%3DRunning&labelSelector=spark-exec-id+in+%281%2C3%29"),
        ["exec-1"]
    );
    assert_eq!(
        list(&mut cluster, "labelSelector=spark-role%3Dexecutor%2Cspark-exec-inactive%21%3Dtrue").len(),
        3
    );
    assert_eq!(list(&mut cluster, "fieldSelector=metadata.name%3Dexec-2&resourceVersion=0"), ["exec-2"]);
    call(&mut cluster, "DELETE", &format!("{PODS}?fieldSelector=status.phase%3DPending"), "{}", NOW);
    assert_eq!(list(&mut cluster, ""), ["exec-1", "exec-2"]);
    assert_eq!(names(&cluster.wanted().executors), ["1", "2"]);
    let everywhere = call(&mut cluster, "GET", "/api/v1/pods", "", NOW);
    assert_eq!(json_of(&everywhere)["items"].as_array().unwrap().len(), 2);
    assert!(
        json_of(&call(&mut cluster, "GET", "/api/v1/namespaces/other/pods", "", NOW))["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn config_maps_claims_and_services_are_kept_and_deleted() {
    let mut cluster = cluster();
    assert_eq!(call(&mut cluster, "POST", CONFIG_MAPS, CONFIG_MAP, NOW).status, 201);
    let claim = call(&mut cluster, "POST", CLAIMS, CLAIM, NOW);
    assert_eq!((claim.status, &json_of(&claim)["kind"]), (201, &json!("PersistentVolumeClaim")));
    let count = |cluster: &mut _, path: &str| {
        json_of(&call(cluster, "GET", path, "", NOW))["items"].as_array().unwrap().len()
    };
    assert_eq!((count(&mut cluster, CONFIG_MAPS), count(&mut cluster, CLAIMS)), (1, 1));
    for path in [CONFIG_MAPS, CLAIMS, "/api/v1/namespaces/default/services"] {
        let reply = call(&mut cluster, "DELETE", path, r#"{"propagationPolicy":"Background"}"#, NOW);
        assert!(reply.status == 200 && json_of(&reply)["kind"].as_str().unwrap().ends_with("List"));
        assert_eq!(count(&mut cluster, path), 0);
    }
}

#[test]
fn a_label_patch_is_seen_by_watchers_and_moves_pods_out_of_their_scope() {
    let mut cluster = cluster();
    create(&mut cluster, 1, NOW);
    let mut all = watch(&mut cluster, &format!("{PODS}?watch=true"));
    let mut active =
        watch(&mut cluster, &format!("{PODS}?watch=1&labelSelector=spark-exec-inactive%21%3Dtrue"));
    assert_eq!((cluster.follow(&mut all).len(), cluster.follow(&mut active).len()), (1, 1));
    let kinds = |events: Vec<String>| brief(&events).into_iter().map(|(kind, ..)| kind).collect::<Vec<_>>();
    for (value, in_all, in_active) in
        [("true", "MODIFIED", "DELETED"), ("false", "MODIFIED", "ADDED"), ("no", "MODIFIED", "MODIFIED")]
    {
        let patch = json!([{"op": "add", "path": "/metadata/labels/spark-exec-inactive", "value": value},
                           {"op": "add", "path": "/metadata/resourceVersion", "value": "1"}]);
        for _ in 0..2 {
            assert_eq!(
                call(&mut cluster, "PATCH", &format!("{PODS}/exec-1"), &patch.to_string(), NOW).status,
                200
            );
        }
        assert_eq!(kinds(cluster.follow(&mut all)), [in_all], "the same patch twice is one change");
        assert_eq!(kinds(cluster.follow(&mut active)), [in_active]);
    }
}

#[test]
fn a_watcher_older_than_the_log_gets_the_present_objects_never_an_error() {
    let mut settings = firesteel_pods::Settings::new(1, "3.5.9");
    settings.log_limit = 4;
    let mut cluster = firesteel_pods::Cluster::new(settings);
    for n in 1..=10 {
        create(&mut cluster, n, NOW);
    }
    for (from, seen) in [(1000, 10), (1005, 5), (1006, 4), (1009, 1), (1010, 0), (5000, 10)] {
        let mut watch = watch(&mut cluster, &format!("{PODS}?watch=true&resourceVersion={from}"));
        assert_eq!(cluster.follow(&mut watch).len(), seen, "from {from}");
        assert_eq!(watch.cursor(), Cursor::After(1010));
    }
}

#[test]
fn a_bookmark_says_how_far_the_watcher_is() {
    let mut cluster = cluster();
    create(&mut cluster, 1, NOW);
    let Body::Watch(mut watch) =
        call(&mut cluster, "GET", &format!("{PODS}?watch=true&resourceVersion=0"), "", NOW).body
    else {
        panic!("no watch")
    };
    assert_eq!(cluster.follow(&mut watch).len(), 1);
    let bookmark: Value = serde_json::from_str(&cluster.bookmark(&watch)).unwrap();
    assert_eq!(
        bookmark,
        json!({"type": "BOOKMARK", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "1001"}}})
    );
}
