//! The walks must be able to fail: each change of the model, which the code does not follow, is reported by name.

use crate::published::Published;
use crate::{errors, inputs, outputs, routing, traits};
use serde_json::{Value, json};

type Walk = fn(&Published) -> Vec<String>;

/// Bends the model in one place and expects the walk to complain of it.
#[track_caller]
fn noticed(walk: Walk, expected: &str, change: impl FnOnce(&mut Value)) {
    let vendored = Published::vendored();
    let bent = vendored.with(change);
    assert_ne!(bent.0, vendored.0, "nothing was bent");
    let complaints = walk(&bent);
    assert!(complaints.iter().any(|c| c.contains(expected)), "no '{expected}' in {complaints:#?}");
}

#[test]
fn operations_and_bindings() {
    let walk = routing::complaints;
    noticed(walk, "FlyAway: we do not know this operation", |m| {
        m["operations"]["FlyAway"] = m["operations"]["StartApplication"].clone();
    });
    noticed(walk, "GetSession: the model does not know", |m| {
        m["operations"].as_object_mut().expect("operations").remove("GetSession");
    });
    noticed(walk, "UpdateApplication", |m| {
        m["operations"]["UpdateApplication"]["http"]["method"] = json!("PUT")
    });
    noticed(walk, "PUT /applications/{applicationId} is taken as None", |m| {
        m["operations"]["UpdateApplication"]["http"]["method"] = json!("PUT");
    });
    noticed(walk, "StopApplication", |m| {
        m["operations"]["StopApplication"]["http"]["requestUri"] =
            json!("/applications/{applicationId}/halt");
    });
    noticed(walk, "answers 202", |m| m["operations"]["TagResource"]["http"]["responseCode"] = json!(202));
    noticed(walk, "ListJobRuns mode: ", |m| {
        m["shapes"]["ListJobRunsRequest"]["members"]["mode"]["locationName"] = json!("runMode");
    });
    noticed(walk, "ListJobRuns mode: travels in header", |m| {
        m["shapes"]["ListJobRunsRequest"]["members"]["mode"]["location"] = json!("header");
    });
    noticed(walk, "GetSession detail: ", |m| {
        m["shapes"]["GetSessionRequest"]["members"]["detail"] =
            json!({"shape": "Boolean", "location": "querystring", "locationName": "detail"});
    });
    noticed(walk, "StartSession tags: ", |m| {
        m["shapes"]["StartSessionRequest"]["members"]["tags"]["location"] = json!("querystring");
    });
}

/// The walk over one operation's input: the one that the complaint is about.
#[track_caller]
fn noticed_at_input(expected: &str, change: impl FnOnce(&mut Value)) {
    let name = expected.split(' ').next().unwrap_or_default().to_owned();
    noticed(inputs::complaints, expected, |model| {
        model["operations"].as_object_mut().expect("operations").retain(|operation, _| *operation == name);
        change(model);
    });
}

#[test]
fn constraints() {
    for (shape, which, value, expected) in [
        ("ApplicationId", "max", json!(65), "GetApplication applicationId: refuses"),
        ("ApplicationId", "max", json!(63), "GetApplication applicationId: "),
        ("ClientToken", "min", json!(2), "StartSession clientToken: "),
        ("TagMap", "max", json!(199), "TagResource tags: "),
        ("SubnetIds", "max", json!(17), "CreateApplication networkConfiguration.subnetIds: refuses"),
        ("JobRunStateSet", "min", json!(1), "ListJobRuns states: "),
        ("ListSessionsRequestMaxResultsInteger", "max", json!(51), "ListSessions maxResults: refuses 51"),
        (
            "WorkerCounts",
            "min",
            json!(0),
            "CreateApplication initialCapacity.aaa.member.workerCount: refuses 0",
        ),
        (
            "NextToken",
            "pattern",
            json!("[a-z]+"),
            "ListSessions nextToken: no sample for the pattern of NextToken",
        ),
        (
            "JobRunMode",
            "enum",
            json!(["BATCH", "STREAMING", "FOREVER"]),
            "StartJobRun mode: refuses \"FOREVER\"",
        ),
        ("JobRunMode", "enum", json!(["BATCH"]), "StartJobRun mode: "),
        (
            "ResourceType",
            "enum",
            json!(["SESSION", "JOB"]),
            "GetResourceDashboard resourceType: refuses \"JOB\"",
        ),
        ("ReleaseLabel", "sensitive", json!(true), "CreateApplication releaseLabel: "),
        ("Boolean", "type", json!("string"), "CreateApplication autoStartConfiguration.enabled: "),
    ] {
        noticed_at_input(expected, |m| m["shapes"][shape][which] = value);
    }
}

#[test]
fn members_and_unions() {
    noticed_at_input("StartSession : {", |m| {
        let required = m["shapes"]["StartSessionRequest"]["required"].as_array_mut().expect("a list");
        required.push(json!("name"));
    });
    noticed_at_input("StartJobRun jobDriver: ", |m| {
        m["shapes"]["JobDriver"].as_object_mut().expect("a shape").remove("union");
    });
    noticed_at_input("CreateApplication maximumCapacity.gpu", |m| {
        m["shapes"]["MaximumAllowedResources"]["members"]["gpu"] = json!({"shape": "CpuSize"});
    });
}

#[test]
fn structures() {
    let walk = outputs::complaints;
    noticed(walk, "Session: mood is missing", |m| {
        m["shapes"]["Session"]["members"]["mood"] = json!({"shape": "String256"});
    });
    noticed(walk, "JobRun: flexExecution is not in the model", |m| {
        m["shapes"]["JobRun"]["members"].as_object_mut().expect("members").remove("flexExecution");
    });
    noticed(walk, "JobRunSummary: an empty one writes", |m| {
        m["shapes"]["JobRunSummary"]["required"].as_array_mut().expect("a list").pop();
    });
    noticed(walk, "SessionSummary: choice 8 of its enums", |m| {
        m["shapes"]["SessionState"]["enum"].as_array_mut().expect("a list").push(json!("ASLEEP"));
    });
    noticed(walk, "Architecture: [", |m| {
        m["shapes"]["Architecture"]["enum"].as_array_mut().expect("a list").pop();
    });
    noticed(walk, "SessionLog: we have no typed form", |m| {
        m["shapes"]["SessionLog"] = json!({"type": "structure", "members": {}});
    });
    noticed(walk, "RetryPolicy: the model has no such structure", |m| {
        m["shapes"].as_object_mut().expect("shapes").remove("RetryPolicy");
    });
    noticed(walk, "AutoStopConfig: ", |m| {
        m["shapes"]["AutoStopConfig"]["members"]["idleTimeoutMinutes"]["shape"] = json!("String256");
    });
}

#[test]
fn declared_errors() {
    let walk = errors::complaints;
    noticed(walk, "StartSession ConflictException: is answered with 409 instead of 410", |m| {
        m["shapes"]["ConflictException"]["error"]["httpStatusCode"] = json!(410);
    });
    noticed(walk, "TagResource TooTiredException: we have no such error", |m| {
        m["shapes"]["TooTiredException"] = m["shapes"]["ConflictException"].clone();
        m["operations"]["TagResource"]["errors"] = json!([{ "shape": "TooTiredException" }]);
    });
    noticed(walk, "ValidationException: is written with", |m| {
        m["shapes"]["ValidationException"]["members"]["reason"] = json!({"shape": "String1024"});
    });
    noticed(walk, "a message is cut to 1024 characters", |m| m["shapes"]["String1024"]["max"] = json!(2048));
}

#[test]
fn words_that_nobody_reads() {
    let walk = traits::complaints;
    noticed(walk, "metadata protocol", |m| m["metadata"]["protocol"] = json!("smithy-rpc-v2-cbor"));
    noticed(walk, "StartSession says 'endpoint'", |m| {
        m["operations"]["StartSession"]["endpoint"] = json!({})
    });
    noticed(walk, "Date says 'timestampFormat'", |m| {
        m["shapes"]["Date"]["timestampFormat"] = json!("iso8601")
    });
    noticed(walk, "GetSessionRequest.sessionId says 'jsonvalue'", |m| {
        m["shapes"]["GetSessionRequest"]["members"]["sessionId"]["jsonvalue"] = json!(true);
    });
}
