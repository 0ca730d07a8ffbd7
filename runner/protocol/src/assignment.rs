//! What a runner is told to do.

use firesteel_core::id::{ApplicationId, JobRunId};
use firesteel_core::release::ReleaseLabel;
use firesteel_core::size::Size;
use firesteel_core::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// A job for a runner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignment {
    /// Run the driver.
    Driver(DriverAssignment),
    /// Run one executor.
    Executor(ExecutorAssignment),
}

impl Assignment {
    /// What every worker is told.
    pub fn common(&self) -> &Common {
        match self {
            Self::Driver(driver) => &driver.common,
            Self::Executor(executor) => &executor.common,
        }
    }
}

/// What every worker is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Common {
    /// The application.
    pub application: ApplicationId,
    /// Its name, if it has one.
    pub application_name: Option<String>,
    /// The run.
    pub job_run: JobRunId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// Fence of the attempt: goes with every later call.
    pub fence: u64,
    /// Which Spark.
    pub release: ReleaseLabel,
    /// The worker as accounted and billed.
    pub size: Size,
    /// The largest heap that the JVM may really have on this host, MiB.
    pub heap_mib: u64,
    /// Where the logs go; none keeps them in the worker's folder only.
    pub logs: Option<LogDestination>,
    /// The store that `s3://` means.
    pub store: ObjectStore,
    /// The execution role's credentials.
    pub credentials: Credentials,
    /// Speak at least this often, milliseconds.
    pub contact_every_ms: u64,
    /// End the job after so long without any control plane, milliseconds.
    pub contact_limit_ms: u64,
}

/// The driver's job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriverAssignment {
    /// What every worker is told.
    pub common: Common,
    /// Script or jar: `s3://…`, `local://…`, or a path on the worker.
    pub entry_point: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// `sparkSubmitParameters` as given: one shell-like string.
    pub spark_submit_parameters: String,
    /// Configuration after the merge of application and run: classification → properties.
    pub configuration: BTreeMap<String, BTreeMap<String, String>>,
    /// The run's name, if it has one.
    pub name: Option<String>,
    /// The run's own prefix for tmp and shuffle, `s3://bucket/…/` (with a trailing slash); removed afterwards.
    pub tmp: Option<String>,
    /// Where event logs go (`s3://…/sparklogs/`), if anywhere.
    pub event_logs: Option<String>,
}

/// An executor's job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutorAssignment {
    /// What every worker is told.
    pub common: Common,
    /// Number of its log folder (counts per attempt, across Spark contexts, from 1).
    pub ordinal: u32,
    /// The part of the launch that executors of one profile share (what the driver's runner sent).
    pub launch: Value,
    /// The part of this executor alone.
    pub own: Value,
}

/// Where a worker's logs go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDestination {
    /// Bucket.
    pub bucket: String,
    /// Key prefix of this worker's logs, without a trailing slash:
    /// `<logUri>/applications/<app>/jobs/<run>[/attempts/<n>]/SPARK_DRIVER` or `…/SPARK_EXECUTOR/<n>`.
    pub prefix: String,
}

/// The object store that `s3://` means for the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectStore {
    /// Endpoint URL; none for AWS's own.
    pub endpoint: Option<String>,
    /// Region.
    pub region: String,
    /// Buckets in the path instead of the host name.
    pub path_style: bool,
}

/// Temporary credentials of the execution role.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
    /// Session token.
    pub session_token: String,
    /// When they were given.
    pub granted: Millis,
    /// When they end.
    pub expires: Millis,
}

impl Credentials {
    /// The moment from which new ones should be fetched.
    pub fn half_life(&self) -> Millis {
        self.granted.plus(self.expires.since(self.granted) / 2)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, until {})", self.access_key_id, self.expires.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_print_their_secret() {
        let credentials = Credentials {
            access_key_id: "ASIA1".into(),
            secret_access_key: "hush".into(),
            session_token: "quiet".into(),
            granted: Millis(1_000),
            expires: Millis(3_000),
        };
        let text = format!("{credentials:?}");
        assert!(!text.contains("hush") && !text.contains("quiet"), "{text}");
        assert_eq!(credentials.half_life(), Millis(2_000));
    }
}
