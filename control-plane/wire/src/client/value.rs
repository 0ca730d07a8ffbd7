//! What was typed after a flag, as the JSON value that the model wants there: plain text, JSON, or the AWS CLI's shorthand
//! (`cpu=4vCPU,memory=16GB`, `a=[1,2],b={c=d}`).

use serde_json::{Number, Value};

use crate::model::{Kind, Location, Model, ShapeRef, Structure, model};
use crate::{ApiError, Input, Operation};

/// Reads the words that follow a member's flag. A list takes one word for each element, or one JSON array; a boolean takes no word
/// (true) or `true`/`false`; everything else takes one word.
///
/// Errors: ValidationException that says what was expected. Constraints are not checked here.
pub fn value(operation: Operation, member: &str, words: &[&str]) -> Result<Value, ApiError> {
    let model = model();
    let members = model.operation(operation).map_or(&[][..], |o| o.members(model));
    let member = members
        .iter()
        .find(|candidate| candidate.name == member)
        .ok_or_else(|| ApiError::validation(format!("{operation} has no member '{member}'.")))?;
    let shape = model.shape(member.shape);
    let read = match (&shape.kind, words) {
        (Kind::Boolean, []) => Ok(Value::Bool(true)),
        (Kind::List(_), [word]) if word.trim_start().starts_with('[') => json(word),
        (Kind::List(element), words) => words.iter().map(|word| one(model, *element, word)).collect(),
        (Kind::Timestamp, [word]) if member.location == Location::Query => Ok(moment(word)),
        (_, [word]) => one(model, member.shape, word),
        _ => Err("expected one value".to_owned()),
    };
    read.map_err(|why| ApiError::validation(format!("--{}: {why}", super::kebab(&member.name))))
}

/// A moment stays text unless it is a number; the query carries it as it was typed.
fn moment(word: &str) -> Value {
    let number = word.parse::<f64>().ok().and_then(Number::from_f64);
    number.map_or_else(|| Value::String(word.to_owned()), Value::Number)
}

fn one(model: &Model, shape: ShapeRef, word: &str) -> Result<Value, String> {
    match &model.shape(shape).kind {
        Kind::Structure(_) | Kind::Map(..) | Kind::List(_) if word.trim_start().starts_with(['{', '[']) => {
            json(word)
        }
        Kind::Structure(_) | Kind::Map(..) => {
            let mut reader = Reader { model, text: word, at: 0 };
            let object = reader.pairs(shape, None)?;
            reader.end().map(|()| object)
        }
        kind => scalar(kind, word),
    }
}

fn json(word: &str) -> Result<Value, String> {
    serde_json::from_str(word).map_err(|e| format!("not valid JSON: {e}"))
}

fn scalar(kind: &Kind, text: &str) -> Result<Value, String> {
    let read = match kind {
        Kind::Integer | Kind::Long => text.parse::<i64>().ok().map(|n| Value::Number(n.into())),
        Kind::Double | Kind::Timestamp => {
            text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
        }
        Kind::Boolean => text.parse::<bool>().ok().map(Value::Bool),
        _ => Some(Value::String(text.to_owned())),
    };
    read.ok_or_else(|| format!("expected {}, found '{text}'", crate::validate::type_name(kind)))
}

/// Reads shorthand from left to right, led by the model.
struct Reader<'a> {
    model: &'a Model,
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    /// `key=value,…` up to the closing letter, or to the end.
    fn pairs(&mut self, shape: ShapeRef, close: Option<char>) -> Result<Value, String> {
        let mut object = Input::new();
        while close.is_none() || self.peek() != close {
            let rest = &self.text[self.at..];
            let Some(equals) =
                rest.find(['=', ',', '{', '}', '[', ']']).filter(|at| rest[*at..].starts_with('='))
            else {
                return Err(format!("expected key=value at '{rest}'"));
            };
            let key = rest[..equals].trim();
            self.at += equals + 1;
            let inner = self.inner(shape, key)?;
            let value = self.value(inner)?;
            object.insert(key.to_owned(), value);
            if !self.take(',') {
                break;
            }
        }
        self.closed(close).map(|()| Value::Object(object))
    }

    fn inner(&self, shape: ShapeRef, key: &str) -> Result<ShapeRef, String> {
        let unknown = |structure: &Structure| {
            let names: Vec<&str> = structure.members.iter().map(|m| m.name.as_str()).collect();
            format!("'{key}' is not one of {}", names.join(", "))
        };
        match &self.model.shape(shape).kind {
            Kind::Map(_, value) => Ok(*value),
            Kind::Structure(structure) => {
                structure.member(key).map(|m| m.shape).ok_or_else(|| unknown(structure))
            }
            kind => Err(format!("a {} has no '{key}'", crate::validate::type_name(kind))),
        }
    }

    fn value(&mut self, shape: ShapeRef) -> Result<Value, String> {
        match &self.model.shape(shape).kind {
            Kind::Structure(_) | Kind::Map(..) if self.take('{') => self.pairs(shape, Some('}')),
            Kind::List(element) if self.take('[') => self.list(*element),
            Kind::Structure(_) | Kind::Map(..) => {
                Err(format!("expected '{{' at '{}'", &self.text[self.at..]))
            }
            Kind::List(_) => Err(format!("expected '[' at '{}'", &self.text[self.at..])),
            kind => {
                let text = self.word()?;
                scalar(kind, &text)
            }
        }
    }

    fn list(&mut self, element: ShapeRef) -> Result<Value, String> {
        let mut elements = Vec::new();
        while self.peek() != Some(']') {
            elements.push(self.value(element)?);
            if !self.take(',') {
                break;
            }
        }
        self.closed(Some(']')).map(|()| Value::Array(elements))
    }

    /// A bare word up to `,`, `]` or `}`, or a quoted one with anything in it.
    fn word(&mut self) -> Result<String, String> {
        let rest = &self.text[self.at..];
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let inner = &rest[1..];
            let end = inner.find(quote).ok_or_else(|| format!("the quote is not closed in '{rest}'"))?;
            self.at += end + 2;
            return Ok(inner[..end].to_owned());
        }
        let end = rest.find([',', ']', '}']).unwrap_or(rest.len());
        self.at += end;
        Ok(rest[..end].trim().to_owned())
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn take(&mut self, letter: char) -> bool {
        let found = self.peek() == Some(letter);
        self.at += if found { letter.len_utf8() } else { 0 };
        found
    }

    fn closed(&mut self, close: Option<char>) -> Result<(), String> {
        match close {
            Some(letter) if !self.take(letter) => {
                Err(format!("expected '{letter}' at '{}'", &self.text[self.at..]))
            }
            _ => Ok(()),
        }
    }

    fn end(&self) -> Result<(), String> {
        let rest = &self.text[self.at..];
        if rest.is_empty() { Ok(()) } else { Err(format!("'{rest}' is left over")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(member: &str, words: &[&str]) -> Result<Value, String> {
        let operation = match member {
            "states" | "createdAtAfter" => Operation::ListJobRuns,
            "tagKeys" => Operation::UntagResource,
            "attempt" | "accessSystemProfileLogs" => Operation::GetDashboardForJobRun,
            "name" | "jobDriver" => Operation::StartJobRun,
            _ => Operation::CreateApplication,
        };
        value(operation, member, words).map_err(|error| error.message)
    }

    #[test]
    fn words_become_what_the_model_wants() {
        let table: &[(&str, &[&str], Value)] = &[
            ("name", &["{not json"], json!("{not json")),
            ("attempt", &["2"], json!(2)),
            ("accessSystemProfileLogs", &[], json!(true)),
            ("accessSystemProfileLogs", &["false"], json!(false)),
            ("states", &["RUNNING", "QUEUED"], json!(["RUNNING", "QUEUED"])),
            ("states", &[r#"["RUNNING"]"#], json!(["RUNNING"])),
            ("createdAtAfter", &["2026-01-02T03:04:05Z"], json!("2026-01-02T03:04:05Z")),
            ("createdAtAfter", &["1767323045.5"], json!(1767323045.5)),
            ("tags", &["a=b,c d=e=f"], json!({"a": "b", "c d": "e=f"})),
            ("tags", &[r#"{"a":"b"}"#], json!({"a": "b"})),
            ("tags", &[r#"a="x,y",b='z'"#], json!({"a": "x,y", "b": "z"})),
            (
                "maximumCapacity",
                &["cpu=400 vCPU,memory=3000GB"],
                json!({"cpu": "400 vCPU", "memory": "3000GB"}),
            ),
            (
                "autoStopConfiguration",
                &["enabled=true,idleTimeoutMinutes=5"],
                json!({"enabled": true, "idleTimeoutMinutes": 5}),
            ),
            (
                "initialCapacity",
                &[
                    "DRIVER={workerCount=1,workerConfiguration={cpu=2vCPU,memory=4GB}},EXECUTOR={workerCount=2}",
                ],
                json!({"DRIVER": {"workerCount": 1, "workerConfiguration": {"cpu": "2vCPU", "memory": "4GB"}}, "EXECUTOR": {"workerCount": 2}}),
            ),
            (
                "networkConfiguration",
                &["subnetIds=[a,b],securityGroupIds=[]"],
                json!({"subnetIds": ["a", "b"], "securityGroupIds": []}),
            ),
            (
                "runtimeConfiguration",
                &["classification=a,properties={x=y}", "classification=b"],
                json!([{"classification": "a", "properties": {"x": "y"}}, {"classification": "b"}]),
            ),
            (
                "jobDriver",
                &[r#"{"sparkSubmit":{"entryPoint":"e"}}"#],
                json!({"sparkSubmit": {"entryPoint": "e"}}),
            ),
        ];
        for (member, words, expected) in table {
            assert_eq!(read(member, words), Ok(expected.clone()), "{member} {words:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let table: &[(&str, &[&str], &str)] = &[
            ("attempt", &["two"], "--attempt: expected Integer, found 'two'"),
            ("attempt", &[], "--attempt: expected one value"),
            ("name", &["a", "b"], "--name: expected one value"),
            ("maximumCapacity", &["cpus=4"], "--maximum-capacity: 'cpus' is not one of cpu, disk, memory"),
            ("maximumCapacity", &["4"], "--maximum-capacity: expected key=value at '4'"),
            ("maximumCapacity", &["cpu=4}"], "--maximum-capacity: '}' is left over"),
            ("tags", &["a='b"], "--tags: the quote is not closed in ''b'"),
            ("networkConfiguration", &["subnetIds=a"], "--network-configuration: expected '[' at 'a'"),
            ("initialCapacity", &["DRIVER={workerCount=1"], "--initial-capacity: expected '}' at ''"),
            ("nothing", &["1"], "CreateApplication has no member 'nothing'."),
        ];
        for (member, words, expected) in table {
            assert_eq!(read(member, words), Err((*expected).to_owned()));
        }
        assert!(read("tags", &["{"]).is_err_and(|why| why.starts_with("--tags: not valid JSON")));
    }

    proptest! {
        #[test]
        fn no_word_makes_it_panic(word in "[a-zé={}\\[\\],\"' ]{0,24}") {
            for member in ["tags", "initialCapacity", "networkConfiguration", "runtimeConfiguration"] {
                let _ = read(member, &[&word]);
            }
        }
    }
}
