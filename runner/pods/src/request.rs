//! Which request means what: a method, a path and a query become one of the few things Spark asks for.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::patch::Patch;
use crate::refusal::Refusal;
use crate::selector::{FieldSelector, LabelSelector};

/// A request as it came in, without its headers but the content type.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// HTTP method in capitals.
    pub method: &'a str,
    /// Path, still percent-encoded.
    pub path: &'a str,
    /// Query without the question mark, still percent-encoded; empty if there is none.
    pub query: &'a str,
    /// Content type, empty if there is none.
    pub content_type: &'a str,
    /// The whole body.
    pub body: &'a [u8],
}

/// The kinds of object this API keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Executors.
    Pods,
    /// Spark's own configuration for executors.
    ConfigMaps,
    /// Never created by Spark in client mode, deleted by it at the end.
    Services,
    /// Disks asked for on demand.
    Claims,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pods, Self::ConfigMaps, Self::Services, Self::Claims];

    /// The name in a path.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::ConfigMaps => "configmaps",
            Self::Services => "services",
            Self::Claims => "persistentvolumeclaims",
        }
    }

    /// The name in an object.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Pods => "Pod",
            Self::ConfigMaps => "ConfigMap",
            Self::Services => "Service",
            Self::Claims => "PersistentVolumeClaim",
        }
    }
}

/// A set of objects: one resource, one namespace or all, and what the selectors let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Which kind.
    pub resource: Resource,
    /// Which namespace; `None` is all.
    pub namespace: Option<String>,
    /// By labels.
    pub labels: LabelSelector,
    /// By fields.
    pub fields: FieldSelector,
}

impl Scope {
    /// Whether `object` of kind `resource` belongs to this set.
    pub fn matches(&self, resource: Resource, object: &Value) -> bool {
        self.resource == resource
            && self.namespace.as_deref().is_none_or(|namespace| object["metadata"]["namespace"] == namespace)
            && self.labels.matches(object)
            && self.fields.matches(object)
    }
}

/// How a deletion is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deletion {
    /// Asked grace in milliseconds; without it, the pod's own or Kubernetes' 30 s.
    pub grace_ms: Option<u64>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Every change in the scope, from a resource version on (`None`: from the present objects on).
    Watch {
        /// Of what.
        scope: Scope,
        /// The last resource version the client saw.
        from: Option<u64>,
    },
    /// The present objects.
    List(Scope),
    /// One object by namespace and name.
    Get(Resource, String, String),
    /// A new object in a namespace.
    Create(Resource, String, Value),
    /// A change to one object's labels or annotations.
    Patch(Resource, String, String, Patch),
    /// The end of one object.
    Delete(Resource, String, String, Deletion),
    /// The end of every object in the scope.
    DeleteAll(Scope, Deletion),
}

/// What `call` asks; a request Spark never makes is refused with 404 or 405, an unreadable one with 400.
pub fn classify(call: &Call<'_>) -> Result<Request, Refusal> {
    let target = Target::of(call.path)?;
    let query = Query::of(call.query);
    match (call.method, target.name, target.namespace) {
        ("GET", None, namespace) => {
            let scope = scope(target.resource, namespace, &query)?;
            if !matches!(query.get("watch"), Some("true" | "1")) {
                return Ok(Request::List(scope));
            }
            let from = query
                .get("resourceVersion")
                .and_then(|text| text.parse().ok())
                .filter(|version| *version > 0);
            Ok(Request::Watch { scope, from })
        }
        ("GET", Some(name), Some(namespace)) => Ok(Request::Get(target.resource, namespace, name)),
        ("POST", None, Some(namespace)) => {
            Ok(Request::Create(target.resource, namespace, object(call.body)?))
        }
        ("PATCH", Some(name), Some(namespace)) => {
            Ok(Request::Patch(target.resource, namespace, name, Patch::parse(call.content_type, call.body)?))
        }
        ("DELETE", Some(name), Some(namespace)) => {
            Ok(Request::Delete(target.resource, namespace, name, deletion(call.body, &query)?))
        }
        ("DELETE", None, namespace @ Some(_)) => {
            Ok(Request::DeleteAll(scope(target.resource, namespace, &query)?, deletion(call.body, &query)?))
        }
        (method, ..) => Err(Refusal::method_not_allowed(method, call.path)),
    }
}

struct Target {
    resource: Resource,
    namespace: Option<String>,
    name: Option<String>,
}

impl Target {
    fn of(path: &str) -> Result<Self, Refusal> {
        let unknown = || Refusal::not_found("the server could not find the requested resource");
        let rest = path.strip_prefix("/api/v1/").ok_or_else(unknown)?;
        let mut parts: Vec<String> = rest.split('/').map(|part| decoded(part, false)).collect();
        let namespace = (parts[0] == "namespaces" && parts.len() > 2).then(|| parts[1].clone());
        if namespace.is_some() {
            parts.drain(..2);
        }
        let resource =
            Resource::ALL.into_iter().find(|resource| resource.plural() == parts[0]).ok_or_else(unknown)?;
        let name = match (parts.len(), &namespace) {
            (1, _) => None,
            (2, Some(_)) if !parts[1].is_empty() => Some(parts.swap_remove(1)),
            _ => return Err(unknown()),
        };
        Ok(Self { resource, namespace, name })
    }
}

struct Query(BTreeMap<String, String>);

impl Query {
    fn of(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(key, value)| (decoded(key, true), decoded(value, true)))
                .collect(),
        )
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

fn scope(resource: Resource, namespace: Option<String>, query: &Query) -> Result<Scope, Refusal> {
    let labels = LabelSelector::parse(query.get("labelSelector").unwrap_or(""))?;
    let fields = FieldSelector::parse(query.get("fieldSelector").unwrap_or(""))?;
    Ok(Scope { resource, namespace, labels, fields })
}

fn deletion(body: &[u8], query: &Query) -> Result<Deletion, Refusal> {
    let options = if body.is_empty() { Value::Null } else { object(body)? };
    let in_query = query.get("gracePeriodSeconds").and_then(|text| text.parse().ok());
    let seconds = options["gracePeriodSeconds"].as_u64().or(in_query);
    Ok(Deletion { grace_ms: seconds.map(|seconds: u64| seconds.saturating_mul(1000)) })
}

fn object(body: &[u8]) -> Result<Value, Refusal> {
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(Refusal::bad_request("the body is not a JSON object")),
        Err(error) => Err(Refusal::bad_request(format!("the body is not JSON: {error}"))),
    }
}

/// Percent-decoding; what is not valid stays as it is. In a query, `+` is a space.
fn decoded(text: &str, in_query: bool) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| hex_pair(bytes.get(at + 1..at + 3)?)).flatten();
        out.push(match (escaped, bytes[at]) {
            (Some(byte), _) => byte,
            (None, b'+') if in_query => b' ',
            (None, byte) => byte,
        });
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()
}
