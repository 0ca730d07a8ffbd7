//! Job runs as answers show them. Beware: the full object says `jobRunId`, summaries say `id`; the role is `executionRole` here and
//! `executionRoleArn` in the request; an attempt's `createdAt` is the attempt's, `jobCreatedAt` the run's.

use std::collections::BTreeMap;
use std::fmt;

use super::{
    ConfigurationOverrides, ImageConfiguration, NetworkConfiguration, Tags, Timestamp,
    WorkerTypeSpecification, shapes, spellings,
};

spellings! {
    /// The state of a job run.
    JobRunState {
        Submitted = "SUBMITTED",
        Pending = "PENDING",
        Scheduled = "SCHEDULED",
        Running = "RUNNING",
        Success = "SUCCESS",
        Failed = "FAILED",
        Cancelling = "CANCELLING",
        Cancelled = "CANCELLED",
        Queued = "QUEUED",
    }

    /// Whether a job run ends by itself.
    JobRunMode { Batch = "BATCH", Streaming = "STREAMING" }
}

shapes! {
    /// What to run: exactly one of the two.
    #[derive(Debug)]
    JobDriver {
        optional { spark_submit: SparkSubmit, hive: Hive }
    }

    /// A Spark job. Its members are sensitive: `Debug` shows none.
    SparkSubmit {
        required { entry_point: String }
        optional { entry_point_arguments: Vec<String>, spark_submit_parameters: String }
    }

    /// A Hive query. Its members are sensitive: `Debug` shows none.
    Hive {
        required { query: String }
        optional { init_query_file: String, parameters: String }
    }

    /// How often a failed attempt is followed by another.
    #[derive(Debug)]
    RetryPolicy {
        optional { max_attempts: i64, max_failed_attempts_per_hour: i64 }
    }

    /// Policies that narrow the execution role.
    #[derive(Debug)]
    JobRunExecutionIamPolicy {
        optional { policy: String, policy_arns: Vec<String> }
    }

    /// Whether executors may be placed on reclaimable capacity.
    #[derive(Debug)]
    FlexExecution {
        optional { enabled: bool }
    }

    /// What all workers of a run used together, rounded up to seconds.
    #[derive(Debug)]
    TotalResourceUtilization {
        optional {
            #[serde(rename = "vCPUHour")] v_cpu_hour: f64,
            #[serde(rename = "memoryGBHour")] memory_gb_hour: f64,
            #[serde(rename = "storageGBHour")] storage_gb_hour: f64,
        }
    }

    /// What is billed: at least a minute for each worker, storage above 20 GB (all of it if shuffle-optimised).
    #[derive(Debug)]
    ResourceUtilization {
        optional {
            #[serde(rename = "vCPUHour")] v_cpu_hour: f64,
            #[serde(rename = "memoryGBHour")] memory_gb_hour: f64,
            #[serde(rename = "storageGBHour")] storage_gb_hour: f64,
        }
    }

    /// A job run in full, seen at one attempt.
    #[derive(Debug)]
    JobRun {
        required {
            application_id: String,
            job_run_id: String,
            arn: String,
            created_by: String,
            created_at: Timestamp,
            updated_at: Timestamp,
            execution_role: String,
            state: JobRunState,
            state_details: String,
            release_label: String,
            job_driver: JobDriver,
        }
        optional {
            name: String,
            execution_iam_policy: JobRunExecutionIamPolicy,
            configuration_overrides: ConfigurationOverrides,
            tags: Tags,
            total_resource_utilization: TotalResourceUtilization,
            network_configuration: NetworkConfiguration,
            total_execution_duration_seconds: i64,
            execution_timeout_minutes: i64,
            billed_resource_utilization: ResourceUtilization,
            mode: JobRunMode,
            retry_policy: RetryPolicy,
            attempt: i64,
            attempt_created_at: Timestamp,
            attempt_updated_at: Timestamp,
            started_at: Timestamp,
            ended_at: Timestamp,
            queued_duration_milliseconds: i64,
            image_configuration: ImageConfiguration,
            worker_type_specifications: BTreeMap<String, WorkerTypeSpecification>,
            flex_execution: FlexExecution,
        }
    }

    /// A job run in a list.
    #[derive(Debug)]
    JobRunSummary {
        required {
            application_id: String,
            id: String,
            arn: String,
            created_by: String,
            created_at: Timestamp,
            updated_at: Timestamp,
            execution_role: String,
            state: JobRunState,
            state_details: String,
            release_label: String,
        }
        optional {
            name: String,
            mode: JobRunMode,
            r#type: String,
            attempt: i64,
            attempt_created_at: Timestamp,
            attempt_updated_at: Timestamp,
            flex_execution: FlexExecution,
        }
    }

    /// One attempt of a job run in a list.
    #[derive(Debug)]
    JobRunAttemptSummary {
        required {
            application_id: String,
            id: String,
            arn: String,
            created_by: String,
            job_created_at: Timestamp,
            created_at: Timestamp,
            updated_at: Timestamp,
            execution_role: String,
            state: JobRunState,
            state_details: String,
            release_label: String,
        }
        optional {
            name: String,
            mode: JobRunMode,
            r#type: String,
            attempt: i64,
            flex_execution: FlexExecution,
        }
    }
}

impl fmt::Debug for SparkSubmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SparkSubmit").finish_non_exhaustive()
    }
}

impl fmt::Debug for Hive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hive").finish_non_exhaustive()
    }
}
