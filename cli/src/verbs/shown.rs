//! An answer as it is shown: JSON whose objects keep their order, which is the service model's, as in the AWS CLI. No I/O.

use firesteel_wire::model::{Kind, ShapeRef, Structure, model};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Number, Value};

/// JSON whose objects keep the order of their members.
#[derive(Clone, Debug)]
pub enum Shown {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it came.
    Number(Number),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Shown>),
    /// Members in the order in which they are printed.
    Object(Vec<(String, Shown)>),
}

impl Shown {
    /// An answer of this shape: members in the model's order, unknown ones left out, moments as ISO-8601.
    pub fn answer(shape: ShapeRef, value: Value) -> Self {
        match (&model().shape(shape).kind, value) {
            (Kind::Timestamp, value) => match value.as_f64().and_then(iso) {
                Some(text) => Self::Text(text),
                None => value.into(),
            },
            (Kind::Structure(structure), Value::Object(members)) => Self::structure(structure, members),
            (Kind::List(element), Value::Array(values)) => {
                Self::List(values.into_iter().map(|value| Self::answer(*element, value)).collect())
            }
            (Kind::Map(_, element), Value::Object(members)) => {
                let shown = members.into_iter().map(|(name, value)| (name, Self::answer(*element, value)));
                Self::Object(shown.collect())
            }
            (_, value) => value.into(),
        }
    }

    fn structure(structure: &Structure, mut members: serde_json::Map<String, Value>) -> Self {
        let mut listed: Vec<_> = structure.members.iter().collect();
        listed.sort_by_key(|member| member.position);
        let shown = listed.into_iter().filter_map(|member| {
            let value = members.remove(&member.name).filter(|value| !value.is_null())?;
            Some((member.name.clone(), Self::answer(member.shape, value)))
        });
        Self::Object(shown.collect())
    }

    /// The member of this name.
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Whether it is neither a list nor an object.
    pub fn is_scalar(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Object(_))
    }

    /// Whether it is nothing, an empty text, list or object, zero or false: what Python calls false.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) => true,
            Self::Bool(true) => false,
            Self::Number(number) => number.as_f64() == Some(0.0),
            Self::Text(text) => text.is_empty(),
            Self::List(values) => values.is_empty(),
            Self::Object(members) => members.is_empty(),
        }
    }

    /// A scalar in one word, as Python writes it; lists and objects as JSON.
    pub fn word(&self) -> String {
        match self {
            Self::Null => "None".to_owned(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::List(_) | Self::Object(_) => serde_json::to_string(self).unwrap_or_default(),
        }
    }
}

impl From<Value> for Shown {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(text),
            Value::Array(values) => Self::List(values.into_iter().map(Self::from).collect()),
            Value::Object(members) => {
                Self::Object(members.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
        }
    }
}

impl PartialEq for Shown {
    /// The order of an object's members does not count, nor how a number is written.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::Number(one), Self::Number(two)) => one.as_f64() == two.as_f64(),
            (Self::Text(one), Self::Text(two)) => one == two,
            (Self::List(one), Self::List(two)) => one == two,
            (Self::Object(one), Self::Object(two)) => {
                one.len() == two.len() && one.iter().all(|(name, value)| other.member(name) == Some(value))
            }
            _ => false,
        }
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(values) => serializer.collect_seq(values),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

/// `2026-01-02T03:04:05.500000+00:00`: in the local time zone and as Python writes it, microseconds only where there
/// are some.
fn iso(seconds: f64) -> Option<String> {
    let moment = jiff::Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()?;
    let format =
        if moment.subsec_microsecond() == 0 { "%Y-%m-%dT%H:%M:%S%:z" } else { "%Y-%m-%dT%H:%M:%S.%6f%:z" };
    Some(moment.to_zoned(jiff::tz::TimeZone::system()).strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_wire::Operation;
    use serde_json::json;

    fn answer(operation: Operation, value: Value) -> String {
        let described = model().operation(operation).unwrap();
        serde_json::to_string(&Shown::answer(described.output, value)).unwrap()
    }

    #[test]
    fn members_come_in_the_models_order_and_unknown_ones_not_at_all() {
        let started = json!({"arn": "x", "jobRunId": "r", "applicationId": "a", "brandNew": 1, "name": null});
        let expected = r#"{"applicationId":"a","jobRunId":"r","arn":"x"}"#;
        assert_eq!(answer(Operation::StartJobRun, started), expected);
    }

    #[test]
    fn moments_wherever_they_stand_and_nothing_else() {
        let one = json!({"application": {"createdAt": 1_767_323_045.5, "tags": {"createdAt": "1"}}});
        let text = answer(Operation::GetApplication, one);
        let at: jiff::Timestamp = text.split('"').nth(5).unwrap().parse().unwrap();
        assert_eq!(at.as_microsecond(), 1_767_323_045_500_000, "{text}");
        assert!(text.contains(".500000") && text.contains(r#"{"createdAt":"1"}"#), "{text}");
        let listed = answer(Operation::ListJobRuns, json!({"jobRuns": [{"createdAt": 1_767_323_045}]}));
        assert!(!listed.contains('.'), "{listed}");
    }

    #[test]
    fn words_are_pythons() {
        let table = [
            (json!(null), "None"),
            (json!(true), "True"),
            (json!(3), "3"),
            (json!(0.106), "0.106"),
            (json!("a b"), "a b"),
        ];
        for (value, word) in table {
            assert_eq!(Shown::from(value).word(), word);
        }
    }

    #[test]
    fn equality_is_of_values() {
        let same = |one: Value, two: Value| Shown::from(one) == Shown::from(two);
        assert!(same(json!({"a": 1, "b": [2]}), json!({"b": [2.0], "a": 1.0})));
        assert!(!same(json!({"a": 1}), json!({"a": 1, "b": 2})));
        assert!(!same(json!(0), json!(false)) && !same(json!("1"), json!(1)));
    }
}
