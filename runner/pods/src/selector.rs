//! Label and field selectors, as far as Spark uses them: `= == != in notin exists !`, `status.phase`, `metadata.name`.

use serde_json::Value;

use crate::refusal::Refusal;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

/// A label selector; an empty one matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSelector(Vec<Requirement>);

impl LabelSelector {
    /// Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let parts = split_outside_brackets(text);
        parts.into_iter().map(requirement).collect::<Result<_, _>>().map(Self)
    }

    /// Whether `object`'s labels satisfy every requirement. As in Kubernetes, `!=` and `notin` hold for an absent label.
    pub fn matches(&self, object: &Value) -> bool {
        let label = |key: &str| object["metadata"]["labels"].get(key).and_then(Value::as_str);
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => label(key).is_some_and(|have| values.iter().any(|v| v == have)),
            Requirement::NotIn(key, values) => label(key).is_none_or(|have| values.iter().all(|v| v != have)),
            Requirement::Exists(key) => label(key).is_some(),
            Requirement::Absent(key) => label(key).is_none(),
        })
    }
}

/// A field selector on `status.phase` and `metadata.name`; an empty one matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSelector(Vec<(Field, bool, String)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Phase,
    Name,
    Namespace,
}

impl FieldSelector {
    /// Reads `status.phase=Running,metadata.name!=x`. Any other field is refused, as Kubernetes does.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(field_requirement).collect::<Result<_, _>>().map(Self)
    }

    /// Whether `object`'s fields satisfy every requirement.
    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(field, equal, wanted)| {
            let have = match field {
                Field::Phase => object["status"]["phase"].as_str(),
                Field::Name => object["metadata"]["name"].as_str(),
                Field::Namespace => object["metadata"]["namespace"].as_str(),
            };
            (have.unwrap_or("") == wanted) == *equal
        })
    }
}

fn field_requirement(part: &str) -> Result<(Field, bool, String), Refusal> {
    let (name, equal, value) = comparison(part).ok_or_else(|| unreadable(part))?;
    let field = match name {
        "status.phase" => Field::Phase,
        "metadata.name" => Field::Name,
        "metadata.namespace" => Field::Namespace,
        other => return Err(Refusal::bad_request(format!("field label not supported: {other}"))),
    };
    Ok((field, equal, value.to_owned()))
}

fn requirement(part: &str) -> Result<Requirement, Refusal> {
    if let Some((key, rest)) = part.split_once(char::is_whitespace) {
        let rest = rest.trim();
        if let Some(set) = rest.strip_prefix("notin") {
            return Ok(Requirement::NotIn(name(key)?, values(set, part)?));
        }
        if let Some(set) = rest.strip_prefix("in") {
            return Ok(Requirement::In(name(key)?, values(set, part)?));
        }
    }
    match comparison(part) {
        Some((key, true, value)) => Ok(Requirement::In(name(key)?, vec![value.to_owned()])),
        Some((key, false, value)) => Ok(Requirement::NotIn(name(key)?, vec![value.to_owned()])),
        None => match part.strip_prefix('!') {
            Some(key) => Ok(Requirement::Absent(name(key.trim())?)),
            None => Ok(Requirement::Exists(name(part)?)),
        },
    }
}

/// `a=b`, `a==b` or `a!=b` as name, equality and value.
fn comparison(part: &str) -> Option<(&str, bool, &str)> {
    let (name, equal, value) = if let Some((name, value)) = part.split_once("!=") {
        (name, false, value)
    } else if let Some((name, value)) = part.split_once("==") {
        (name, true, value)
    } else {
        let (name, value) = part.split_once('=')?;
        (name, true, value)
    };
    Some((name.trim(), equal, value.trim()))
}

fn name(text: &str) -> Result<String, Refusal> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if text.is_empty() || !text.chars().all(legal) { Err(unreadable(text)) } else { Ok(text.to_owned()) }
}

fn values(set: &str, part: &str) -> Result<Vec<String>, Refusal> {
    let inner = set
        .trim()
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .ok_or_else(|| unreadable(part))?;
    Ok(inner.split(',').map(|value| value.trim().to_owned()).collect())
}

fn split_outside_brackets(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn unreadable(part: &str) -> Refusal {
    Refusal::bad_request(format!("unable to parse requirement: '{part}'"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn label_selectors_match_as_kubernetes_does() {
        let pod = json!({"metadata": {"labels": {"app": "x", "role": "executor", "spark-exec-id": "1"}}});
        for (text, matches) in [
            ("", true),
            ("app=x", true),
            ("app==x", true),
            ("app = x , role=executor", true),
            ("app=y", false),
            ("app!=y", true),
            ("app!=x", false),
            ("gone!=true", true),
            ("gone=true", false),
            ("spark-exec-id in (1, 2)", true),
            ("spark-exec-id in (2,3)", false),
            ("gone in (1)", false),
            ("spark-exec-id notin (2,3)", true),
            ("spark-exec-id notin (1)", false),
            ("gone notin (1)", true),
            ("app", true),
            ("gone", false),
            ("!gone", true),
            ("!app", false),
            ("app=x,spark-exec-id in (1,2),!gone", true),
            ("app=x,spark-exec-id in (1,2),gone", false),
        ] {
            assert_eq!(LabelSelector::parse(text).unwrap().matches(&pod), matches, "{text}");
        }
    }

    #[test]
    fn field_selectors_match_phase_and_name() {
        let pod = json!({"metadata": {"name": "p"}, "status": {"phase": "Running"}});
        for (text, matches) in [
            ("status.phase=Running", true),
            ("status.phase=Pending", false),
            ("status.phase!=Pending", true),
            ("metadata.name=p", true),
            ("metadata.name==q", false),
            ("metadata.name!=p", false),
            ("status.phase=Running,metadata.name=p", true),
        ] {
            assert_eq!(FieldSelector::parse(text).unwrap().matches(&pod), matches, "{text}");
        }
    }

    #[test]
    fn unreadable_selectors_are_refused() {
        for text in ["=x", "a in 1,2", "a b", "a in (1", "!"] {
            assert_eq!(LabelSelector::parse(text).unwrap_err().code, 400, "{text}");
        }
        for text in ["spec.nodeName=x", "status.phase"] {
            assert_eq!(FieldSelector::parse(text).unwrap_err().code, 400, "{text}");
        }
    }
}
