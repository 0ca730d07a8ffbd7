//! From flags to an operation's input. It must not know the network.

use super::flags::INPUT_JSON;
use super::{shorthand, unknown};
use clap::ArgMatches;
use clap::parser::ValueSource;
use firesteel_wire::client::{self, Flag, FlagKind};
use firesteel_wire::model::{Kind, Model, ShapeRef, model};
use firesteel_wire::{Input, Operation};
use rand::Rng;
use serde_json::Value;

/// The input that the flags and `--cli-input-json` say, its idempotency token made up if none is given.
pub fn gather(operation: Operation, matches: &ArgMatches) -> Result<Input, String> {
    let mut input = match matches.get_one::<String>(INPUT_JSON) {
        Some(text) => object(text).map_err(|why| wrong(&format!("--{INPUT_JSON}"), &why))?,
        None => Input::new(),
    };
    let members = model().operation(operation).map_or(&[][..], |o| o.members(model()));
    for flag in client::flags(operation) {
        let Some(member) = members.iter().find(|member| member.name == flag.member) else { continue };
        let given = given(&flag, member.shape, matches).map_err(|why| wrong(&flag.flag, &why))?;
        if let Some(value) = given {
            input.insert(flag.member.clone(), value);
        } else if flag.idempotency_token && !input.contains_key(&flag.member) {
            input.insert(flag.member.clone(), uuid().into());
        }
    }
    match unknown::members(model(), members, &input) {
        found if found.is_empty() => Ok(input),
        found => Err(format!("Parameter validation failed:\n{}", found.join("\n"))),
    }
}

fn wrong(flag: &str, why: &str) -> String {
    format!("Error parsing parameter '{flag}': {why}")
}

fn object(text: &str) -> Result<Input, String> {
    match json(&contents(text)?)? {
        Value::Object(members) => Ok(members),
        _ => Err("a JSON object is needed".to_owned()),
    }
}

fn given(flag: &Flag, shape: ShapeRef, matches: &ArgMatches) -> Result<Option<Value>, String> {
    if flag.kind == FlagKind::Boolean {
        return Ok(boolean(flag, matches).map(Value::Bool));
    }
    let Some(texts) = matches.get_many::<String>(&flag.member) else { return Ok(None) };
    let texts: Vec<String> = texts.map(|text| contents(text)).collect::<Result<_, _>>()?;
    value(model(), flag.kind, shape, &texts).map(Some)
}

fn boolean(flag: &Flag, matches: &ArgMatches) -> Option<bool> {
    let typed = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
    let negative = format!("no-{}", flag.flag.trim_start_matches('-'));
    match (typed(&flag.member), typed(&negative)) {
        (_, true) => Some(false),
        (true, false) => Some(true),
        (false, false) => None,
    }
}

fn value(model: &Model, kind: FlagKind, shape: ShapeRef, texts: &[String]) -> Result<Value, String> {
    let one = texts.first().map_or("", String::as_str);
    let looks_like_json = one.trim_start().starts_with(['{', '[']);
    match kind {
        FlagKind::Structure | FlagKind::Map if looks_like_json => json(one),
        FlagKind::List | FlagKind::StringList if looks_like_json && texts.len() == 1 => {
            json(one).map(|value| match value {
                Value::Object(_) => Value::Array(vec![value]),
                list => list,
            })
        }
        FlagKind::Structure | FlagKind::Map => shorthand::read(model, shape, one.trim()),
        FlagKind::List | FlagKind::StringList => {
            texts.iter().map(|text| element(model, shape, text)).collect::<Result<_, _>>().map(Value::Array)
        }
        _ => shorthand::scalar(&model.shape(shape).kind, one),
    }
}

fn element(model: &Model, list: ShapeRef, text: &str) -> Result<Value, String> {
    let Kind::List(element) = &model.shape(list).kind else { return Ok(text.into()) };
    match &model.shape(*element).kind {
        Kind::Structure(_) | Kind::Map(..) if text.trim_start().starts_with('{') => json(text),
        Kind::Structure(_) | Kind::Map(..) => shorthand::read(model, *element, text.trim()),
        kind => shorthand::scalar(kind, text),
    }
}

/// The text, or what is in the file that `file://` names.
fn contents(text: &str) -> Result<String, String> {
    match text.strip_prefix("file://") {
        Some(path) => {
            let path = match (path.strip_prefix("~/"), std::env::var("HOME")) {
                (Some(rest), Ok(home)) => format!("{home}/{rest}"),
                _ => path.to_owned(),
            };
            std::fs::read_to_string(&path)
                .map_err(|error| format!("Unable to load paramfile {text}: {error}"))
        }
        None => Ok(text.to_owned()),
    }
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("Invalid JSON: {error}\nJSON received: {text}"))
}

/// A random UUID, version 4.
fn uuid() -> String {
    let mut bytes = rand::rng().random::<[u8; 16]>();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex::encode(bytes);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn gathered(words: &[&str]) -> Result<Value, String> {
        let operation = super::super::operation(words[0]).unwrap();
        let matches = super::super::command(operation).try_get_matches_from(words).unwrap();
        let mut input = gather(operation, &matches)?;
        if operation == Operation::GetApplication || input.get("clientToken") != Some(&"t".into()) {
            input.remove("clientToken");
        }
        Ok(Value::Object(input))
    }

    /// The input of a line of words; `{file}` stands for a file with a driver in it.
    fn line(text: &str) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("driver.json");
        std::fs::write(&file, "{\"sparkSubmit\": {\"entryPoint\": \"e\"}}\n").unwrap();
        let text = text.replace("{file}", &format!("file://{}", file.display()));
        gathered(&text.split(' ').collect::<Vec<_>>()).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn flags_to_members() {
        let table = [
            (
                "start-job-run --application-id a --execution-role-arn r --job-driver {file}",
                json!({"applicationId": "a", "executionRoleArn": "r", "jobDriver": {"sparkSubmit": {"entryPoint": "e"}}}),
            ),
            (
                r#"start-job-run --cli-input-json {"applicationId":"a","name":"x"} --name y"#,
                json!({"applicationId": "a", "name": "y"}),
            ),
            (
                "list-job-runs --application-id a --states RUNNING QUEUED --created-at-after 2026-01-02",
                json!({"applicationId": "a", "states": ["RUNNING", "QUEUED"], "createdAtAfter": 1_767_312_000.0}),
            ),
            (
                r#"untag-resource --resource-arn a --tag-keys ["a","b"]"#,
                json!({"resourceArn": "a", "tagKeys": ["a", "b"]}),
            ),
            (
                "cancel-job-run --application-id a --job-run-id r --shutdown-grace-period-in-seconds 30",
                json!({"applicationId": "a", "jobRunId": "r", "shutdownGracePeriodInSeconds": 30}),
            ),
        ];
        for (text, expected) in table {
            assert_eq!(line(text), expected, "{text}");
        }
    }

    #[test]
    fn lists_of_structures_by_shorthand_and_by_json() {
        let text = "create-application --type SPARK --release-label l --client-token t --runtime-configuration \
                    classification=c,properties={a=b} {\"classification\":\"d\"}";
        let expected = json!({"type": "SPARK", "releaseLabel": "l", "clientToken": "t", "runtimeConfiguration": [
            {"classification": "c", "properties": {"a": "b"}}, {"classification": "d"}]});
        assert_eq!(line(text), expected);
    }

    #[test]
    fn booleans_have_two_flags_and_no_value() {
        let words = [
            "get-resource-dashboard",
            "--application-id",
            "a",
            "--resource-id",
            "r",
            "--resource-type",
            "SESSION",
        ];
        let value =
            |extra: &[&str]| gathered(&[&words, extra].concat()).unwrap()["accessSystemProfileLogs"].clone();
        assert_eq!(value(&[]), Value::Null);
        assert_eq!(value(&["--access-system-profile-logs"]), true);
        assert_eq!(value(&["--no-access-system-profile-logs"]), false);
    }

    #[test]
    fn what_is_wrong_names_its_flag() {
        let base = ["start-job-run", "--application-id", "a", "--execution-role-arn", "r"];
        let error = |extra: &[&str]| gathered(&[&base, extra].concat()).unwrap_err();
        assert!(
            error(&["--job-driver", "{"]).starts_with("Error parsing parameter '--job-driver': Invalid JSON")
        );
        assert!(
            error(&["--job-driver", "file:///no/such"]).contains("Unable to load paramfile file:///no/such")
        );
        assert!(error(&["--execution-timeout-minutes", "x"]).contains("not a whole number"));
        let misspelled = error(&["--job-driver", r#"{"sparkSubmits":{}}"#]);
        assert!(misspelled.starts_with("Parameter validation failed:\nUnknown parameter in jobDriver"));
        assert!(gathered(&["start-job-run", "--cli-input-json", "[]"]).unwrap_err().contains("object"));
    }

    #[test]
    fn a_token_is_made_up_once_for_each_call() {
        let operation = Operation::StartJobRun;
        let matches =
            super::super::command(operation).try_get_matches_from(["x", "--cli-input-json", "{}"]).unwrap();
        let token = || gather(operation, &matches).unwrap()["clientToken"].as_str().unwrap().to_owned();
        let (first, second) = (token(), token());
        assert_ne!(first, second);
        assert_eq!((first.len(), &first[14..15]), (36, "4"));
        assert_eq!(first.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    }
}
