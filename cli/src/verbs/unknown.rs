//! Members that an operation does not have, told before anything is sent: the service ignores them, for the sake of newer
//! clients, so that a misspelled one would pass unseen. No I/O.

use firesteel_wire::Input;
use firesteel_wire::model::{Kind, Member, Model, ShapeRef};
use serde_json::Value;

/// What is unknown in an input, in the AWS CLI's words; empty if all is known.
pub fn members(model: &Model, known: &[Member], input: &Input) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in input {
        member(model, known, ("", name), value, &mut found);
    }
    found
}

fn member(
    model: &Model,
    known: &[Member],
    (path, name): (&str, &str),
    value: &Value,
    found: &mut Vec<String>,
) {
    match known.iter().find(|member| member.name == name) {
        Some(member) if path.is_empty() => inside(model, member.shape, name, value, found),
        Some(member) => inside(model, member.shape, &format!("{path}.{name}"), value, found),
        None => {
            let names: Vec<&str> = known.iter().map(|member| member.name.as_str()).collect();
            let place = if path.is_empty() { "input" } else { path };
            let text =
                format!("Unknown parameter in {place}: \"{name}\", must be one of: {}", names.join(", "));
            found.push(text);
        }
    }
}

/// Where value and shape do not fit the service says so itself.
fn inside(model: &Model, shape: ShapeRef, path: &str, value: &Value, found: &mut Vec<String>) {
    match (&model.shape(shape).kind, value) {
        (Kind::Structure(structure), Value::Object(members)) => {
            for (name, value) in members {
                member(model, &structure.members, (path, name), value, found);
            }
        }
        (Kind::List(element), Value::Array(values)) => {
            for (at, value) in values.iter().enumerate() {
                inside(model, *element, &format!("{path}[{at}]"), value, found);
            }
        }
        (Kind::Map(_, element), Value::Object(members)) => {
            for (name, value) in members {
                inside(model, *element, &format!("{path}.{name}"), value, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_wire::Operation;
    use firesteel_wire::model::model;
    use serde_json::json;

    fn told(operation: Operation, input: Value) -> Vec<String> {
        let known = model().operation(operation).unwrap().members(model());
        super::members(model(), known, input.as_object().unwrap())
    }

    #[test]
    fn a_misspelled_member_is_told_wherever_it_stands() {
        let overrides = |members: Value| json!({"applicationId": "a", "configurationOverrides": members});
        let table = [
            (
                json!({"applicationID": "a"}),
                "Unknown parameter in input: \"applicationID\", must be one of: ",
            ),
            (
                json!({"jobDriver": {"sparkSubmits": {}}}),
                "Unknown parameter in jobDriver: \"sparkSubmits\", must be one of: hive, sparkSubmit",
            ),
            (
                overrides(
                    json!({"monitoringConfiguration": {"s3MonitoringConfiguration": {"logURI": "s3://b"}}}),
                ),
                "Unknown parameter in configurationOverrides.monitoringConfiguration.s3MonitoringConfiguration: \"logURI\", \
                 must be one of: encryptionKeyArn, logUri",
            ),
            (
                overrides(json!({"applicationConfiguration": [{"classification": "c"}, {"property": {}}]})),
                "Unknown parameter in configurationOverrides.applicationConfiguration[1]: \"property\", must be one of: \
                 classification, configurations, properties",
            ),
        ];
        for (input, expected) in table {
            let told = told(Operation::StartJobRun, input.clone());
            assert!(told.len() == 1 && told[0].starts_with(expected), "{input}: {told:?}");
        }
    }

    #[test]
    fn the_callers_own_names_are_known() {
        let input = json!({
            "tags": {"any": "thing"},
            "initialCapacity": {"DRIVER": {"workerCount": 1, "workerConfiguration": {"cpu": "1 vCPU", "memory": "2 GB"}}},
            "runtimeConfiguration": [{"classification": "c", "properties": {"spark.x": "y"}}],
            "maximumCapacity": "what does not fit is the service's to refuse",
        });
        assert_eq!(told(Operation::CreateApplication, input), Vec::<String>::new());
    }
}
