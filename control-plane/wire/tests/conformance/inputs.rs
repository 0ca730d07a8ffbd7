//! Every constraint of every input, broken once: the refusal names the member in AWS's words. At its very bounds each value passes.

use crate::breaches::{Breach, breaches};
use crate::published::Published;
use crate::values::{Place, Step, least, many, places, sample, with};
use firesteel_wire::{Operation, validate};
use serde_json::{Value, json};

/// All that is wrong with how inputs are checked.
pub fn complaints(model: &Published) -> Vec<String> {
    let mut found = Vec::new();
    for (name, raw) in model.operations() {
        let Some(operation) = Operation::named(name) else { continue };
        let input = model.input(raw);
        for place in places(model, &input) {
            if let Err(complaint) = check_place(model, operation, &input, &place, &mut found) {
                found.push(format!("{name} {}: {complaint}", place.path()));
            }
        }
        if let Err(complaint) = all_at_once(model, operation, &input) {
            found.push(format!("{name}: {complaint}"));
        }
    }
    found
}

fn check_place(
    model: &Published,
    operation: Operation,
    input: &str,
    place: &Place,
    found: &mut Vec<String>,
) -> Result<(), String> {
    let put = |value: Value| with(model, input, &place.steps, value);
    for good in good_values(model, &place.shape)? {
        if let Err(refusal) = judge(operation, put(good.clone())?) {
            found.push(format!("{operation} {}: refuses {}: {refusal}", place.path(), short(&good)));
        }
    }
    for breach in breaches(model, place)? {
        if let Err(complaint) = refused(operation, put(breach.value.clone())?, &breach) {
            found.push(format!("{operation} {}: {} {complaint}", place.path(), short(&breach.value)));
        }
    }
    if !place.steps.is_empty() {
        for (value, words) in wrong_types(model.kind(&place.shape)) {
            let expected = format!("SerializationException '{}': {words}", place.path());
            let refusal = judge(operation, put(value)?).err().unwrap_or_default();
            if !refusal.starts_with(&expected) {
                found.push(format!("{operation} {}: says '{refusal}' instead of '{expected}'", place.path()));
            }
        }
    }
    Ok(())
}

/// Values at the bounds of a shape, which must pass.
fn good_values(model: &Published, shape: &str) -> Result<Vec<Value>, String> {
    let (min, max) = (model.bound(shape, "min"), model.bound(shape, "max"));
    let mut good = vec![least(model, shape)?];
    match model.kind(shape) {
        "string" => {
            good.extend(model.choices(shape).into_iter().map(Value::from));
            let sample = sample(model, shape)?;
            let bounds = [min, max].into_iter().flatten().filter_map(|n| usize::try_from(n).ok());
            if model.choices(shape).is_empty() {
                good.extend(bounds.filter_map(|n| sample.of_length(n)).map(Value::from));
            }
        }
        "integer" => {
            good.extend([json!(min.unwrap_or(i32::MIN.into())), json!(max.unwrap_or(i32::MAX.into()))])
        }
        "long" => good.extend([json!(min.unwrap_or(i64::MIN)), json!(max.unwrap_or(i64::MAX))]),
        "boolean" => good.push(json!(false)),
        "list" | "map" => {
            good.push(many(model, shape, usize::try_from(max.unwrap_or(70)).unwrap_or(70))?);
        }
        "structure" if !model.is_union(shape) => {
            good[0]["aMemberOfTomorrow"] = json!([{ "x": null }, 1]);
        }
        _ => {}
    }
    Ok(good)
}

/// Values of every other JSON type, with what is said of them.
fn wrong_types(kind: &str) -> Vec<(Value, &'static str)> {
    let all = [
        (json!(true), "TRUE_VALUE can not be converted to", "boolean"),
        (json!(7), "NUMBER_VALUE can not be converted to", "integer long double timestamp"),
        (json!(1.5), "DECIMAL_VALUE can not be converted to", "double timestamp"),
        (json!("text"), "STRING_VALUE can not be converted to", "string"),
        (json!(9_223_372_036_854_775_808_u64), "NUMBER_VALUE can not be converted to", "double timestamp"),
        (json!([]), "Start of list found where not expected.", "list"),
        (json!({}), "Start of structure or map found where not expected.", "structure map"),
    ];
    let wrong = all.into_iter().filter(|(_, _, right)| !right.contains(kind));
    let said = |words| match kind {
        "list" => "Expected list or null",
        "structure" | "map" => "Expected structure or map, or null",
        _ => words,
    };
    wrong.map(|(value, words, _)| (value, said(words))).collect()
}

/// The refusal of an input, or nothing.
fn judge(operation: Operation, input: Value) -> Result<(), String> {
    let Value::Object(input) = input else { return Err("the input is no object".into()) };
    validate(operation, &input).map_err(|error| format!("{} {}", error.type_name(), error.message))
}

fn refused(operation: Operation, input: Value, breach: &Breach) -> Result<(), String> {
    let refusal = judge(operation, input).err().ok_or("is let through")?;
    let head = match breach.words.len() {
        1 => "ValidationException 1 validation error detected: Value".to_owned(),
        n => format!("ValidationException {n} validation errors detected: Value"),
    };
    if !refusal.starts_with(&head) {
        return Err(format!("is refused with '{refusal}' instead of '{head}…'"));
    }
    if breach.hidden && refusal.contains("Value '") {
        return Err(format!("is sensitive and yet repeated: '{refusal}'"));
    }
    for words in &breach.words {
        let sentence = format!(" at '{}' failed to satisfy constraint: {words}", breach.path);
        if !refusal.contains(&sentence) {
            return Err(format!("is refused with '{refusal}' instead of '{sentence}'"));
        }
    }
    Ok(())
}

/// One breach under each member of the input: all are reported together.
fn all_at_once(model: &Published, operation: Operation, input: &str) -> Result<(), String> {
    let mut whole = least(model, input)?;
    let mut count = 0;
    for member in model.members(input) {
        let under = |place: &&Place| place.steps.first() == Some(&Step::Member(member.name.to_owned()));
        for place in places(model, input).iter().filter(under) {
            if let Some(breach) = breaches(model, place)?.into_iter().next() {
                whole[member.name] = with(model, input, &place.steps, breach.value)?[member.name].take();
                count += breach.words.len();
                break;
            }
        }
    }
    let refusal = judge(operation, whole).err().unwrap_or_default();
    let expected = match count {
        0 => {
            return if refusal.is_empty() {
                Ok(())
            } else {
                Err(format!("refuses the least input: {refusal}"))
            };
        }
        1 => "ValidationException 1 validation error detected: ".to_owned(),
        n => format!("ValidationException {n} validation errors detected: "),
    };
    if refusal.starts_with(&expected) {
        Ok(())
    } else {
        Err(format!("says '{refusal}' instead of '{expected}…'"))
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}

/// How many values are tried, so that a walk that loses its way is noticed.
pub fn tried(model: &Published) -> usize {
    let inputs = model.operations().map(|(_, raw)| model.input(raw)).collect::<Vec<_>>();
    let in_place = |place: &Place| breaches(model, place).map_or(0, |b| b.len());
    inputs.iter().flat_map(|input| places(model, input)).map(|place| in_place(&place)).sum()
}
