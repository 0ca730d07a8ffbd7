//! What the model says at all: a word that these walks do not look at would be a rule that nobody checks.

use crate::published::Published;
use serde_json::Value;

const OPERATION: &[&str] =
    &["name", "http", "input", "output", "errors", "documentation", "idempotent", "readonly"];
const SHAPE: &[&str] = &[
    "type",
    "members",
    "required",
    "documentation",
    "min",
    "max",
    "pattern",
    "enum",
    "member",
    "key",
    "value",
    "sensitive",
    "union",
    "error",
    "exception",
    "fault",
    "box",
];
const MEMBER: &[&str] = &["shape", "documentation", "location", "locationName", "idempotencyToken", "box"];
const METADATA: &[(&str, &str)] = &[
    ("apiVersion", "2021-07-13"),
    ("protocol", "rest-json"),
    ("signatureVersion", "v4"),
    ("signingName", "emr-serverless"),
];

/// Words of the model that nobody here reads, and metadata that is not what we speak.
pub fn complaints(model: &Published) -> Vec<String> {
    let mut found = Vec::new();
    for (key, expected) in METADATA {
        let said = &model.0["metadata"][key];
        if said != expected {
            found.push(format!("metadata {key} is {said}, not {expected}"));
        }
    }
    for (name, operation) in model.operations() {
        strange(operation, OPERATION, name, &mut found);
        strange(&operation["http"], &["method", "requestUri", "responseCode"], name, &mut found);
    }
    for (name, shape) in model.shapes() {
        strange(shape, SHAPE, name, &mut found);
        for (member, reference) in shape["members"].as_object().into_iter().flatten() {
            strange(reference, MEMBER, &format!("{name}.{member}"), &mut found);
        }
    }
    found
}

fn strange(value: &Value, known: &[&str], whose: &str, found: &mut Vec<String>) {
    let keys = value.as_object().into_iter().flatten().map(|(key, _)| key);
    found
        .extend(keys.filter(|key| !known.contains(&key.as_str())).map(|key| format!("{whose} says '{key}'")));
}
