//! The words of violations, and that everything the model allows passes.

use serde_json::{Value, json};

use super::*;

fn message(operation: Operation, input: Value) -> Option<String> {
    let Value::Object(input) = input else { panic!("an object") };
    validate(operation, &input).err().map(|error| format!("{} {}", error.type_name(), error.message))
}

fn start(extra: Value) -> Value {
    let mut input = json!({"applicationId": "a1", "clientToken": "t", "executionRoleArn": "arn:aws:iam::123456789012:role/r"});
    if let (Value::Object(input), Value::Object(extra)) = (&mut input, extra) {
        input.extend(extra);
    }
    input
}

#[test]
fn good_inputs_pass() {
    let ok = [
        (Operation::ListApplications, json!({})),
        (
            Operation::GetApplication,
            json!({"applicationId": "00f1cbsc6anuij25", "unknown": [1, {"a": null}]}),
        ),
        (
            Operation::CreateApplication,
            json!({"type": "spark", "releaseLabel": "emr-7.13.0", "clientToken": "a-b", "name": null, "tags": {},
                "initialCapacity": {"DRIVER": {"workerCount": 1, "workerConfiguration": {"cpu": "2vCPU", "memory": "4 GB", "disk": "20 gb"}}},
                "maximumCapacity": {"cpu": "400 vCPU", "memory": "3000 GB", "disk": "20000 GB"},
                "autoStopConfiguration": {"enabled": true, "idleTimeoutMinutes": 1}}),
        ),
        (
            Operation::StartJobRun,
            start(json!({"name": "hail", "mode": "BATCH", "executionTimeoutMinutes": 0, "tags": {"k": ""},
                "jobDriver": {"sparkSubmit": {"entryPoint": "s3://b/x.py", "entryPointArguments": ["", "a\nb"], "sparkSubmitParameters": "--conf a=b"}},
                "configurationOverrides": {"applicationConfiguration": [{"classification": "spark-defaults", "properties": {"a": "b"},
                    "configurations": [{"classification": "inner"}]}],
                    "monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://b/logs/"}}}})),
        ),
    ];
    for (operation, input) in ok {
        assert_eq!(message(operation, input.clone()), None, "{input}");
    }
}

#[track_caller]
fn violates(operation: Operation, input: Value, expected: &str) {
    assert_eq!(message(operation, input), Some(format!("ValidationException {expected}")));
}

// Every constraint of every operation, each alone: tests/conformance. Here are whole sentences.

#[test]
fn violations_in_awss_words() {
    violates(
        Operation::GetApplication,
        json!({}),
        "1 validation error detected: Value null at 'applicationId' failed to satisfy constraint: Member must not be null",
    );
    violates(
        Operation::GetApplication,
        json!({"applicationId": "A"}),
        "1 validation error detected: Value 'A' at 'applicationId' failed to satisfy constraint: Member must satisfy regular expression pattern: [0-9a-z]+",
    );
    violates(
        Operation::ListApplications,
        json!({"maxResults": 51}),
        "1 validation error detected: Value '51' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 50",
    );
    violates(
        Operation::ListApplications,
        json!({"states": ["STARTED", "GONE"]}),
        "1 validation error detected: Value '[STARTED, GONE]' at 'states' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [CREATING, CREATED, STARTING, STARTED, STOPPING, STOPPED, TERMINATED]]",
    );
}

#[test]
fn violations_deep_inside() {
    violates(
        Operation::StartJobRun,
        start(json!({"tags": {"k": "é"}})),
        "1 validation error detected: Value '{k=é}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 256, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: [A-Za-z0-9 /_.:=+@-]*]",
    );
    let bad = json!([{"classification": "a"}, {"classification": " "}]);
    violates(
        Operation::StartJobRun,
        start(json!({"configurationOverrides": {"applicationConfiguration": bad}})),
        "1 validation error detected: Value ' ' at 'configurationOverrides.applicationConfiguration.2.member.classification' failed to satisfy constraint: Member must satisfy regular expression pattern: .*\\S.*",
    );
    let pools = json!({"DRIVER": {"workerConfiguration": {"cpu": "x", "memory": "1"}}});
    violates(
        Operation::CreateApplication,
        json!({"type": "SPARK", "releaseLabel": "e", "clientToken": "t", "initialCapacity": pools}),
        "2 validation errors detected: Value 'x' at 'initialCapacity.DRIVER.member.workerConfiguration.cpu' failed to satisfy constraint: Member must satisfy regular expression pattern: [1-9][0-9]*(\\s)?(vCPU|vcpu|VCPU)?; Value null at 'initialCapacity.DRIVER.member.workerCount' failed to satisfy constraint: Member must not be null",
    );
}

#[test]
fn lengths_count_characters() {
    let name = |n: usize| start(json!({"name": "\u{1F600}".repeat(n)}));
    assert_eq!(message(Operation::StartJobRun, name(256)), None);
    let too_long = message(Operation::StartJobRun, name(257)).expect("is refused");
    assert!(too_long.ends_with("Member must have length less than or equal to 256"), "{too_long}");
}

#[test]
fn wrong_types_are_named_and_come_before_violations() {
    let table = [
        (json!({"applicationId": "A B", "name": 5}), "'name': NUMBER_VALUE can not be converted to a String"),
        (
            json!({"retryPolicy": {"maxAttempts": 1.5}}),
            "'retryPolicy.maxAttempts': DECIMAL_VALUE can not be converted to an Integer",
        ),
        (
            json!({"retryPolicy": {"maxAttempts": 2_147_483_648u64}}),
            "'retryPolicy.maxAttempts': NUMBER_VALUE can not be converted to an Integer",
        ),
        (
            json!({"executionTimeoutMinutes": u64::MAX}),
            "'executionTimeoutMinutes': NUMBER_VALUE can not be converted to a Long",
        ),
        (json!({"retryPolicy": []}), "'retryPolicy': Expected structure or map, or null"),
        (json!({"tags": {"k": 1}}), "'tags.k.member': NUMBER_VALUE can not be converted to a String"),
        (
            json!({"jobDriver": {"sparkSubmit": {"entryPoint": "e", "entryPointArguments": ["a", null]}}}),
            "'jobDriver.sparkSubmit.entryPointArguments.2.member': NULL_VALUE can not be converted to a String",
        ),
        (json!({"tags": "k=v"}), "'tags': Expected structure or map, or null"),
        (json!({"name": ["n"]}), "'name': Start of list found where not expected."),
        (json!({"name": {}}), "'name': Start of structure or map found where not expected."),
        (
            json!({"executionIamPolicy": {"policyArns": "arn"}}),
            "'executionIamPolicy.policyArns': Expected list or null",
        ),
        (json!({"name": true}), "'name': TRUE_VALUE can not be converted to a String"),
        (
            json!({"flexExecution": {"enabled": "true"}}),
            "'flexExecution.enabled': STRING_VALUE can not be converted to a Boolean",
        ),
    ];
    for (extra, expected) in table {
        assert_eq!(
            message(Operation::StartJobRun, start(extra)),
            Some(format!("SerializationException {expected}"))
        );
    }
}

#[test]
fn sensitive_values_are_never_repeated() {
    let hidden = "hunter2".repeat(20_000);
    let properties: Value =
        (0..101).map(|n| (format!("hunter2{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    let input = start(json!({
        "jobDriver": {"sparkSubmit": {"entryPoint": hidden, "sparkSubmitParameters": hidden}, "hive": {"query": hidden}},
        "configurationOverrides": {"applicationConfiguration": [{"classification": "c", "properties": properties},
            {"classification": "c", "properties": {"k": "hunter2".repeat(200)}}]},
    }));
    let text = message(Operation::StartJobRun, input).expect("is refused");
    assert!(text.starts_with("ValidationException 6 validation errors detected: Value at "), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn many_violations_are_counted_and_the_message_stays_short() {
    let bad: Vec<Value> = (0..100).map(|_| json!({"classification": ""})).collect();
    let input = start(json!({"configurationOverrides": {"applicationConfiguration": bad}}));
    let text = message(Operation::StartJobRun, input).expect("is refused");
    assert!(text.starts_with("ValidationException 200 validation errors detected: "), "{text}");
    assert!(text.chars().count() <= 1024 + "ValidationException ".len());
    let long =
        message(Operation::GetApplication, json!({"applicationId": "B".repeat(5000)})).expect("is refused");
    assert!(long.contains(&format!("Value '{}...'", "B".repeat(128))), "{long}");
}
