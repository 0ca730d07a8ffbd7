//! Where a run's logs are, from what GetJobRun and GetApplication say. No I/O.

use serde_json::Value;

/// Bucket and key of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
}

/// Whose log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worker {
    /// The driver.
    Driver,
    /// The executor of this number, from 1.
    Executor(u32),
}

/// Where the logs of the run's attempt are: a prefix that ends with a slash; `None` if neither the run nor its
/// application has a `logUri`.
///
/// The run's S3 monitoring replaces the application's (EMR Serverless user guide, "logging").
pub fn folder(run: &Value, application: &Value) -> Option<Place> {
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
    Some(Place { bucket: bucket.to_owned(), key: format!("{prefix}applications/{app}/jobs/{id}/{attempt}") })
}

impl Place {
    /// One log in this folder.
    pub fn log(&self, worker: Worker, stderr: bool) -> Self {
        let of = match worker {
            Worker::Driver => "SPARK_DRIVER".to_owned(),
            Worker::Executor(number) => format!("SPARK_EXECUTOR/{number}"),
        };
        let name = if stderr { "stderr" } else { "stdout" };
        Self { bucket: self.bucket.clone(), key: format!("{}{of}/{name}.gz", self.key) }
    }

    /// The full file of this number, from 1, of this log.
    pub fn archived(&self, number: u32) -> Self {
        let (folder, name) = self.key.rsplit_once('/').unwrap_or(("", &self.key));
        let stream = name.strip_suffix(".gz").unwrap_or(name);
        Self { bucket: self.bucket.clone(), key: format!("{folder}/archived/{stream}_{number}.gz") }
    }

    /// Below which the executors of this folder have theirs.
    pub fn executors(&self) -> String {
        format!("{}SPARK_EXECUTOR/", self.key)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
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
        let no_uri =
            json!({"configurationOverrides": {"monitoringConfiguration": {"s3MonitoringConfiguration": {}}}});
        let table = [
            (own("s3://b/logs/"), json!({}), Some("s3://b/logs/applications/a/jobs/r/")),
            (own("s3://b"), json!({}), Some("s3://b/applications/a/jobs/r/")),
            (json!({}), monitoring("s3://c/p"), Some("s3://c/p/applications/a/jobs/r/")),
            (own("s3://b"), monitoring("s3://c"), Some("s3://b/applications/a/jobs/r/")),
            (
                json!({"mode": "STREAMING"}),
                monitoring("s3://c"),
                Some("s3://c/applications/a/jobs/r/attempts/2/"),
            ),
            (retried(3.0), monitoring("s3://c"), Some("s3://c/applications/a/jobs/r/attempts/2/")),
            (retried(1.0), monitoring("s3://c"), Some("s3://c/applications/a/jobs/r/")),
            (json!({}), json!({}), None),
            (no_uri, monitoring("s3://c"), None),
        ];
        for (more, application, expected) in table {
            let found = folder(&run(more.clone()), &application).map(|place| place.to_string());
            assert_eq!(found.as_deref(), expected, "{more} {application}");
        }
    }

    #[test]
    fn logs_of_driver_and_executors() {
        let folder = Place { bucket: "b".into(), key: "applications/a/jobs/r/".into() };
        let key = |worker, stderr| folder.log(worker, stderr).key;
        assert_eq!(key(Worker::Driver, false), "applications/a/jobs/r/SPARK_DRIVER/stdout.gz");
        let full = folder.log(Worker::Driver, true).archived(2).key;
        assert_eq!(full, "applications/a/jobs/r/SPARK_DRIVER/archived/stderr_2.gz");
        assert_eq!(key(Worker::Executor(3), true), "applications/a/jobs/r/SPARK_EXECUTOR/3/stderr.gz");
        assert_eq!(folder.executors(), "applications/a/jobs/r/SPARK_EXECUTOR/");
    }
}
