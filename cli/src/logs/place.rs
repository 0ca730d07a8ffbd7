//! Where a run's driver logs are, from what GetJobRun and GetApplication say. No I/O.

use serde_json::Value;

/// Bucket and key of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
}

/// Where a log of the driver is; `None` if neither the run nor its application has a `logUri`.
///
/// The run's S3 monitoring replaces the application's (EMR Serverless user guide, "logging").
pub fn driver_log(run: &Value, application: &Value, stderr: bool) -> Option<Place> {
    let s3 = |owner: &Value| owner["monitoringConfiguration"].get("s3MonitoringConfiguration").cloned();
    let chosen = s3(&run["configurationOverrides"]).or_else(|| s3(application))?;
    let uri = chosen["logUri"].as_str()?.strip_prefix("s3://")?.trim_end_matches('/');
    let (bucket, prefix) = uri.split_once('/').unwrap_or((uri, ""));
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let (app, id) = (run["applicationId"].as_str()?, run["jobRunId"].as_str()?);
    let attempt = match run["attempt"].as_u64().filter(|_| names_attempts(run)) {
        Some(attempt) => format!("attempts/{attempt}/"),
        None => String::new(),
    };
    let name = if stderr { "stderr" } else { "stdout" };
    let key = format!("{prefix}applications/{app}/jobs/{id}/{attempt}SPARK_DRIVER/{name}.gz");
    Some(Place { bucket: bucket.to_owned(), key })
}

/// Attempts have folders of their own for streaming runs and where batch runs may be retried.
fn names_attempts(run: &Value) -> bool {
    run["mode"] == "STREAMING" || run["retryPolicy"]["maxAttempts"].as_f64().is_some_and(|most| most > 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(more: Value) -> Value {
        let mut run = json!({"applicationId": "a", "jobRunId": "r", "attempt": 2});
        run.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        run
    }

    fn monitoring(uri: &str) -> Value {
        json!({"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": uri}}})
    }

    #[test]
    fn as_the_user_guide_has_it() {
        let own = |uri: &str| json!({"configurationOverrides": monitoring(uri)});
        let retried = |most: f64| json!({"retryPolicy": {"maxAttempts": most}});
        let table = [
            (
                run(own("s3://b/logs/")),
                json!({}),
                Some(("b", "logs/applications/a/jobs/r/SPARK_DRIVER/stdout.gz")),
            ),
            (run(own("s3://b")), json!({}), Some(("b", "applications/a/jobs/r/SPARK_DRIVER/stdout.gz"))),
            (
                run(json!({})),
                monitoring("s3://c/p"),
                Some(("c", "p/applications/a/jobs/r/SPARK_DRIVER/stdout.gz")),
            ),
            (
                run(own("s3://b")),
                monitoring("s3://c"),
                Some(("b", "applications/a/jobs/r/SPARK_DRIVER/stdout.gz")),
            ),
            (
                run(json!({"mode": "STREAMING"})),
                monitoring("s3://c"),
                Some(("c", "applications/a/jobs/r/attempts/2/SPARK_DRIVER/stdout.gz")),
            ),
            (
                run(retried(3.0)),
                monitoring("s3://c"),
                Some(("c", "applications/a/jobs/r/attempts/2/SPARK_DRIVER/stdout.gz")),
            ),
            (
                run(retried(1.0)),
                monitoring("s3://c"),
                Some(("c", "applications/a/jobs/r/SPARK_DRIVER/stdout.gz")),
            ),
            (run(json!({})), json!({}), None),
            (
                run(
                    json!({"configurationOverrides": {"monitoringConfiguration": {"s3MonitoringConfiguration": {}}}}),
                ),
                monitoring("s3://c"),
                None,
            ),
        ];
        for (run, application, expected) in table {
            let expected = expected.map(|(bucket, key)| Place { bucket: bucket.into(), key: key.into() });
            assert_eq!(driver_log(&run, &application, false), expected, "{run} {application}");
        }
        assert!(driver_log(&run(own("s3://b")), &json!({}), true).unwrap().key.ends_with("/stderr.gz"));
    }
}
