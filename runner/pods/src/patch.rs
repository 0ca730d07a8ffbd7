//! Patches to labels and annotations: JSON patch (RFC 6902), merge patch (RFC 7396), strategic merge taken as merge.
//!
//! Spark patches labels and annotations only. Whatever else a patch says about identity, spec or status is dropped;
//! a resource version in it is not a precondition, since nobody else edits what Spark edits.

use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// A patch, ready to be applied.
#[derive(Debug, Clone, PartialEq)]
pub enum Patch {
    /// A list of operations.
    Json(Vec<Value>),
    /// A partial object; `null` removes.
    Merge(Value),
}

impl Patch {
    /// Reads a patch of the kind `content_type` says.
    pub fn parse(content_type: &str, body: &[u8]) -> Result<Self, Refusal> {
        let media = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        let value = serde_json::from_slice(body)
            .map_err(|error| Refusal::bad_request(format!("the patch is not JSON: {error}")));
        match (media.as_str(), value) {
            ("application/json-patch+json", Ok(Value::Array(operations))) => Ok(Self::Json(operations)),
            (
                "application/merge-patch+json" | "application/strategic-merge-patch+json",
                Ok(object @ Value::Object(_)),
            ) => Ok(Self::Merge(object)),
            ("application/json-patch+json", Ok(_)) => Err(Refusal::bad_request("a JSON patch is a list")),
            ("application/merge-patch+json" | "application/strategic-merge-patch+json", Ok(_)) => {
                Err(Refusal::bad_request("a merge patch is an object"))
            }
            (
                "application/json-patch+json"
                | "application/merge-patch+json"
                | "application/strategic-merge-patch+json",
                Err(refusal),
            ) => Err(refusal),
            _ => Err(Refusal::unsupported_media_type(content_type)),
        }
    }

    /// `object` with its labels and annotations patched.
    pub fn apply(&self, object: &Value) -> Result<Value, Refusal> {
        let mut patched = object.clone();
        match self {
            Self::Json(operations) => {
                operations.iter().try_for_each(|operation| step(&mut patched, operation))?
            }
            Self::Merge(partial) => merge(&mut patched, partial),
        }
        let mut out = object.clone();
        for part in ["labels", "annotations"] {
            keep_strings(&mut out, part, &patched["metadata"][part])?;
        }
        Ok(out)
    }
}

/// Sets `metadata.<part>` of `object`, which must be a map of strings or nothing.
fn keep_strings(object: &mut Value, part: &str, value: &Value) -> Result<(), Refusal> {
    let Some(metadata) = object["metadata"].as_object_mut() else { return Ok(()) };
    match value {
        Value::Null => {
            metadata.remove(part);
        }
        Value::Object(map) if map.values().all(Value::is_string) => {
            metadata.insert(part.to_owned(), value.clone());
        }
        _ => return Err(Refusal::invalid(format!("metadata.{part} must be a map of strings"))),
    }
    Ok(())
}

fn step(object: &mut Value, operation: &Value) -> Result<(), Refusal> {
    let unreadable = || Refusal::invalid(format!("cannot apply the patch operation {operation}"));
    let path = operation["path"].as_str().and_then(|path| path.strip_prefix('/')).ok_or_else(unreadable)?;
    let keys: Vec<String> = path.split('/').map(|key| key.replace("~1", "/").replace("~0", "~")).collect();
    let (last, parents) = keys.split_last().ok_or_else(unreadable)?;
    let mut place = object;
    for key in parents {
        let map = place.as_object_mut().ok_or_else(unreadable)?;
        place = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    }
    let map = place.as_object_mut().ok_or_else(unreadable)?;
    match operation["op"].as_str() {
        Some("add" | "replace") => {
            map.insert(last.clone(), operation["value"].clone());
        }
        Some("remove") => {
            map.remove(last).ok_or_else(unreadable)?;
        }
        Some("test") if path == "metadata/resourceVersion" || map.get(last) == Some(&operation["value"]) => {}
        _ => return Err(unreadable()),
    }
    Ok(())
}

fn merge(target: &mut Value, partial: &Value) {
    let Value::Object(partial) = partial else {
        *target = partial.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(map) = target else { return };
    for (key, value) in partial {
        if value.is_null() {
            map.remove(key);
        } else {
            merge(map.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const JSON_PATCH: &str = "application/json-patch+json";

    fn patched(content_type: &str, patch: &Value) -> Result<Value, Refusal> {
        let pod = json!({"metadata": {"name": "p", "resourceVersion": "7", "labels": {"a": "1"}}, "spec": {"x": 1}});
        Patch::parse(content_type, patch.to_string().as_bytes())?.apply(&pod)
    }

    #[test]
    fn sparks_own_json_patch_sets_a_label_and_leaves_the_version_alone() {
        let patch = json!([
            {"op": "add", "path": "/metadata/labels/decommissioning", "value": "yes"},
            {"op": "add", "path": "/metadata/resourceVersion", "value": "1003"},
        ]);
        let pod = patched(JSON_PATCH, &patch).unwrap();
        assert_eq!(pod["metadata"]["labels"], json!({"a": "1", "decommissioning": "yes"}));
        assert_eq!(pod["metadata"]["resourceVersion"], "7");
    }

    #[test]
    fn json_patch_operations() {
        let labels = |patch: Value| patched(JSON_PATCH, &patch).map(|pod| pod["metadata"]["labels"].clone());
        let op = |op: &str, path: &str, value: &str| json!([{"op": op, "path": path, "value": value}]);
        assert_eq!(labels(op("replace", "/metadata/labels/a", "2")), Ok(json!({"a": "2"})));
        assert_eq!(labels(op("remove", "/metadata/labels/a", "")), Ok(json!({})));
        assert_eq!(labels(op("add", "/metadata/labels/x~1y~0z", "2")), Ok(json!({"a": "1", "x/y~z": "2"})));
        assert_eq!(labels(op("test", "/metadata/labels/a", "1")), Ok(json!({"a": "1"})));
        for refused in [
            op("test", "/metadata/labels/a", "2"),
            op("remove", "/metadata/labels/b", ""),
            op("move", "/metadata/labels/b", ""),
            op("add", "no-slash", "1"),
            op("add", "/metadata/name/deeper", "1"),
            json!([{"op": "add", "path": "/metadata/labels/n", "value": 1}]),
        ] {
            assert_eq!(labels(refused.clone()).unwrap_err().code, 422, "{refused}");
        }
    }

    #[test]
    fn merge_and_strategic_merge_change_labels_and_annotations_only() {
        for kind in ["application/merge-patch+json", "application/strategic-merge-patch+json; charset=utf-8"]
        {
            let patch = json!({"metadata": {"name": "q", "labels": {"a": null, "b": "2"}, "annotations": {"c": "3"}}, "spec": {"x": 2}});
            let pod = patched(kind, &patch).unwrap();
            assert_eq!(pod["metadata"]["labels"], json!({"b": "2"}));
            assert_eq!(pod["metadata"]["annotations"], json!({"c": "3"}));
            assert_eq!((&pod["metadata"]["name"], &pod["spec"]["x"]), (&json!("p"), &json!(1)));
        }
    }

    #[test]
    fn unreadable_patches_are_refused() {
        assert_eq!(Patch::parse("application/json", b"{}").unwrap_err().code, 415);
        assert_eq!(Patch::parse(JSON_PATCH, b"{}").unwrap_err().code, 400);
        assert_eq!(Patch::parse(JSON_PATCH, b"[").unwrap_err().code, 400);
        assert_eq!(Patch::parse("application/merge-patch+json", b"[]").unwrap_err().code, 400);
    }
}
