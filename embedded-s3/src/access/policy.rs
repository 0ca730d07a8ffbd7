//! Session policies: IAM's JSON, as far as it can be enforced here.
//!
//! What cannot be enforced (`Condition`, `NotAction`, `NotResource`, `Principal`) is refused, so
//! that a policy never allows more than it says.

use serde::Deserialize;

use super::pattern::fits;

/// The longest policy text, in characters (STS API reference, AssumeRole).
const TEXT_MAX: usize = 2048;

/// A policy that was understood whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    statements: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    action: OneOrMany<String>,
    resource: OneOrMany<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn all(&self) -> &[T] {
        match self {
            OneOrMany::One(one) => std::slice::from_ref(one),
            OneOrMany::Many(many) => many,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: serde_json::Value,
}

impl Policy {
    /// Reads a policy; the error is the message of `MalformedPolicyDocument`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > TEXT_MAX {
            return Err(format!("The policy is longer than {TEXT_MAX} characters"));
        }
        let document: Document = serde_json::from_str(text).map_err(|fault| fault.to_string())?;
        if document.version.is_some_and(|version| version != "2012-10-17" && version != "2008-10-17") {
            return Err("The policy must contain a valid version string".into());
        }
        let statements = match &document.statement {
            serde_json::Value::Array(many) => many.as_slice(),
            one => std::slice::from_ref(one),
        };
        let statements = statements.iter().map(read_statement).collect::<Result<Vec<_>, _>>()?;
        if statements.is_empty() {
            return Err("The policy must contain at least one statement".into());
        }
        Ok(Self { statements })
    }

    /// Whether it allows the action on the resource: some statement allows it and none denies it.
    pub fn allows(&self, action: &str, resource: &str) -> bool {
        let mut allowed = false;
        for statement in self.statements.iter().filter(|statement| statement.speaks_of(action, resource)) {
            match statement.effect {
                Effect::Deny => return false,
                Effect::Allow => allowed = true,
            }
        }
        allowed
    }
}

fn read_statement(value: &serde_json::Value) -> Result<Statement, String> {
    for element in ["Condition", "NotAction", "NotResource", "Principal", "NotPrincipal"] {
        if value.get(element).is_some() {
            return Err(format!("The element {element} is not supported in session policies"));
        }
    }
    let statement: Statement = serde_json::from_value(value.clone()).map_err(|fault| fault.to_string())?;
    if statement.action.all().is_empty() || statement.resource.all().is_empty() {
        return Err("Policy statement must contain actions and resources".into());
    }
    for action in statement.action.all() {
        if action != "*" && !action.contains(':') {
            return Err(format!("Actions/Conditions must be prefaced by a vendor: {action}"));
        }
    }
    for resource in statement.resource.all() {
        if resource != "*" && !resource.starts_with("arn:") {
            return Err(format!("Resource {resource} must be in ARN format or \"*\""));
        }
    }
    Ok(statement)
}

impl Statement {
    fn speaks_of(&self, action: &str, resource: &str) -> bool {
        let action = action.to_ascii_lowercase();
        self.action.all().iter().any(|pattern| fits(&pattern.to_ascii_lowercase(), &action))
            && self.resource.all().iter().any(|pattern| fits(pattern, resource))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allow_and_deny_combine_as_in_iam() {
        let policy = Policy::parse(
            r#"{"Version": "2012-10-17", "Statement": [
                {"Sid": "a", "Effect": "Allow", "Action": ["s3:Get*", "S3:PUTOBJECT"], "Resource": "arn:aws:s3:::one/*"},
                {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": ["arn:aws:s3:::one"]},
                {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::one/secret/*"}]}"#,
        )
        .unwrap();
        let table = [
            ("s3:GetObject", "arn:aws:s3:::one/a", true),
            ("s3:PutObject", "arn:aws:s3:::one/a", true),
            ("s3:DeleteObject", "arn:aws:s3:::one/a", false),
            ("s3:GetObject", "arn:aws:s3:::two/a", false),
            ("s3:GetObject", "arn:aws:s3:::one/secret/a", false),
            ("s3:ListBucket", "arn:aws:s3:::one", true),
            ("s3:ListBucket", "arn:aws:s3:::one/", false),
        ];
        for (action, resource, expected) in table {
            assert_eq!(policy.allows(action, resource), expected, "{action} {resource}");
        }
    }

    #[test]
    fn what_cannot_be_enforced_is_refused() {
        let with = |extra: &str| {
            format!(r#"{{"Statement": {{"Effect": "Allow", "Action": "s3:*", "Resource": "*"{extra}}}}}"#)
        };
        Policy::parse(&with("")).unwrap();
        let table = [
            with(r#", "Condition": {"StringLike": {"s3:prefix": "a/*"}}"#),
            with(r#", "Principal": "*""#),
            with(r#", "Unknown": 1"#),
            r#"{"Statement": {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}}"#.into(),
            r#"{"Statement": {"Effect": "Allow", "Action": "GetObject", "Resource": "*"}}"#.into(),
            r#"{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "one/*"}}"#.into(),
            r#"{"Statement": {"Effect": "Maybe", "Action": "s3:*", "Resource": "*"}}"#.into(),
            r#"{"Statement": [], "Version": "2012-10-17"}"#.into(),
            r#"{"Version": "2020-01-01", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#.into(),
            "{".into(),
            "[]".into(),
            with(&" ".repeat(TEXT_MAX)),
        ];
        for text in table {
            assert!(Policy::parse(&text).is_err(), "{text}");
        }
    }
}
