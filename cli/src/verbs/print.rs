//! An answer as the AWS CLI prints it: JSON indented by four, moments as ISO-8601. `--query` and other forms of output
//! belong here when they come. No I/O.

use firesteel_wire::Operation;
use firesteel_wire::model::{Kind, ShapeRef, model};
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

/// The text to print, or `None` if the operation answers nothing.
pub fn json(operation: Operation, mut answer: Value) -> Option<String> {
    if answer.as_object().is_none_or(serde_json::Map::is_empty) {
        return None;
    }
    if let Some(described) = model().operation(operation) {
        moments(described.output, &mut answer);
    }
    let mut text = Vec::new();
    answer
        .serialize(&mut Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    ")))
        .ok()?;
    String::from_utf8(text).ok()
}

fn moments(shape: ShapeRef, value: &mut Value) {
    match (&model().shape(shape).kind, value) {
        (Kind::Timestamp, value) => {
            if let Some(text) = value.as_f64().and_then(iso) {
                *value = text.into();
            }
        }
        (Kind::Structure(structure), Value::Object(members)) => {
            for (name, value) in members {
                if let Some(member) = structure.member(name) {
                    moments(member.shape, value);
                }
            }
        }
        (Kind::List(element), Value::Array(values)) => {
            values.iter_mut().for_each(|value| moments(*element, value))
        }
        (Kind::Map(_, element), Value::Object(members)) => {
            members.values_mut().for_each(|value| moments(*element, value));
        }
        _ => {}
    }
}

/// `2026-01-02T03:04:05.500000+00:00`: as Python writes it, microseconds only where there are some.
fn iso(seconds: f64) -> Option<String> {
    let moment = jiff::Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()?;
    let format = if moment.subsec_microsecond() == 0 {
        "%Y-%m-%dT%H:%M:%S+00:00"
    } else {
        "%Y-%m-%dT%H:%M:%S.%6f+00:00"
    };
    Some(moment.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn moments_wherever_they_stand_and_nothing_else() {
        let answer =
            json!({"application": {"createdAt": 1_767_323_045.5, "name": "n", "tags": {"createdAt": "1"}}});
        let expected = r#"{
    "application": {
        "createdAt": "2026-01-02T03:04:05.500000+00:00",
        "name": "n",
        "tags": {
            "createdAt": "1"
        }
    }
}"#;
        assert_eq!(json(Operation::GetApplication, answer).as_deref(), Some(expected));
        let listed = json!({"jobRuns": [{"createdAt": 1_767_323_045}]});
        assert!(json(Operation::ListJobRuns, listed).unwrap().contains("\"2026-01-02T03:04:05+00:00\""));
    }

    #[test]
    fn an_empty_answer_prints_nothing() {
        assert_eq!(json(Operation::StartApplication, json!({})), None);
    }
}
