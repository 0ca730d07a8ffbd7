//! The AWS CLI's shorthand: `key=value,key2=[a,b],key3={x=1}` to JSON, led by the shapes of the service model. No I/O.

use firesteel_wire::model::{Kind, Model, ShapeRef};
use serde_json::{Map, Value};

/// Reads one text as a value of `shape`.
pub fn read(model: &Model, shape: ShapeRef, text: &str) -> Result<Value, String> {
    let mut reader = Reader { model, text, at: 0 };
    let value = match &model.shape(shape).kind {
        Kind::Structure(_) | Kind::Map(..) => reader.pairs(shape)?,
        _ => reader.value(shape)?,
    };
    match reader.rest() {
        "" => Ok(value),
        rest => Err(format!("Expected: ',', received: '{rest}'")),
    }
}

struct Reader<'a> {
    model: &'a Model,
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn demand(&mut self, wanted: char) -> Result<(), String> {
        if self.take(wanted) { Ok(()) } else { Err(self.expected(wanted)) }
    }

    fn expected(&self, wanted: char) -> String {
        let received = self.peek().map_or("the end".to_owned(), |found| format!("'{found}'"));
        format!("Expected: '{wanted}', received: {received}, for input: {}", self.text)
    }

    fn until(&mut self, ends: &[char]) -> &'a str {
        let rest = self.rest();
        let length = rest.find(ends).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn pairs(&mut self, shape: ShapeRef) -> Result<Value, String> {
        let mut members = Map::new();
        loop {
            let key = self.until(&['=', ',', '{', '}', '[', ']']).trim();
            if key.is_empty() {
                return Err(format!("Expected a key, received: '{}', for input: {}", self.rest(), self.text));
            }
            self.demand('=')?;
            let member = self.member(shape, key)?;
            if members.insert(key.to_owned(), self.value(member)?).is_some() {
                return Err(format!("Second instance of key \"{key}\" encountered"));
            }
            if !self.take(',') {
                return Ok(Value::Object(members));
            }
        }
    }

    fn member(&self, shape: ShapeRef, key: &str) -> Result<ShapeRef, String> {
        match &self.model.shape(shape).kind {
            Kind::Map(_, value) => Ok(*value),
            Kind::Structure(structure) => structure.member(key).map(|member| member.shape).ok_or_else(|| {
                let known: Vec<&str> = structure.members.iter().map(|member| member.name.as_str()).collect();
                format!("Unknown key: \"{key}\", must be one of: {}", known.join(", "))
            }),
            _ => Err(format!("Key \"{key}\" stands where a plain value belongs")),
        }
    }

    fn value(&mut self, shape: ShapeRef) -> Result<Value, String> {
        match (&self.model.shape(shape).kind, self.peek()) {
            (Kind::Structure(_) | Kind::Map(..), _) => {
                self.demand('{')?;
                if self.take('}') {
                    return Ok(Value::Object(Map::new()));
                }
                let value = self.pairs(shape)?;
                self.demand('}')?;
                Ok(value)
            }
            (Kind::List(element), Some('[')) => self.bracketed(*element),
            (Kind::List(element), _) => self.bare_list(*element),
            _ => {
                let text = self.word()?;
                scalar(&self.model.shape(shape).kind, &text)
            }
        }
    }

    fn bracketed(&mut self, element: ShapeRef) -> Result<Value, String> {
        self.demand('[')?;
        let mut values = Vec::new();
        while !self.take(']') {
            values.push(self.value(element)?);
            if self.peek() != Some(']') {
                self.demand(',')?;
            }
        }
        Ok(Value::Array(values))
    }

    /// `k=a,b,c`: what follows belongs to the list as long as it is no `key=`.
    fn bare_list(&mut self, element: ShapeRef) -> Result<Value, String> {
        let mut values = vec![self.value(element)?];
        while let Some(rest) = self.rest().strip_prefix(',') {
            let next = rest.find([',', '=', '}', ']']).map(|at| &rest[at..]);
            if next.is_some_and(|next| next.starts_with('=')) {
                break;
            }
            self.at += 1;
            values.push(self.value(element)?);
        }
        Ok(Value::Array(values))
    }

    fn word(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(quote @ ('"' | '\'')) => {
                self.at += 1;
                self.quoted(quote)
            }
            _ => Ok(self.until(&[',', '}', ']']).trim().to_owned()),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        let mut letters = self.rest().char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                _ if letter == quote => {
                    self.at += at + 1;
                    return Ok(text);
                }
                '\\' => match letters.next() {
                    Some((_, next)) if next == quote || next == '\\' => text.push(next),
                    Some((_, next)) => text.extend(['\\', next]),
                    None => break,
                },
                _ => text.push(letter),
            }
        }
        Err(format!("Expected: '{quote}', received: the end, for input: {}", self.text))
    }
}

/// A plain value of this kind from its text.
pub fn scalar(kind: &Kind, text: &str) -> Result<Value, String> {
    match kind {
        Kind::Integer | Kind::Long => {
            text.trim().parse::<i64>().map(Value::from).map_err(|_| format!("'{text}' is not a whole number"))
        }
        Kind::Double => {
            let number = text.trim().parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            number.map(Value::Number).ok_or_else(|| format!("'{text}' is not a number"))
        }
        Kind::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            _ => Err(format!("'{text}' is neither true nor false")),
        },
        Kind::Timestamp => timestamp(text),
        _ => Ok(text.into()),
    }
}

/// ISO-8601 (UTC where it names no zone; a day alone is its first moment) or epoch seconds, as epoch seconds.
fn timestamp(text: &str) -> Result<Value, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Ok(seconds.into());
    }
    let moment = text.parse::<jiff::Timestamp>().or_else(|_| {
        let civil = text.parse::<jiff::civil::DateTime>()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp())
    });
    let moment = moment.map_err(|_| format!("'{text}' is neither ISO-8601 nor epoch seconds"))?;
    Ok((moment.as_millisecond() as f64 / 1000.0).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_wire::model::model;
    use serde_json::json;

    fn of_member(operation: firesteel_wire::Operation, member: &str, text: &str) -> Result<Value, String> {
        let members = model().operation(operation).unwrap().members(model());
        read(model(), members.iter().find(|m| m.name == member).unwrap().shape, text)
    }

    #[test]
    fn as_the_aws_cli_reads_it() {
        use firesteel_wire::Operation::{CreateApplication, StartJobRun};
        let table = [
            (CreateApplication, "tags", "a=1,b=two words", json!({"a": "1", "b": "two words"})),
            (CreateApplication, "tags", "k='a,b=c',l=\"x\\\"y\"", json!({"k": "a,b=c", "l": "x\"y"})),
            (CreateApplication, "tags", "k=", json!({"k": ""})),
            (
                CreateApplication,
                "autoStopConfiguration",
                "enabled=True,idleTimeoutMinutes=15",
                json!({"enabled": true, "idleTimeoutMinutes": 15}),
            ),
            (
                CreateApplication,
                "maximumCapacity",
                "cpu=4 vCPU,memory=16 GB",
                json!({"cpu": "4 vCPU", "memory": "16 GB"}),
            ),
            (
                CreateApplication,
                "networkConfiguration",
                "subnetIds=s1,s2,securityGroupIds=[g1,g2]",
                json!({"subnetIds": ["s1", "s2"], "securityGroupIds": ["g1", "g2"]}),
            ),
            (
                CreateApplication,
                "initialCapacity",
                "DRIVER={workerCount=1,workerConfiguration={cpu=4vCPU,memory=16GB}}",
                json!({"DRIVER": {"workerCount": 1, "workerConfiguration": {"cpu": "4vCPU", "memory": "16GB"}}}),
            ),
            (
                StartJobRun,
                "jobDriver",
                "sparkSubmit={entryPoint=s3://b/x.py,entryPointArguments=[--output,s3://b/o]}",
                json!({"sparkSubmit": {"entryPoint": "s3://b/x.py", "entryPointArguments": ["--output", "s3://b/o"]}}),
            ),
            (
                StartJobRun,
                "configurationOverrides",
                "applicationConfiguration=[{classification=spark-defaults,properties={a.b=c}}]",
                json!({"applicationConfiguration": [{"classification": "spark-defaults", "properties": {"a.b": "c"}}]}),
            ),
        ];
        for (operation, member, text, expected) in table {
            assert_eq!(of_member(operation, member, text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        use firesteel_wire::Operation::CreateApplication;
        let table = [
            ("autoStopConfiguration", "enable=true", "must be one of: enabled, idleTimeoutMinutes"),
            ("autoStopConfiguration", "enabled=maybe", "neither true nor false"),
            ("autoStopConfiguration", "idleTimeoutMinutes=x", "not a whole number"),
            ("tags", "a", "Expected: '='"),
            ("tags", "a=1,a=2", "Second instance"),
            ("tags", "a='b", "the end"),
            ("tags", "a=b}", "'}'"),
            ("networkConfiguration", "subnetIds=[a", "Expected"),
            ("initialCapacity", "DRIVER=1", "Expected: '{'"),
        ];
        for (member, text, part) in table {
            let error = of_member(CreateApplication, member, text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn moments() {
        let table = [
            ("1767323045.5", Some(1_767_323_045.5)),
            ("2026-01-02T03:04:05Z", Some(1_767_323_045.0)),
            ("2026-01-02T04:04:05.125+01:00", Some(1_767_323_045.125)),
            ("2026-01-02T03:04:05", Some(1_767_323_045.0)),
            ("2026-01-02", Some(1_767_312_000.0)),
            ("yesterday", None),
        ];
        for (text, seconds) in table {
            assert_eq!(timestamp(text).ok(), seconds.map(Value::from), "{text}");
        }
    }
}
