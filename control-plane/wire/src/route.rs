//! From method, path, query and body to an operation and its input. Names and bindings come from the service model.

use percent_encoding::percent_decode_str;
use serde_json::{Number, Value};

use crate::model::{Kind, Location, Member, Model, OperationModel, Segment, ShapeRef, model};
use crate::{ApiError, Input, Operation};

/// A request whose operation is known and whose path and query are read.
#[derive(Clone, Debug, PartialEq)]
pub struct Routed {
    /// Which operation it asks for.
    pub operation: Operation,
    /// The input members that path and query carry.
    pub input: Input,
}

/// Finds the operation of a request. Path and query are as received, still percent-encoded; the query is without its `?`.
///
/// Errors: UnknownOperationException, or SerializationException for a label or parameter that cannot be read.
pub fn route(method: &str, raw_path: &str, raw_query: &str) -> Result<Routed, ApiError> {
    let model = model();
    let pieces: Vec<&str> = raw_path.strip_prefix('/').unwrap_or("/").split('/').collect();
    let found = model.operations().iter().find(|o| o.method == method && fits(&o.path, &pieces));
    let operation = found.ok_or_else(ApiError::unknown_operation)?;
    let mut input = Input::new();
    read_labels(operation, model, &pieces, &mut input)?;
    read_query(operation, model, raw_query, &mut input)?;
    Ok(Routed { operation: operation.operation, input })
}

impl Routed {
    /// Adds the members that the body carries. An empty body is an empty object; the body of an operation that binds nothing to it is not
    /// looked at. Members of the path and the query are never taken from the body; members that are null are absent.
    ///
    /// Errors: SerializationException if the body is not a JSON object.
    pub fn with_body(mut self, body: &[u8]) -> Result<Self, ApiError> {
        let model = model();
        let members = model.operation(self.operation).map_or(&[][..], |o| o.members(model));
        if body.is_empty() || !members.iter().any(|m| m.location == Location::Body) {
            return Ok(self);
        }
        let parsed: Value = serde_json::from_slice(body).map_err(|e| {
            ApiError::serialization("The request body is not valid JSON.").with_detail(e.to_string())
        })?;
        let Value::Object(object) = parsed else {
            return Err(ApiError::serialization("The request body must be a JSON object."));
        };
        for (name, mut value) in object {
            let elsewhere = members.iter().any(|m| m.name == name && m.location != Location::Body);
            if !elsewhere && !value.is_null() {
                drop_nulls(&mut value);
                self.input.insert(name, value);
            }
        }
        Ok(self)
    }
}

/// Null means absent, at any depth; a null element of a list stays and fails validation.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, inner| !inner.is_null());
            object.values_mut().for_each(drop_nulls);
        }
        Value::Array(elements) => elements.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn fits(path: &[Segment], pieces: &[&str]) -> bool {
    path.len() == pieces.len()
        && path.iter().zip(pieces).all(|(segment, piece)| match segment {
            Segment::Literal(text) => text == piece,
            Segment::Label(_) => !piece.is_empty(),
        })
}

fn read_labels(
    operation: &OperationModel,
    model: &Model,
    pieces: &[&str],
    input: &mut Input,
) -> Result<(), ApiError> {
    for (segment, piece) in operation.path.iter().zip(pieces) {
        if let Segment::Label(label) = segment
            && let Some(member) = bound(operation, model, Location::Path, label)
        {
            input.insert(member.name.clone(), Value::String(decoded(&member.name, piece)?));
        }
    }
    Ok(())
}

fn read_query(
    operation: &OperationModel,
    model: &Model,
    raw_query: &str,
    input: &mut Input,
) -> Result<(), ApiError> {
    for piece in raw_query.split('&').filter(|piece| !piece.is_empty()) {
        let (name, raw) = piece.split_once('=').unwrap_or((piece, ""));
        let name = percent_decode_str(name).decode_utf8_lossy();
        let Some(member) = bound(operation, model, Location::Query, &name) else { continue };
        let text = decoded(&member.name, &raw.replace('+', " "))?;
        if let Kind::List(element) = model.shape(member.shape).kind {
            let value = scalar(model, element, &member.name, &text)?;
            match input.entry(member.name.clone()).or_insert_with(|| Value::Array(Vec::new())) {
                Value::Array(list) => list.push(value),
                other => *other = value,
            }
        } else if !input.contains_key(&member.name) {
            input.insert(member.name.clone(), scalar(model, member.shape, &member.name, &text)?);
        }
    }
    Ok(())
}

fn bound<'m>(
    operation: &OperationModel,
    model: &'m Model,
    location: Location,
    wire: &str,
) -> Option<&'m Member> {
    operation.members(model).iter().find(|m| m.location == location && m.wire_name == wire)
}

fn decoded(member: &str, raw: &str) -> Result<String, ApiError> {
    match percent_decode_str(raw).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(ApiError::serialization(format!("'{member}' is not valid UTF-8"))),
    }
}

/// The text of a query parameter as its shape's JSON value; a moment becomes epoch seconds, as in bodies.
fn scalar(model: &Model, shape: ShapeRef, member: &str, text: &str) -> Result<Value, ApiError> {
    let value = match model.shape(shape).kind {
        Kind::Integer | Kind::Long => text.parse::<i64>().ok().map(|n| Value::Number(n.into())),
        Kind::Double => text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number),
        Kind::Boolean => text.parse::<bool>().ok().map(Value::Bool),
        Kind::Timestamp => moment(text),
        _ => Some(Value::String(text.to_owned())),
    };
    let expected = crate::validate::type_name(&model.shape(shape).kind);
    value.ok_or_else(|| {
        ApiError::serialization(format!("'{member}' cannot be converted to {expected}: '{text}'"))
    })
}

fn moment(text: &str) -> Option<Value> {
    let milliseconds = match text.parse::<jiff::Timestamp>() {
        Ok(moment) => moment.as_millisecond(),
        Err(_) => last_moment(text)?,
    };
    serde_json::to_value(crate::shapes::Timestamp(milliseconds)).ok()
}

/// The last hours of the year 9999 in UTC, which callers send for "no end" and a [`jiff::Timestamp`] does not hold.
fn last_moment(text: &str) -> Option<i64> {
    let local =
        text.strip_suffix(['Z', 'z']).filter(|local| local.starts_with("9999-12-3") && local.len() > 10)?;
    let local: jiff::civil::DateTime = local.parse().ok()?;
    let since_1970 = local.duration_since(jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0));
    i64::try_from(since_1970.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn input(method: &str, path: &str, query: &str) -> (Operation, Value) {
        let routed = route(method, path, query).expect("routes");
        (routed.operation, Value::Object(routed.input))
    }

    #[test]
    fn all_operations_are_found_by_method_and_path() {
        let table: &[(&str, &str, Operation)] = &[
            ("POST", "/applications", Operation::CreateApplication),
            ("GET", "/applications", Operation::ListApplications),
            ("GET", "/applications/a1", Operation::GetApplication),
            ("PATCH", "/applications/a1", Operation::UpdateApplication),
            ("DELETE", "/applications/a1", Operation::DeleteApplication),
            ("POST", "/applications/a1/start", Operation::StartApplication),
            ("POST", "/applications/a1/stop", Operation::StopApplication),
            ("GET", "/applications/a1/dashboard", Operation::GetResourceDashboard),
            ("POST", "/applications/a1/jobruns", Operation::StartJobRun),
            ("GET", "/applications/a1/jobruns", Operation::ListJobRuns),
            ("GET", "/applications/a1/jobruns/r1", Operation::GetJobRun),
            ("DELETE", "/applications/a1/jobruns/r1", Operation::CancelJobRun),
            ("GET", "/applications/a1/jobruns/r1/attempts", Operation::ListJobRunAttempts),
            ("GET", "/applications/a1/jobruns/r1/dashboard", Operation::GetDashboardForJobRun),
            ("POST", "/applications/a1/sessions", Operation::StartSession),
            ("GET", "/applications/a1/sessions", Operation::ListSessions),
            ("GET", "/applications/a1/sessions/s1", Operation::GetSession),
            ("DELETE", "/applications/a1/sessions/s1", Operation::TerminateSession),
            ("GET", "/applications/a1/sessions/s1/endpoint", Operation::GetSessionEndpoint),
            ("POST", "/tags/x", Operation::TagResource),
            ("DELETE", "/tags/x", Operation::UntagResource),
            ("GET", "/tags/x", Operation::ListTagsForResource),
        ];
        assert_eq!(table.len(), Operation::ALL.len());
        for (method, path, operation) in table {
            assert_eq!(route(method, path, "").map(|r| r.operation), Ok(*operation), "{method} {path}");
        }
    }

    #[test]
    fn anything_else_is_an_unknown_operation() {
        let table = [
            ("GET", ""),
            ("GET", "/"),
            ("GET", "//applications"),
            ("GET", "/applications/"),
            ("PUT", "/applications"),
            ("get", "/applications"),
            ("GET", "/applications/a/b"),
            ("GET", "/applications//jobruns"),
            ("GET", "/tags/arn:aws:emr-serverless:r:1:/applications/a"),
            ("GET", "applications"),
        ];
        for (method, path) in table {
            assert_eq!(route(method, path, "").map_err(|e| e.status()).err(), Some(404), "{method} {path}");
        }
    }

    #[test]
    fn labels_and_parameters_become_members_of_their_types() {
        assert_eq!(
            input(
                "GET",
                "/tags/arn%3Aaws%3Aemr-serverless%3Aus-east-1%3A123456789012%3A%2Fapplications%2Fa1",
                ""
            )
            .1,
            json!({"resourceArn": "arn:aws:emr-serverless:us-east-1:123456789012:/applications/a1"})
        );
        assert_eq!(
            input(
                "GET",
                "/applications/a1/jobruns",
                "states=RUNNING&states=QUEUED&createdAtAfter=2026-01-02T03%3A04%3A05Z&createdAtBefore=2026-01-02T03%3A04%3A05.5Z&maxResults=5&mode=BATCH&new=1&X-Amz-Date=q"
            )
            .1,
            json!({"applicationId": "a1", "states": ["RUNNING", "QUEUED"], "createdAtAfter": 1767323045.0, "createdAtBefore": 1767323045.5, "maxResults": 5, "mode": "BATCH"})
        );
        assert_eq!(
            input("GET", "/applications/a/jobruns/r/dashboard", "attempt=2&accessSystemProfileLogs=true").1,
            json!({"applicationId": "a", "jobRunId": "r", "attempt": 2, "accessSystemProfileLogs": true})
        );
        assert_eq!(
            input("DELETE", "/tags/x", "tagKeys=a%20b&tagKeys=c+d").1["tagKeys"],
            json!(["a b", "c d"])
        );
        assert_eq!(input("GET", "/applications", "maxResults=1&maxResults=2").1, json!({"maxResults": 1}));
    }

    #[test]
    fn moments_of_every_year() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0.0),
            ("2026-01-02T03%3A04%3A05.123456Z", 1_767_323_045.123),
            ("2026-01-02T03:04:05%2B01:00", 1_767_319_445.0),
            ("0001-01-01T00:00:00Z", -62_135_596_800.0),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799.999),
        ] {
            let query = format!("createdAtBefore={text}");
            let found = input("GET", "/applications/a1/jobruns", &query).1;
            assert_eq!(found["createdAtBefore"], json!(seconds), "{text}");
        }
    }

    #[test]
    fn unreadable_parameters_are_named() {
        for (path, query, member) in [
            ("/applications", "maxResults=ten", "maxResults"),
            ("/applications", "maxResults=", "maxResults"),
            ("/applications/a/jobruns", "createdAtAfter=yesterday", "createdAtAfter"),
            ("/applications/a/jobruns", "createdAtAfter=2026-01-02T03:04:05", "createdAtAfter"),
            ("/applications/a/jobruns", "createdAtAfter=2026-01-02Z", "createdAtAfter"),
            ("/applications/%FF", "", "applicationId"),
        ] {
            let error = route("GET", path, query).expect_err("is refused");
            assert_eq!(error.type_name(), "SerializationException");
            assert!(error.message.contains(member), "{}", error.message);
        }
    }

    #[test]
    fn a_body_adds_members_but_never_those_of_the_path() {
        let start = |body: &str| {
            route("POST", "/applications/a1/jobruns", "").and_then(|r| r.with_body(body.as_bytes()))
        };
        let merged = start(
            r#"{"name":"n","applicationId":"evil","mode":null,"retryPolicy":{"maxAttempts":null},"new":{}}"#,
        );
        let expected = json!({"applicationId": "a1", "name": "n", "retryPolicy": {}, "new": {}});
        assert_eq!(merged.map(|r| Value::Object(r.input)), Ok(expected));
        assert_eq!(start("").map(|r| Value::Object(r.input)), Ok(json!({"applicationId": "a1"})));
        for bad in ["[]", "1", "{", "\u{feff}{}", &"[".repeat(1000)] {
            assert_eq!(
                start(bad).map_err(|e| e.type_name()).err(),
                Some("SerializationException"),
                "{bad:.20}"
            );
        }
        let bodiless = route("POST", "/applications/a1/start", "").and_then(|r| r.with_body(b"not json"));
        assert!(bodiless.is_ok());
    }
}
