//! What our own additions to the structures do. That they are the model's, `tests/conformance` proves.

use super::*;

#[test]
fn enums_are_read_as_the_model_spells_them() {
    assert_eq!(JobRunState::parse("QUEUED"), Some(JobRunState::Queued));
    assert_eq!(JobRunState::parse("queued"), None);
    assert_eq!(SessionState::ALL.len(), 8);
    assert_eq!(SessionState::Busy.to_string(), "BUSY");
}

#[test]
fn debug_shows_nothing_sensitive() {
    let submit = SparkSubmit { entry_point: "s3://secret/x.py".into(), ..SparkSubmit::default() };
    let properties = [("spark.password".to_owned(), "hunter2".to_owned())].into();
    let configuration = Configuration {
        classification: "spark-defaults".into(),
        properties: Some(properties),
        configurations: None,
    };
    let hive = Hive { query: "select secret".into(), ..Hive::default() };
    let endpoint =
        GetSessionEndpointResponse { auth_token: "secret".into(), ..GetSessionEndpointResponse::default() };
    let text = format!("{submit:?} {hive:?} {configuration:?} {endpoint:?}");
    assert!(!text.contains("secret") && !text.contains("hunter2"), "{text}");
    assert!(text.contains("spark.password"), "{text}");
}
