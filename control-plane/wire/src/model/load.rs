//! Reads botocore's JSON into the resolved form. It trusts nothing: a reference that points nowhere is an error, not a panic later.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Kind, Location, Member, Model, OperationModel, Pattern, Segment, Shape, ShapeRef, Structure};
use crate::Operation;

#[derive(Deserialize)]
struct RawModel {
    operations: BTreeMap<String, RawOperation>,
    shapes: BTreeMap<String, RawShape>,
}

#[derive(Deserialize)]
struct RawOperation {
    http: RawHttp,
    input: RawReference,
    output: RawReference,
    #[serde(default)]
    documentation: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHttp {
    method: String,
    request_uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawReference {
    shape: String,
    location: Option<String>,
    location_name: Option<String>,
    #[serde(default)]
    idempotency_token: bool,
    #[serde(default)]
    documentation: String,
}

/// Members in the order of the model's text.
#[derive(Default)]
struct RawMembers(Vec<(String, RawReference)>);

impl<'de> Deserialize<'de> for RawMembers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> serde::de::Visitor<'de> for InOrder {
            type Value = RawMembers;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the members of a structure")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<RawMembers, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(RawMembers(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[derive(Deserialize)]
struct RawShape {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    members: RawMembers,
    #[serde(default)]
    required: Vec<String>,
    member: Option<RawReference>,
    key: Option<RawReference>,
    value: Option<RawReference>,
    min: Option<i64>,
    max: Option<i64>,
    pattern: Option<String>,
    #[serde(rename = "enum", default)]
    choices: Vec<String>,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    union: bool,
    error: Option<RawError>,
    #[serde(default)]
    exception: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawError {
    http_status_code: u16,
}

/// Reads a model. An operation that [`Operation`] does not name, or a reference to a shape that is not there, is an error.
pub(super) fn load(source: &str) -> Result<Model, String> {
    let raw: RawModel = serde_json::from_str(source).map_err(|e| e.to_string())?;
    let names: Vec<&str> = raw.shapes.keys().map(String::as_str).collect();
    let shapes = raw
        .shapes
        .iter()
        .map(|(name, shape)| resolve_shape(&names, name, shape))
        .collect::<Result<_, _>>()?;
    let operations = raw
        .operations
        .iter()
        .map(|(name, operation)| resolve_operation(&names, name, operation))
        .collect::<Result<_, _>>()?;
    let status = |shape: &RawShape| shape.error.as_ref().map_or(500, |error| error.http_status_code);
    let errors =
        raw.shapes.iter().filter(|(_, s)| s.exception).map(|(name, s)| (name.clone(), status(s))).collect();
    Ok(Model { operations, shapes, errors })
}

fn find(names: &[&str], name: &str) -> Result<ShapeRef, String> {
    names.binary_search(&name).map(ShapeRef).map_err(|_| format!("no shape {name}"))
}

fn resolve_operation(names: &[&str], name: &str, raw: &RawOperation) -> Result<OperationModel, String> {
    Ok(OperationModel {
        operation: Operation::named(name).ok_or_else(|| format!("operation {name} is not known here"))?,
        method: raw.http.method.clone(),
        path: segments(&raw.http.request_uri),
        input: find(names, &raw.input.shape)?,
        output: find(names, &raw.output.shape)?,
        documentation: raw.documentation.clone(),
    })
}

fn segments(uri: &str) -> Vec<Segment> {
    let label =
        |piece: &str| piece.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).map(str::to_owned);
    uri.trim_start_matches('/')
        .split('/')
        .map(|piece| label(piece).map_or_else(|| Segment::Literal(piece.to_owned()), Segment::Label))
        .collect()
}

fn resolve_shape(names: &[&str], name: &str, raw: &RawShape) -> Result<Shape, String> {
    Ok(Shape {
        name: name.to_owned(),
        kind: resolve_kind(names, name, raw)?,
        sensitive: raw.sensitive,
        min: raw.min,
        max: raw.max,
        pattern: raw.pattern.as_deref().map(Pattern::new),
        choices: raw.choices.clone(),
    })
}

fn resolve_kind(names: &[&str], name: &str, raw: &RawShape) -> Result<Kind, String> {
    let part = |reference: &Option<RawReference>| {
        reference
            .as_ref()
            .ok_or_else(|| format!("shape {name} lacks a part"))
            .and_then(|reference| find(names, &reference.shape))
    };
    Ok(match raw.kind.as_str() {
        "string" => Kind::String,
        "integer" => Kind::Integer,
        "long" => Kind::Long,
        "double" | "float" => Kind::Double,
        "boolean" => Kind::Boolean,
        "timestamp" => Kind::Timestamp,
        "list" => Kind::List(part(&raw.member)?),
        "map" => Kind::Map(part(&raw.key)?, part(&raw.value)?),
        "structure" => {
            let listed = raw.members.0.iter().enumerate();
            let members = listed.map(|(position, (member, reference))| {
                resolve_member(names, raw, position, member, reference)
            });
            let mut members = members.collect::<Result<Vec<_>, _>>()?;
            members.sort_by(|one, other| one.name.cmp(&other.name));
            Kind::Structure(Structure { members, union: raw.union })
        }
        other => return Err(format!("shape {name} has the unknown type {other}")),
    })
}

fn resolve_member(
    names: &[&str],
    owner: &RawShape,
    position: usize,
    name: &str,
    raw: &RawReference,
) -> Result<Member, String> {
    Ok(Member {
        name: name.to_owned(),
        position,
        shape: find(names, &raw.shape)?,
        required: owner.required.iter().any(|required| required == name),
        location: match raw.location.as_deref() {
            None => Location::Body,
            Some("uri") => Location::Path,
            Some("querystring") => Location::Query,
            Some(other) => return Err(format!("member {name} travels in {other}")),
        },
        wire_name: raw.location_name.clone().unwrap_or_else(|| name.to_owned()),
        idempotency_token: raw.idempotency_token,
        documentation: raw.documentation.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_to_nowhere_and_an_unknown_operation_are_errors() {
        let dangling = r#"{"operations":{},"shapes":{"L":{"type":"list","member":{"shape":"Gone"}}}}"#;
        assert_eq!(load(dangling).err().as_deref(), Some("no shape Gone"));
        let stranger = r#"{"operations":{"Fly":{"http":{"method":"GET","requestUri":"/"},"input":{"shape":"S"},"output":{"shape":"S"}}},"shapes":{"S":{"type":"structure"}}}"#;
        assert_eq!(load(stranger).err().as_deref(), Some("operation Fly is not known here"));
    }

    #[test]
    fn a_path_splits_into_literals_and_labels() {
        let expected = vec![
            Segment::Literal("applications".into()),
            Segment::Label("applicationId".into()),
            Segment::Literal("start".into()),
        ];
        assert_eq!(segments("/applications/{applicationId}/start"), expected);
    }
}
