//! Values that the model allows, built from its JSON: the least one of a shape, and a whole input with one value put at one place.

use crate::published::Published;
use crate::samples::Sample;
use serde_json::{Map, Value, json};

/// One step from a value into it.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Into a member of a structure.
    Member(String),
    /// Into the first element of a list.
    Element,
    /// Into the value of a map under this key.
    Key(String),
}

/// A place in an operation's input, and the shape of what stands there.
#[derive(Clone, Debug)]
pub struct Place {
    pub steps: Vec<Step>,
    pub shape: String,
}

impl Place {
    /// The place as messages name it.
    pub fn path(&self) -> String {
        let names: Vec<String> = self.steps.iter().map(Step::to_string).collect();
        names.join(".")
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Member(name) => f.write_str(name),
            Self::Element => f.write_str("1.member"),
            Self::Key(key) => write!(f, "{key}.member"),
        }
    }
}

/// The least value of a shape: required members only, as few elements as allowed. An error names a pattern without a sample.
pub fn least(model: &Published, shape: &str) -> Result<Value, String> {
    let count = usize::try_from(model.bound(shape, "min").unwrap_or(0)).unwrap_or(0);
    Ok(match model.kind(shape) {
        "string" => json!(fitting(model, shape, 0)?),
        "integer" | "long" => json!(model.bound(shape, "min").unwrap_or(1)),
        "double" | "float" => json!(0.5),
        "boolean" => json!(true),
        "timestamp" => json!(1_767_323_045.25),
        "list" => many(model, shape, count)?,
        "map" => many(model, shape, count)?,
        "structure" => {
            let wanted = |m: &crate::published::Member<'_>| m.required;
            let members = model.members(shape);
            let first = members.first().filter(|_| model.is_union(shape)).into_iter();
            let mut object = Map::new();
            for member in members.iter().filter(|m| wanted(m)).chain(first) {
                object.insert(member.name.to_owned(), least(model, member.shape)?);
            }
            Value::Object(object)
        }
        other => return Err(format!("shape {shape} is of the unknown type {other}")),
    })
}

/// A text of a string shape; `index` chooses among the values of an enum and makes texts differ.
pub fn fitting(model: &Published, shape: &str, index: usize) -> Result<String, String> {
    let choices = model.choices(shape);
    if !choices.is_empty() {
        return Ok(choices[index % choices.len()].to_owned());
    }
    let sample = sample(model, shape)?;
    let least = usize::try_from(model.bound(shape, "min").unwrap_or(1)).unwrap_or(1);
    Ok(sample.at_least(least.max(1)))
}

pub fn sample(model: &Published, shape: &str) -> Result<&'static Sample, String> {
    let pattern = model.pattern(shape);
    Sample::of(pattern).ok_or_else(|| format!("no sample for the pattern of {shape}: {pattern:?}"))
}

/// A list or map of so many.
pub fn many(model: &Published, shape: &str, count: usize) -> Result<Value, String> {
    let part = |which: &str| crate::published::text(&model.shape(shape)[which]["shape"]).to_owned();
    if model.kind(shape) == "list" {
        let element = part("member");
        return (0..count)
            .map(|n| match model.kind(&element) {
                "string" => fitting(model, &element, n).map(Value::from),
                _ => least(model, &element),
            })
            .collect();
    }
    let inner = least(model, &part("value"))?;
    Ok(Value::Object((0..count).map(|n| (key(n), inner.clone())).collect()))
}

/// Keys of three letters: they fit every pattern of the model's map keys.
pub fn key(index: usize) -> String {
    let letter = |place: usize| char::from(b'a' + u8::try_from(index / place % 26).unwrap_or(0));
    [letter(676), letter(26), letter(1)].into_iter().collect()
}

/// The least value of a shape with `leaf` at the end of the steps.
pub fn with(model: &Published, shape: &str, steps: &[Step], leaf: Value) -> Result<Value, String> {
    let Some((step, rest)) = steps.split_first() else { return Ok(leaf) };
    let raw = model.shape(shape);
    let part = |which: &str| crate::published::text(&raw[which]["shape"]);
    match step {
        Step::Member(name) => {
            let inner = crate::published::text(&raw["members"][name]["shape"]);
            let inner = with(model, inner, rest, leaf)?;
            let mut value = if model.is_union(shape) { json!({}) } else { least(model, shape)? };
            value[name] = inner;
            Ok(value)
        }
        Step::Element => {
            let mut value = many(
                model,
                shape,
                usize::try_from(model.bound(shape, "min").unwrap_or(1)).unwrap_or(1).max(1),
            )?;
            value[0] = with(model, part("member"), rest, leaf)?;
            Ok(value)
        }
        Step::Key(key) => Ok(json!({ key: with(model, part("value"), rest, leaf)? })),
    }
}

/// Every place in a shape, itself included, outermost first. A structure inside itself is entered once.
pub fn places(model: &Published, shape: &str) -> Vec<Place> {
    let mut found = Vec::new();
    walk(model, &mut Vec::new(), &mut Vec::new(), shape, &mut found);
    found
}

fn walk<'m>(
    model: &'m Published,
    inside: &mut Vec<&'m str>,
    steps: &mut Vec<Step>,
    shape: &'m str,
    found: &mut Vec<Place>,
) {
    found.push(Place { steps: steps.clone(), shape: shape.to_owned() });
    if inside.iter().filter(|outer| **outer == shape).count() > 1 {
        return;
    }
    inside.push(shape);
    let raw = model.shape(shape);
    let next: Vec<(Step, &str)> = match model.kind(shape) {
        "structure" => {
            model.members(shape).into_iter().map(|m| (Step::Member(m.name.to_owned()), m.shape)).collect()
        }
        "list" => vec![(Step::Element, crate::published::text(&raw["member"]["shape"]))],
        "map" => vec![(Step::Key(key(0)), crate::published::text(&raw["value"]["shape"]))],
        _ => Vec::new(),
    };
    for (step, inner) in next {
        steps.push(step);
        walk(model, inside, steps, inner, found);
        steps.pop();
    }
    inside.pop();
}
