//! Checks an input against the constraints of the service model and reports all violations at once, in AWS's words.
//!
//! Only what the model says is checked here; what an operation means is for the rules. Unknown members are ignored (the model grows every
//! few weeks), null counts as absent, and a sensitive value is never repeated.

use serde_json::Value;

use crate::model::{Kind, Model, Shape, ShapeRef, Structure, model};
use crate::{ApiError, Input, Operation};

/// How much of an offending value a message repeats, in characters.
const ECHO_LIMIT: usize = 128;

/// Checks an operation's whole input.
///
/// Errors: SerializationException for the first value of a wrong JSON type (Smithy's protocol tests for restJson1, "malformed requests");
/// otherwise ValidationException that lists every violation.
pub fn validate(operation: Operation, input: &Input) -> Result<(), ApiError> {
    let model = model();
    let Some(described) = model.operation(operation) else {
        return Err(ApiError::internal(format!("the service model lacks {operation}")));
    };
    let mut walk = Walk { model, path: String::new(), count: 0, texts: String::new() };
    if let Kind::Structure(structure) = &model.shape(described.input).kind {
        walk.structure(structure, input)?;
    }
    walk.verdict()
}

/// What a kind is called in messages.
pub(crate) fn type_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::String => "String",
        Kind::Integer => "Integer",
        Kind::Long => "Long",
        Kind::Double => "Double",
        Kind::Boolean => "Boolean",
        Kind::Timestamp => "Timestamp",
        Kind::Structure(_) => "Structure",
        Kind::List(_) => "List",
        Kind::Map(..) => "Map",
    }
}

struct Walk<'m> {
    model: &'m Model,
    path: String,
    count: usize,
    texts: String,
}

impl Walk<'_> {
    fn verdict(self) -> Result<(), ApiError> {
        match self.count {
            0 => Ok(()),
            1 => Err(ApiError::validation(format!("1 validation error detected: {}", self.texts))),
            n => Err(ApiError::validation(format!("{n} validation errors detected: {}", self.texts))),
        }
    }

    fn structure(&mut self, structure: &Structure, object: &Input) -> Result<(), ApiError> {
        let present = |name: &str| object.get(name).filter(|value| !value.is_null());
        for member in &structure.members {
            let outer = self.enter(&member.name);
            match present(&member.name) {
                Some(value) => self.value(member.shape, value)?,
                None if member.required => self.violation("Value null", "Member must not be null"),
                None => {}
            }
            self.path.truncate(outer);
        }
        let set = structure.members.iter().filter(|m| present(&m.name).is_some()).count();
        if structure.union && set != 1 {
            self.violation("Value", "Member must have exactly one of its members set");
        }
        Ok(())
    }

    fn value(&mut self, reference: ShapeRef, value: &Value) -> Result<(), ApiError> {
        let shape = self.model.shape(reference);
        match (&shape.kind, value) {
            (Kind::Structure(structure), Value::Object(object)) => self.structure(structure, object),
            (Kind::List(element), Value::Array(elements)) => self.list(shape, *element, value, elements),
            (Kind::Map(key, inner), Value::Object(object)) => self.map(shape, (*key, *inner), value, object),
            (kind, value) if is_scalar_of(kind, value) => {
                self.scalar(shape, value);
                Ok(())
            }
            (kind, value) => Err(self.wrong_type(kind, value)),
        }
    }

    fn scalar(&mut self, shape: &Shape, value: &Value) {
        for constraint in broken(shape, value) {
            self.violation(&echo(value, shape.sensitive), &constraint);
        }
    }

    fn list(
        &mut self,
        shape: &Shape,
        element: ShapeRef,
        whole: &Value,
        elements: &[Value],
    ) -> Result<(), ApiError> {
        let inner = self.model.shape(element);
        let sensitive = shape.sensitive || inner.sensitive;
        for constraint in broken_size(shape, elements.len()) {
            self.violation(&echo(whole, sensitive), &constraint);
        }
        let mut bad_element = false;
        for (index, value) in elements.iter().enumerate() {
            if is_scalar_of(&inner.kind, value) {
                bad_element |= !broken(inner, value).is_empty();
                continue;
            }
            let outer = self.enter(&format!("{}.member", index + 1));
            self.value(element, value)?;
            self.path.truncate(outer);
        }
        if bad_element {
            let rules = format!("Member must satisfy constraint: [{}]", rules(inner).join(", "));
            self.violation(&echo(whole, sensitive), &rules);
        }
        Ok(())
    }

    fn map(
        &mut self,
        shape: &Shape,
        parts: (ShapeRef, ShapeRef),
        whole: &Value,
        object: &Input,
    ) -> Result<(), ApiError> {
        let (key, inner) = (self.model.shape(parts.0), self.model.shape(parts.1));
        let sensitive = shape.sensitive || key.sensitive || holds_sensitive(self.model, inner);
        for constraint in broken_size(shape, object.len()) {
            self.violation(&echo(whole, sensitive), &constraint);
        }
        if object.keys().any(|name| !broken_text(key, name).is_empty()) {
            let rules = format!("Map keys must satisfy constraint: [{}]", rules(key).join(", "));
            self.violation(&echo(whole, sensitive), &rules);
        }
        let mut bad_value = false;
        for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
            if is_scalar_of(&inner.kind, value) {
                bad_value |= !broken(inner, value).is_empty();
                continue;
            }
            let outer = self.enter(&format!("{name}.member"));
            self.value(parts.1, value)?;
            self.path.truncate(outer);
        }
        if bad_value {
            let rules = format!("Map value must satisfy constraint: [{}]", rules(inner).join(", "));
            self.violation(&echo(whole, sensitive), &rules);
        }
        Ok(())
    }

    /// Steps into a member; the length returned steps out again.
    fn enter(&mut self, name: &str) -> usize {
        let outer = self.path.len();
        if outer > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        outer
    }

    fn violation(&mut self, value: &str, constraint: &str) {
        self.count += 1;
        if self.texts.len() <= 4 * crate::error::MESSAGE_LIMIT {
            let separator = if self.count > 1 { "; " } else { "" };
            let path = &self.path;
            self.texts +=
                &format!("{separator}{value} at '{path}' failed to satisfy constraint: {constraint}");
        }
    }

    /// In the words of AWS's own services, which do not name the member; we do.
    fn wrong_type(&self, kind: &Kind, value: &Value) -> ApiError {
        let complaint = match (kind, value) {
            (Kind::List(_), _) => "Expected list or null".to_owned(),
            (Kind::Structure(_) | Kind::Map(..), _) => "Expected structure or map, or null".to_owned(),
            (_, Value::Array(_)) => "Start of list found where not expected.".to_owned(),
            (_, Value::Object(_)) => "Start of structure or map found where not expected.".to_owned(),
            (kind, scalar) => {
                let article = if matches!(kind, Kind::Integer) { "an" } else { "a" };
                format!("{} can not be converted to {article} {}", token_of(scalar), type_name(kind))
            }
        };
        ApiError::serialization(format!("'{}': {complaint}", self.path))
    }
}

/// What a scalar is called in messages.
fn token_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(number) if number.is_f64() => "DECIMAL_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        _ => "STRING_VALUE",
    }
}

fn is_scalar_of(kind: &Kind, value: &Value) -> bool {
    match kind {
        Kind::String => value.is_string(),
        Kind::Integer => value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
        Kind::Long => value.is_i64(),
        Kind::Double | Kind::Timestamp => value.is_number(),
        Kind::Boolean => value.is_boolean(),
        Kind::Structure(_) | Kind::List(_) | Kind::Map(..) => false,
    }
}

/// The constraints of a scalar's shape that the value breaks.
fn broken(shape: &Shape, value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => broken_text(shape, text),
        Value::Number(number) => {
            let value = number.as_f64().unwrap_or_default();
            let low = shape.min.filter(|min| value < *min as f64).map(|min| at_least("value", min));
            let high = shape.max.filter(|max| value > *max as f64).map(|max| at_most("value", max));
            low.into_iter().chain(high).collect()
        }
        _ => Vec::new(),
    }
}

fn broken_text(shape: &Shape, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if shape.min.is_some() || shape.max.is_some() {
        found = broken_size(shape, text.chars().count());
    }
    if let Some(pattern) = shape.pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
        found.push(regular_expression(pattern.source()));
    }
    if !shape.choices.is_empty() && !shape.choices.iter().any(|choice| choice == text) {
        found.push(choice_of(&shape.choices));
    }
    found
}

fn broken_size(shape: &Shape, size: usize) -> Vec<String> {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let low = shape.min.filter(|min| size < *min).map(|min| at_least("length", min));
    let high = shape.max.filter(|max| size > *max).map(|max| at_most("length", max));
    low.into_iter().chain(high).collect()
}

/// Every constraint of a scalar's shape, as AWS lists them for the elements of a list or map.
fn rules(shape: &Shape) -> Vec<String> {
    let what = if matches!(shape.kind, Kind::String) { "length" } else { "value" };
    let mut all = Vec::new();
    all.extend(shape.max.map(|max| at_most(what, max)));
    all.extend(shape.min.map(|min| at_least(what, min)));
    all.extend(shape.pattern.as_ref().map(|pattern| regular_expression(pattern.source())));
    if !shape.choices.is_empty() {
        all.push(choice_of(&shape.choices));
    }
    all
}

fn at_least(what: &str, min: i64) -> String {
    format!("Member must have {what} greater than or equal to {min}")
}

fn at_most(what: &str, max: i64) -> String {
    format!("Member must have {what} less than or equal to {max}")
}

fn regular_expression(source: &str) -> String {
    format!("Member must satisfy regular expression pattern: {source}")
}

fn choice_of(choices: &[String]) -> String {
    format!("Member must satisfy enum value set: [{}]", choices.join(", "))
}

/// Whether a value of this shape may hold something sensitive, at any depth that the model's lists and structures reach without recursion.
fn holds_sensitive(model: &Model, shape: &Shape) -> bool {
    match &shape.kind {
        _ if shape.sensitive => true,
        Kind::List(element) => model.shape(*element).sensitive,
        Kind::Structure(structure) => structure.members.iter().any(|m| model.shape(m.shape).sensitive),
        _ => false,
    }
}

/// `Value '…'` as Java prints values (`[a, b]`, `{k=v}`), or `Value` alone when it must not be repeated.
fn echo(value: &Value, sensitive: bool) -> String {
    if sensitive {
        return "Value".to_owned();
    }
    let mut text = String::new();
    print(value, &mut text);
    if text.chars().count() > ECHO_LIMIT {
        text = text.chars().take(ECHO_LIMIT).collect::<String>() + "...";
    }
    format!("Value '{text}'")
}

fn print(value: &Value, out: &mut String) {
    if out.len() > 4 * ECHO_LIMIT {
        return;
    }
    match value {
        Value::String(text) => out.push_str(text),
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                print(element, out);
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            for (index, (name, inner)) in object.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                out.push_str(name);
                out.push('=');
                print(inner, out);
            }
            out.push('}');
        }
        other => *out += &other.to_string(),
    }
}

#[cfg(test)]
mod tests;
