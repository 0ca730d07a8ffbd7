//! All the ways to break the constraints of a shape, and AWS's words for each.

use crate::published::{Published, text};
use crate::values::{Place, Step, key, least, many, sample};
use serde_json::{Value, json};

/// A value that breaks constraints at one place.
pub struct Breach {
    /// Where the message says it is.
    pub path: String,
    /// What is put at the place.
    pub value: Value,
    /// What the message says is wrong.
    pub words: Vec<String>,
    /// Whether the value must not be repeated.
    pub hidden: bool,
}

/// Every way to break the constraints of what stands at a place.
pub fn breaches(model: &Published, place: &Place) -> Result<Vec<Breach>, String> {
    let shape = &place.shape;
    let hidden = hides(model, shape);
    let breach = |value, words| Breach { path: place.path(), value, words, hidden };
    Ok(match model.kind(shape) {
        // The elements of a list and the values of a map are reported with the whole list or map, below.
        "string" | "integer" | "long" if matches!(place.steps.last(), Some(Step::Element | Step::Key(_))) => {
            Vec::new()
        }
        "string" => {
            bad_texts(model, shape)?.into_iter().map(|(text, words)| breach(json!(text), words)).collect()
        }
        "integer" | "long" => bad_numbers(model, shape)
            .into_iter()
            .map(|(number, words)| breach(json!(number), vec![words]))
            .collect(),
        "list" | "map" => {
            let mut all = Vec::new();
            for (value, words) in bad_counts(model, shape)?.into_iter().chain(bad_parts(model, shape)?) {
                all.push(breach(value, vec![words]));
            }
            all
        }
        "structure" => bad_structures(model, place)?,
        _ => Vec::new(),
    })
}

/// Texts that a string shape forbids, with all that is wrong with each.
fn bad_texts(model: &Published, shape: &str) -> Result<Vec<(String, Vec<String>)>, String> {
    let choices = model.choices(shape);
    if !choices.is_empty() {
        let words = format!("Member must satisfy enum value set: [{}]", choices.join(", "));
        return Ok(vec![
            ("NO_SUCH_VALUE".to_owned(), vec![words.clone()]),
            (choices[0].to_lowercase(), vec![words]),
        ]);
    }
    let sample = sample(model, shape)?;
    let pattern =
        model.pattern(shape).map(|p| format!("Member must satisfy regular expression pattern: {p}"));
    let mut bad = Vec::new();
    if let Some(min) = model.bound(shape, "min").filter(|min| *min > 0) {
        let short = usize::try_from(min - 1).ok().and_then(|n| sample.of_length(n)).unwrap_or_default();
        let unfit = pattern.clone().filter(|_| short.is_empty() && !sample.empty_fits);
        bad.push((short, [at_least("length", min)].into_iter().chain(unfit).collect()));
    }
    if let Some(max) = model.bound(shape, "max") {
        let long = usize::try_from(max + 1).ok().and_then(|n| sample.of_length(n));
        let long = long.ok_or_else(|| format!("no text of {shape} with {} characters", max + 1))?;
        bad.push((long, vec![at_most("length", max)]));
    }
    bad.extend(pattern.filter(|_| !sample.bad.is_empty()).map(|words| (sample.bad.to_owned(), vec![words])));
    Ok(bad)
}

fn bad_numbers(model: &Published, shape: &str) -> Vec<(i64, String)> {
    let low = model.bound(shape, "min").map(|min| (min - 1, at_least("value", min)));
    let high = model.bound(shape, "max").map(|max| (max + 1, at_most("value", max)));
    low.into_iter().chain(high).collect()
}

fn bad_counts(model: &Published, shape: &str) -> Result<Vec<(Value, String)>, String> {
    let mut bad = Vec::new();
    let count = |n: i64| usize::try_from(n).unwrap_or(0);
    if let Some(min) = model.bound(shape, "min").filter(|min| *min > 0) {
        bad.push((many(model, shape, count(min - 1))?, at_least("length", min)));
    }
    if let Some(max) = model.bound(shape, "max") {
        bad.push((many(model, shape, count(max + 1))?, at_most("length", max)));
    }
    Ok(bad)
}

/// Lists with a bad element, maps with a bad key or value: one complaint, which lists all rules of the part.
fn bad_parts(model: &Published, shape: &str) -> Result<Vec<(Value, String)>, String> {
    let part = |which: &str| text(&model.shape(shape)[which]["shape"]);
    let mut bad = Vec::new();
    if model.kind(shape) == "list" {
        let element = part("member");
        for value in bad_scalars(model, element)? {
            let mut list = many(model, shape, 1)?;
            list[0] = value;
            bad.push((list, format!("Member must satisfy constraint: [{}]", rules(model, element))));
        }
        return Ok(bad);
    }
    for name in bad_scalars(model, part("key"))? {
        let value = json!({ text(&name): least(model, part("value"))? });
        bad.push((value, format!("Map keys must satisfy constraint: [{}]", rules(model, part("key")))));
    }
    for value in bad_scalars(model, part("value"))? {
        let words = format!("Map value must satisfy constraint: [{}]", rules(model, part("value")));
        bad.push((json!({ key(0): value }), words));
    }
    Ok(bad)
}

fn bad_scalars(model: &Published, shape: &str) -> Result<Vec<Value>, String> {
    Ok(match model.kind(shape) {
        "string" => bad_texts(model, shape)?.into_iter().map(|(text, _)| json!(text)).collect(),
        "integer" | "long" => {
            bad_numbers(model, shape).into_iter().map(|(number, _)| json!(number)).collect()
        }
        _ => Vec::new(),
    })
}

/// All rules of a scalar, in the order in which AWS lists them.
fn rules(model: &Published, shape: &str) -> String {
    let what = if model.kind(shape) == "string" { "length" } else { "value" };
    let max = model.bound(shape, "max").map(|max| at_most(what, max));
    let min = model.bound(shape, "min").map(|min| at_least(what, min));
    let pattern =
        model.pattern(shape).map(|p| format!("Member must satisfy regular expression pattern: {p}"));
    let choices = model.choices(shape);
    let set = format!("Member must satisfy enum value set: [{}]", choices.join(", "));
    let all = max.into_iter().chain(min).chain(pattern).chain((!choices.is_empty()).then_some(set));
    all.collect::<Vec<_>>().join(", ")
}

/// Structures that lack a required member, or a union with none or two.
fn bad_structures(model: &Published, place: &Place) -> Result<Vec<Breach>, String> {
    let whole = least(model, &place.shape)?;
    let members = model.members(&place.shape);
    let mut bad = Vec::new();
    for member in members.iter().filter(|m| m.required) {
        let inner = Place {
            steps: [place.steps.clone(), vec![Step::Member(member.name.to_owned())]].concat(),
            shape: member.shape.to_owned(),
        };
        let mut value = whole.clone();
        value.as_object_mut().and_then(|object| object.remove(member.name));
        let words = vec!["Member must not be null".to_owned()];
        bad.push(Breach { path: inner.path(), value, words, hidden: false });
    }
    if model.is_union(&place.shape) {
        let words = vec!["Member must have exactly one of its members set".to_owned()];
        let mut all = json!({});
        for member in &members {
            all[member.name] = least(model, member.shape)?;
        }
        for value in [json!({}), all] {
            bad.push(Breach { path: place.path(), value, words: words.clone(), hidden: true });
        }
    }
    Ok(bad)
}

/// Whether a value of this shape, or anything near in it, is sensitive.
fn hides(model: &Published, shape: &str) -> bool {
    let part = |which: &str| {
        model.shape(shape)[which]["shape"].as_str().is_some_and(|inner| model.is_sensitive(inner))
    };
    let raw = model.shape(shape);
    let in_structure = |inner: &Value| {
        inner["shape"]
            .as_str()
            .is_some_and(|name| model.members(name).iter().any(|m| model.is_sensitive(m.shape)))
    };
    model.is_sensitive(shape) || part("member") || part("key") || part("value") || in_structure(&raw["value"])
}

fn at_least(what: &str, min: i64) -> String {
    format!("Member must have {what} greater than or equal to {min}")
}

fn at_most(what: &str, max: i64) -> String {
    format!("Member must have {what} less than or equal to {max}")
}
