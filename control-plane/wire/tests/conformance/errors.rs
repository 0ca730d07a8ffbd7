//! Every error that an operation declares: its name, its status and its members.

use crate::published::{Published, text};
use firesteel_wire::ApiError;
use serde_json::Value;
use std::collections::BTreeSet;

/// All that is wrong with how errors are answered.
pub fn complaints(model: &Published) -> Vec<String> {
    let mut found = Vec::new();
    let mut declared = BTreeSet::new();
    for (operation, raw) in model.operations() {
        for error in raw["errors"].as_array().into_iter().flatten() {
            let name = text(&error["shape"]);
            declared.insert(name);
            found
                .extend(check(model, name).err().map(|complaint| format!("{operation} {name}: {complaint}")));
        }
    }
    for (name, shape) in model.shapes() {
        if shape["exception"] == true && !declared.contains(name) {
            found.extend(check(model, name).err().map(|complaint| format!("{name}: {complaint}")));
        }
    }
    found
}

fn check(model: &Published, name: &str) -> Result<(), String> {
    let shape = model.shape(name);
    let ours = ours().into_iter().find(|error| error.type_name() == name).ok_or("we have no such error")?;
    let status = shape["error"]["httpStatusCode"].as_u64().ok_or("has no status")?;
    if u64::from(ours.status()) != status {
        return Err(format!("is answered with {} instead of {status}", ours.status()));
    }
    let body: Value = serde_json::from_str(&ours.body()).map_err(|e| e.to_string())?;
    let theirs: BTreeSet<&str> = model.members(name).iter().map(|m| m.name).collect();
    let written: BTreeSet<&str> =
        body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    if theirs != written {
        return Err(format!("is written with {written:?} instead of {theirs:?}"));
    }
    for member in model.members(name) {
        let longest = model.bound(member.shape, "max").ok_or("its message has no bound")?;
        let long = ApiError::new(ours.kind, "é".repeat(5000)).message.chars().count();
        if i64::try_from(long) != Ok(longest) {
            return Err(format!("a message is cut to {long} characters instead of {longest}"));
        }
    }
    Ok(())
}

fn ours() -> [ApiError; 5] {
    [
        ApiError::validation("m"),
        ApiError::not_found("m"),
        ApiError::conflict("m"),
        ApiError::quota("m"),
        ApiError::internal("m"),
    ]
}
