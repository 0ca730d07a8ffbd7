//! Every operation, path, label and query parameter: what is sent as the model says arrives as the model says, and nothing else does.

use crate::published::{Member, Published, text};
use crate::values::{Step, least, places, with};
use firesteel_wire::{ApiError, Input, Operation, Routed, client, route};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// All that is wrong with how requests are routed and read.
pub fn complaints(model: &Published) -> Vec<String> {
    let mut found = names(model);
    for (name, raw) in model.operations() {
        let Some(operation) = Operation::named(name) else { continue };
        let outcome = one(model, operation, raw, &mut found);
        found.extend(outcome.err().map(|complaint| format!("{name}: {complaint}")));
    }
    found.extend(other_methods(model));
    found
}

fn names(model: &Published) -> Vec<String> {
    let theirs: BTreeSet<&str> = model.operations().map(|(name, _)| name).collect();
    let ours: BTreeSet<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    let missing = theirs.difference(&ours).map(|name| format!("{name}: we do not know this operation"));
    let extra =
        ours.difference(&theirs).map(|name| format!("{name}: the model does not know this operation"));
    missing.chain(extra).collect()
}

fn one(model: &Published, operation: Operation, raw: &Value, found: &mut Vec<String>) -> Result<(), String> {
    let input = model.input(raw);
    if raw["http"]["responseCode"] != 200 {
        found.push(format!("{operation}: answers {} on success", raw["http"]["responseCode"]));
    }
    for member in model.members(&input) {
        let here = |complaint: String| format!("{operation} {}: {complaint}", member.name);
        let outcome = match member.location {
            None | Some("uri") => Ok(()),
            Some("querystring") => query_member(model, operation, raw, &member),
            Some(other) => Err(format!("travels in {other}")),
        };
        found.extend(outcome.err().map(here));
        found.extend(travels(model, operation, raw, &member).err().map(here));
    }
    if let Some(stranger) = with_strangers(model, operation, raw)? {
        found.push(format!("{operation}: {stranger}"));
    }
    Ok(())
}

/// The whole input with this member filled in: sent as the model says it arrives whole, and our client sends the same.
fn travels(model: &Published, operation: Operation, raw: &Value, member: &Member<'_>) -> Result<(), String> {
    let input = model.input(raw);
    for place in places(model, &input) {
        let leaf = least(model, &place.shape)?;
        // An empty list in the query is no list at all.
        let nothing = member.location.is_some() && leaf == json!([]);
        if nothing || place.steps.first() != Some(&Step::Member(member.name.to_owned())) {
            continue;
        }
        let whole = with(model, &input, &place.steps, leaf)?;
        let sent = Sent::of(model, raw, &whole)?;
        let arrived = sent.arrives().map_err(|e| format!("{}: {e}", place.path()))?;
        if (arrived.operation, &Value::Object(arrived.input.clone())) != (operation, &whole) {
            return Err(format!(
                "arrives as {} {} instead of {whole}",
                arrived.operation,
                Value::Object(arrived.input)
            ));
        }
        let members: &Input = whole.as_object().ok_or("the input is no object")?;
        let ours = client::request(operation, members).map_err(|e| e.to_string())?;
        let ours = Sent {
            method: ours.method,
            path: ours.path,
            query: ours.query,
            body: ours.body.unwrap_or_default(),
        };
        if !ours.means(&sent) {
            return Err(format!("our client sends {ours:?} instead of {sent:?}"));
        }
    }
    Ok(())
}

/// A query parameter is read as its type, and an unreadable one refused by name.
fn query_member(
    model: &Published,
    operation: Operation,
    raw: &Value,
    member: &Member<'_>,
) -> Result<(), String> {
    let table = readings(model, member.shape)?;
    let plain = Sent::of(model, raw, &least(model, &model.input(raw))?)?;
    for (written, expected) in table {
        let mut sent = plain.clone();
        sent.query = format!("{}={written}", member.wire_name);
        match (sent.arrives(), &expected) {
            (Ok(arrived), Some(value))
                if arrived.operation == operation && arrived.input.get(member.name) == Some(value) => {}
            (Err(e), None)
                if e.type_name() == "SerializationException" && e.message.contains(member.name) => {}
            (other, _) => return Err(format!("'{written}' is read as {other:?}")),
        }
    }
    Ok(())
}

/// Texts of a query parameter, and what each is read as; `None`: it is refused.
fn readings(model: &Published, shape: &str) -> Result<Vec<(&'static str, Option<Value>)>, String> {
    let element = text(&model.shape(shape)["member"]["shape"]);
    Ok(match model.kind(shape) {
        "integer" | "long" => {
            vec![("17", Some(json!(17))), ("-1", Some(json!(-1))), ("1.5", None), ("x", None), ("", None)]
        }
        "boolean" => {
            vec![("true", Some(json!(true))), ("false", Some(json!(false))), ("1", None), ("True", None)]
        }
        "timestamp" => vec![
            ("1970-01-01T00%3A00%3A01.5Z", Some(json!(1.5))),
            ("1970-01-01T01%3A00%3A01%2B01%3A00", Some(json!(1.0))),
            ("yesterday", None),
        ],
        "string" => vec![("a%20b+c%C3%A9", Some(json!("a b cé"))), ("%FF", None)],
        "list" if model.kind(element) == "string" => vec![("a%3Ab", Some(json!(["a:b"]))), ("%FF", None)],
        kind => return Err(format!("a {kind} in the query")),
    })
}

/// Members of path and query are not taken from the body, nor others from the query; what nobody knows is left alone.
fn with_strangers(model: &Published, operation: Operation, raw: &Value) -> Result<Option<String>, String> {
    let input = model.input(raw);
    let whole = least(model, &input)?;
    let mut sent = Sent::of(model, raw, &whole)?;
    let mut body: Value = serde_json::from_str(&sent.body).unwrap_or_else(|_| json!({}));
    let binds_body = model.members(&input).iter().any(|m| m.location.is_none());
    for member in model.members(&input) {
        match member.location {
            None => sent.query += &format!("&{}=evil", member.name),
            Some(_) => body[member.name] = json!("evil"),
        }
    }
    sent.query += "&aParameterOfTomorrow=1&X-Amz-Date=x";
    sent.body = if binds_body { body.to_string() } else { "no JSON at all".to_owned() };
    let arrived = sent.arrives().map_err(|e| e.to_string())?;
    let fits = arrived.operation == operation && Value::Object(arrived.input.clone()) == whole;
    Ok((!fits).then(|| format!("with strangers it arrives as {}", Value::Object(arrived.input))))
}

/// A path answers to the methods that the model has for it, and to no other.
fn other_methods(model: &Published) -> Vec<String> {
    let mut found = Vec::new();
    for (_, raw) in model.operations() {
        let template = text(&raw["http"]["requestUri"]);
        for method in METHODS {
            let path = filled(template, |_| Ok("00a".to_owned())).unwrap_or_default();
            let theirs = model.operations().find(|(_, other)| {
                other["http"]["method"] == method && text(&other["http"]["requestUri"]) == template
            });
            let ours = route(method, &path, "").ok().map(|routed| routed.operation.name());
            if ours != theirs.map(|(name, _)| name) {
                found.push(format!("{method} {template} is taken as {ours:?}"));
            }
        }
    }
    found
}

/// A request as the model describes it.
#[derive(Clone, Debug)]
struct Sent {
    method: String,
    path: String,
    query: String,
    body: String,
}

impl Sent {
    fn of(model: &Published, raw: &Value, input: &Value) -> Result<Self, String> {
        let members = model.members(text(&raw["input"]["shape"]));
        let label = |wire: &str| {
            let member = members.iter().find(|m| m.location == Some("uri") && m.wire_name == wire);
            let value = member.and_then(|m| input[m.name].as_str());
            value.map(encoded).ok_or_else(|| format!("no value for the label {wire}"))
        };
        let mut body = json!({});
        let mut pieces = Vec::new();
        for member in members.iter().filter(|m| !input[m.name].is_null()) {
            let value = &input[member.name];
            match (member.location, value) {
                (None, value) => body[member.name] = value.clone(),
                (Some("querystring"), Value::Array(list)) => {
                    pieces.extend(list.iter().map(|one| format!("{}={}", member.wire_name, parameter(one))));
                }
                (Some("querystring"), value) => {
                    pieces.push(format!("{}={}", member.wire_name, parameter(value)))
                }
                _ => {}
            }
        }
        let http = &raw["http"];
        let has_body = members.iter().any(|m| m.location.is_none());
        Ok(Self {
            method: text(&http["method"]).to_owned(),
            path: filled(text(&http["requestUri"]), label)?,
            query: pieces.join("&"),
            body: if has_body { body.to_string() } else { String::new() },
        })
    }

    fn arrives(&self) -> Result<Routed, ApiError> {
        route(&self.method, &self.path, &self.query)?.with_body(self.body.as_bytes())
    }

    /// Whether both mean the same to any reader: order of parameters and of members aside.
    fn means(&self, other: &Self) -> bool {
        let pairs = |query: &str| query.split('&').map(str::to_owned).collect::<BTreeSet<_>>();
        let json = |body: &str| serde_json::from_str::<Value>(body).ok();
        (&self.method, &self.path) == (&other.method, &other.path)
            && pairs(&self.query) == pairs(&other.query)
            && json(&self.body) == json(&other.body)
    }
}

/// A path template with its labels replaced.
fn filled(template: &str, mut label: impl FnMut(&str) -> Result<String, String>) -> Result<String, String> {
    let pieces =
        template.split('/').map(|piece| match piece.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            Some(name) => label(name),
            None => Ok(piece.to_owned()),
        });
    Ok(pieces.collect::<Result<Vec<_>, _>>()?.join("/"))
}

/// A value as a query parameter: moments in ISO-8601.
fn parameter(value: &Value) -> String {
    match value {
        Value::String(text) => encoded(text),
        Value::Number(seconds) if seconds.is_f64() => {
            let milliseconds = (seconds.as_f64().unwrap_or_default() * 1000.0) as i64;
            let moment = jiff::Timestamp::from_millisecond(milliseconds).expect("a moment");
            encoded(&moment.to_string())
        }
        other => other.to_string(),
    }
}

fn encoded(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, KEPT).to_string()
}
