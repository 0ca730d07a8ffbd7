//! Where logs go: a run's `monitoringConfiguration` over its application's, each kind of destination by itself.
//!
//! Source: EMR user guide, default-configs: `{}` removes S3, `enabled: false` removes CloudWatch, `{}` puts managed
//! persistence back to its default, which is on.

use serde_json::{Map, Value};

/// The member for logs in S3.
pub const S3: &str = "s3MonitoringConfiguration";
const CLOUD_WATCH: &str = "cloudWatchLoggingConfiguration";
const MANAGED: &str = "managedPersistenceMonitoringConfiguration";
const PROMETHEUS: &str = "prometheusMonitoringConfiguration";

/// The destinations that count: for each kind the run's word, else the application's. What was removed is absent.
pub fn merge(of_application: Option<&Value>, of_run: Option<&Value>) -> Map<String, Value> {
    let said = |kind: &str| {
        let of = |monitoring: Option<&Value>| monitoring?.get(kind).filter(|value| !value.is_null()).cloned();
        of(of_run).or_else(|| of(of_application))
    };
    [S3, CLOUD_WATCH, MANAGED, PROMETHEUS]
        .into_iter()
        .filter_map(|kind| Some((kind.to_owned(), said(kind).filter(|value| counts(kind, value))?)))
        .collect()
}

fn counts(kind: &str, value: &Value) -> bool {
    let off = value.get("enabled").and_then(Value::as_bool) == Some(false);
    let empty = value.as_object().is_none_or(Map::is_empty);
    match kind {
        CLOUD_WATCH => !off && !empty,
        _ => !empty,
    }
}

/// `logUri` of the merged destinations, if logs go to S3.
pub fn log_uri(merged: &Map<String, Value>) -> Option<&str> {
    merged.get(S3)?.get("logUri")?.as_str().filter(|uri| !uri.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn merged(of_application: Value, of_run: Value) -> Value {
        Value::Object(merge(Some(&of_application), Some(&of_run)))
    }

    #[test]
    fn each_kind_is_merged_by_itself() {
        let s3 = |uri: &str| json!({ S3: { "logUri": uri } });
        let cloud_watch = |on: bool| json!({ CLOUD_WATCH: { "enabled": on } });
        let managed = |on: bool| json!({ MANAGED: { "enabled": on } });
        let table = [
            (s3("s3://a/"), json!({}), s3("s3://a/")),
            (s3("s3://a/"), s3("s3://b/"), s3("s3://b/")),
            (s3("s3://a/"), json!({ S3: {} }), json!({})),
            (json!({}), s3("s3://b/"), s3("s3://b/")),
            (cloud_watch(true), cloud_watch(false), json!({})),
            (cloud_watch(false), json!({}), json!({})),
            (cloud_watch(true), json!({}), cloud_watch(true)),
            (managed(false), json!({}), managed(false)),
            (managed(false), json!({ MANAGED: {} }), json!({})),
            (json!({ S3: { "logUri": "s3://a/", "encryptionKeyArn": "k" } }), s3("s3://b/"), s3("s3://b/")),
        ];
        for (application, run, expected) in table {
            assert_eq!(merged(application.clone(), run.clone()), expected, "{application} under {run}");
        }
        let both = merged(s3("s3://a/"), cloud_watch(true));
        assert_eq!(both, json!({ S3: { "logUri": "s3://a/" }, CLOUD_WATCH: { "enabled": true } }));
    }

    #[test]
    fn the_place_of_the_logs() {
        let uri = |value: Value| log_uri(&merge(None, Some(&value))).map(str::to_owned);
        assert_eq!(uri(json!({ S3: { "logUri": "s3://b/logs/" } })).as_deref(), Some("s3://b/logs/"));
        assert_eq!(uri(json!({ S3: { "logUri": "" } })), None);
        assert_eq!(uri(json!({ S3: {} })), None);
        assert_eq!(uri(json!({})), None);
    }
}
