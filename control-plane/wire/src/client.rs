//! The caller's side: from an operation and its input to method, path, query and body, and what a command line must know of each
//! operation's members. Both are read from the service model, so that a command line needs no bindings of its own.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::model::{Kind, Location, Member, Model, Segment, model};
use crate::{ApiError, Input, Operation};

/// Everything but RFC 3986's unreserved characters is escaped.
pub(crate) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request, not yet signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The HTTP method.
    pub method: String,
    /// The path, percent-encoded.
    pub path: String,
    /// The query without `?`, percent-encoded; empty if there is none.
    pub query: String,
    /// The JSON body; `None` for an operation that binds nothing to it.
    pub body: Option<String>,
}

/// Builds the request of an operation. Members that the model does not know are left out.
///
/// Errors: ValidationException if a member of the path is absent, or a value cannot stand where the model puts it.
pub fn request(operation: Operation, input: &Input) -> Result<Request, ApiError> {
    let model = model();
    let described = model
        .operation(operation)
        .ok_or_else(|| ApiError::internal(format!("the service model lacks {operation}")))?;
    let members = described.members(model);
    let mut path = String::new();
    for segment in &described.path {
        path.push('/');
        path += &match segment {
            Segment::Literal(text) => text.clone(),
            Segment::Label(label) => path_value(members, label, input)?,
        };
    }
    let has_body = members.iter().any(|m| m.location == Location::Body);
    Ok(Request {
        method: described.method.clone(),
        path,
        query: query(model, members, input)?,
        body: has_body.then(|| Value::Object(body(members, input)).to_string()),
    })
}

fn path_value(members: &[Member], label: &str, input: &Input) -> Result<String, ApiError> {
    let member = members.iter().find(|m| m.location == Location::Path && m.wire_name == label);
    let name = member.map_or(label, |m| m.name.as_str());
    match input.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(utf8_percent_encode(text, ESCAPED).to_string()),
        _ => Err(ApiError::validation(format!("'{name}' is required."))),
    }
}

fn query(model: &Model, members: &[Member], input: &Input) -> Result<String, ApiError> {
    let mut pieces = Vec::new();
    for member in members.iter().filter(|m| m.location == Location::Query) {
        let element = match model.shape(member.shape).kind {
            Kind::List(element) => element,
            _ => member.shape,
        };
        let kind = &model.shape(element).kind;
        let values = match input.get(&member.name) {
            None | Some(Value::Null) => &[][..],
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
        };
        for value in values {
            let text = query_value(kind, value).ok_or_else(|| {
                ApiError::validation(format!("'{}' has a value that is not possible.", member.name))
            })?;
            pieces.push(format!("{}={}", member.wire_name, utf8_percent_encode(&text, ESCAPED)));
        }
    }
    Ok(pieces.join("&"))
}

fn query_value(kind: &Kind, value: &Value) -> Option<String> {
    match (kind, value) {
        (Kind::Timestamp, Value::Number(_)) => {
            serde_json::from_value::<crate::shapes::Timestamp>(value.clone()).ok()?.to_iso()
        }
        (_, Value::String(text)) => Some(text.clone()),
        (_, Value::Number(number)) => Some(number.to_string()),
        (_, Value::Bool(truth)) => Some(truth.to_string()),
        _ => None,
    }
}

fn body(members: &[Member], input: &Input) -> Input {
    let in_body = members.iter().filter(|m| m.location == Location::Body);
    in_body.filter_map(|m| input.get(&m.name).map(|value| (m.name.clone(), value.clone()))).collect()
}

/// What a command line needs to know of one member of an operation's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The member's name in the input.
    pub member: String,
    /// The flag's name as the AWS CLI has it, e.g. `--application-id`.
    pub flag: String,
    /// What its value is.
    pub kind: FlagKind,
    /// Whether the operation demands it. An idempotency token is never demanded of the user.
    pub required: bool,
    /// Whether the client makes up a random value when the user gives none.
    pub idempotency_token: bool,
    /// AWS's description, in HTML.
    pub documentation: String,
}

/// What a flag's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagKind {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Double,
    /// `--flag` or `--no-flag`.
    Boolean,
    /// A moment: ISO-8601 or epoch seconds.
    Timestamp,
    /// A JSON object.
    Structure,
    /// Texts one after another, or a JSON array.
    StringList,
    /// A JSON array.
    List,
    /// `key=value,…` or a JSON object.
    Map,
}

/// The members of an operation's input as flags, required ones first, then by name.
pub fn flags(operation: Operation) -> Vec<Flag> {
    let model = model();
    let members = model.operation(operation).map_or(&[][..], |o| o.members(model));
    let mut flags: Vec<Flag> = members.iter().map(|member| flag(model, member)).collect();
    flags.sort_by(|a, b| b.required.cmp(&a.required).then_with(|| a.flag.cmp(&b.flag)));
    flags
}

fn flag(model: &Model, member: &Member) -> Flag {
    let kind = match &model.shape(member.shape).kind {
        Kind::String => FlagKind::String,
        Kind::Integer | Kind::Long => FlagKind::Integer,
        Kind::Double => FlagKind::Double,
        Kind::Boolean => FlagKind::Boolean,
        Kind::Timestamp => FlagKind::Timestamp,
        Kind::Structure(_) => FlagKind::Structure,
        Kind::List(element) if matches!(model.shape(*element).kind, Kind::String) => FlagKind::StringList,
        Kind::List(_) => FlagKind::List,
        Kind::Map(..) => FlagKind::Map,
    };
    Flag {
        member: member.name.clone(),
        flag: format!("--{}", kebab(&member.name)),
        kind,
        required: member.required && !member.idempotency_token,
        idempotency_token: member.idempotency_token,
        documentation: member.documentation.clone(),
    }
}

/// `shutdownGracePeriodInSeconds` → `shutdown-grace-period-in-seconds`, as botocore's `xform_name` does.
pub(crate) fn kebab(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 8);
    for (index, letter) in letters.iter().enumerate() {
        let after_small = index > 0 && !letters[index - 1].is_ascii_uppercase();
        let before_small = index > 0 && letters.get(index + 1).is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && (after_small || before_small) {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route;
    use serde_json::json;

    fn built(operation: Operation, input: Value) -> Result<Request, ApiError> {
        let Value::Object(input) = input else { panic!("an object") };
        request(operation, &input)
    }

    #[test]
    fn what_the_client_builds_the_router_reads_back() {
        let table = [
            (
                Operation::CreateApplication,
                json!({"type": "SPARK", "releaseLabel": "emr-7.13.0", "clientToken": "t"}),
            ),
            (
                Operation::ListJobRuns,
                json!({"applicationId": "a1", "states": ["RUNNING", "QUEUED"], "maxResults": 5, "createdAtAfter": 1767323045.125}),
            ),
            (
                Operation::UntagResource,
                json!({"resourceArn": "arn:aws:emr-serverless:r:1:/applications/a", "tagKeys": ["a b", "c+d&e=f%"]}),
            ),
            (
                Operation::CancelJobRun,
                json!({"applicationId": "a1", "jobRunId": "r1", "shutdownGracePeriodInSeconds": 30}),
            ),
            (Operation::StopApplication, json!({"applicationId": "a1"})),
        ];
        for (operation, input) in table {
            let request = built(operation, input.clone()).expect("builds");
            let routed = route(&request.method, &request.path, &request.query)
                .and_then(|routed| routed.with_body(request.body.as_deref().unwrap_or_default().as_bytes()))
                .expect("routes");
            assert_eq!((routed.operation, Value::Object(routed.input)), (operation, input));
        }
    }

    #[test]
    fn exact_bytes_and_refusals() {
        let tag =
            built(Operation::TagResource, json!({"resourceArn": "arn:a/b", "tags": {"k": "v"}, "other": 1}));
        let expected = Request {
            method: "POST".into(),
            path: "/tags/arn%3Aa%2Fb".into(),
            query: String::new(),
            body: Some(r#"{"tags":{"k":"v"}}"#.into()),
        };
        assert_eq!(tag, Ok(expected));
        let started = built(Operation::StartApplication, json!({"applicationId": "a"}));
        assert_eq!(started.map(|r| r.body), Ok(None));
        assert_eq!(
            built(Operation::GetApplication, json!({})).map_err(|e| e.message),
            Err("'applicationId' is required.".into())
        );
    }

    #[test]
    fn flags_are_the_aws_clis() {
        let flags = flags(Operation::StartJobRun);
        let find = |name: &str| flags.iter().find(|f| f.flag == name).map(|f| (f.kind, f.required));
        assert_eq!(flags[0].flag, "--application-id");
        assert_eq!(find("--execution-role-arn"), Some((FlagKind::String, true)));
        assert_eq!(find("--client-token"), Some((FlagKind::String, false)));
        assert_eq!(find("--job-driver"), Some((FlagKind::Structure, false)));
        assert_eq!(find("--execution-timeout-minutes"), Some((FlagKind::Integer, false)));
        assert_eq!(find("--tags"), Some((FlagKind::Map, false)));
        assert_eq!(flags.len(), 12);
        let untag = super::flags(Operation::UntagResource);
        assert!(untag.iter().any(|f| f.flag == "--tag-keys" && f.kind == FlagKind::StringList));
        assert_eq!(Operation::ListTagsForResource.command(), "list-tags-for-resource");
        assert_eq!(kebab("s3MonitoringConfiguration"), "s3-monitoring-configuration");
        assert_eq!(kebab("accessSystemProfileLogs"), "access-system-profile-logs");
        assert_eq!(kebab("vCPUHour"), "v-cpu-hour");
    }
}
