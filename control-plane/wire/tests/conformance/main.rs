//! This crate against the published service model: every operation, path, parameter, member, enum, constraint and error.
//!
//! The walks read the model's JSON themselves and only call what the control plane calls. Each gives complaints; there must be none. And
//! each must complain when model and code disagree: `bent.rs` shows it with changed copies of the model.

mod bent;
mod breaches;
mod errors;
mod inputs;
mod outputs;
mod properties;
mod published;
mod routing;
mod samples;
mod traits;
mod values;

use published::Published;

fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn the_model_says_nothing_that_is_not_looked_at() {
    none(traits::complaints(&Published::vendored()));
}

#[test]
fn every_operation_travels_as_the_model_says() {
    none(routing::complaints(&Published::vendored()));
}

#[test]
fn every_constraint_is_enforced_in_awss_words() {
    let model = Published::vendored();
    none(inputs::complaints(&model));
    let tried = inputs::tried(&model);
    assert!(tried > 500, "only {tried} breaches tried");
}

#[test]
fn every_structure_is_the_models() {
    none(outputs::complaints(&Published::vendored()));
}

#[test]
fn every_declared_error_has_its_name_status_and_members() {
    none(errors::complaints(&Published::vendored()));
}
