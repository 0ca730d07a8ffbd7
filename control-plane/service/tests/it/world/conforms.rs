//! Every answer of every story held against the service model: success or error, nothing is written that the model does not know.

use super::Answer;
use firesteel_wire::Operation;
use firesteel_wire::model::{Kind, ShapeRef, model};
use serde_json::Value;

/// Errors that every service of AWS may give, beside those that an operation declares (API reference, "common errors").
const COMMON: [&str; 5] = [
    "AccessDeniedException",
    "ThrottlingException",
    "SerializationException",
    "ServiceUnavailableException",
    "RequestEntityTooLargeException",
];

/// Checks an answer.
///
/// # Panics
/// If the model does not allow it.
pub fn check(operation: Operation, answer: &Answer) {
    let id = answer.headers.get("x-amzn-requestid").and_then(|id| id.to_str().ok()).expect("a request id");
    let pieces: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(pieces, [8, 4, 4, 4, 12], "{id}");
    if answer.status == 200 {
        let output = model().operation(operation).expect("in the model").output;
        let wrong = differences(output, &answer.json(), operation.name());
        assert!(wrong.is_empty(), "{wrong:#?}");
    } else {
        let (status, kind, _) = answer.error();
        let declared = model().errors().iter().any(|known| *known == (kind.clone(), status));
        assert!(declared || COMMON.contains(&kind.as_str()), "{operation} answers {status} {kind}");
    }
}

/// What of a value is not as its shape says: wrong types, missing and unknown members, unknown values of enums.
fn differences(shape: ShapeRef, value: &Value, path: &str) -> Vec<String> {
    let shape = model().shape(shape);
    let inner =
        |part: ShapeRef, value: &Value, name: &str| differences(part, value, &format!("{path}.{name}"));
    match (&shape.kind, value) {
        (Kind::Structure(structure), Value::Object(object)) => {
            let unknown = object.keys().filter(|name| structure.member(name).is_none());
            let unknown = unknown.map(|name| format!("{path}.{name} is not in the model"));
            let missing = structure.members.iter().filter(|m| m.required && !object.contains_key(&m.name));
            let missing = missing.map(|member| format!("{path}.{} is missing", member.name));
            let members = structure.members.iter().filter_map(|m| Some((m, object.get(&m.name)?)));
            let deeper = members.flat_map(|(member, value)| inner(member.shape, value, &member.name));
            unknown.chain(missing).chain(deeper).collect()
        }
        (Kind::List(element), Value::Array(elements)) => elements
            .iter()
            .enumerate()
            .flat_map(|(n, value)| inner(*element, value, &n.to_string()))
            .collect(),
        (Kind::Map(_, part), Value::Object(object)) => {
            object.iter().flat_map(|(key, value)| inner(*part, value, key)).collect()
        }
        (Kind::String, Value::String(text)) if !shape.choices.is_empty() && !shape.choices.contains(text) => {
            vec![format!("{path} is '{text}'")]
        }
        (Kind::String, Value::String(_)) | (Kind::Boolean, Value::Bool(_)) => Vec::new(),
        (Kind::Integer | Kind::Long, Value::Number(number)) if number.is_i64() => Vec::new(),
        (Kind::Double | Kind::Timestamp, Value::Number(_)) => Vec::new(),
        (kind, value) => vec![format!("{path} is {value}, not {kind:?}")],
    }
}
