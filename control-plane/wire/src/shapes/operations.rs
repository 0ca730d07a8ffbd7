//! Requests and responses of the application and job-run operations. Path and query members stand beside those of the body.

use std::collections::BTreeMap;

use super::{
    Application, ApplicationState, ApplicationSummary, Architecture, AutoStartConfig, AutoStopConfig,
    Configuration, ConfigurationOverrides, DiskEncryptionConfiguration, FlexExecution,
    IdentityCenterConfigurationInput, ImageConfigurationInput, InitialCapacityConfig,
    InteractiveConfiguration, JobDriver, JobLevelCostAllocationConfiguration, JobRun, JobRunAttemptSummary,
    JobRunExecutionIamPolicy, JobRunMode, JobRunState, JobRunSummary, MaximumAllowedResources,
    MonitoringConfiguration, NetworkConfiguration, RetryPolicy, SchedulerConfiguration, Tags, Timestamp,
    WorkerTypeSpecificationInput, shapes,
};

shapes! {
    /// Input of CreateApplication.
    #[derive(Debug)]
    CreateApplicationRequest {
        required { release_label: String, r#type: String, client_token: String }
        optional {
            name: String,
            initial_capacity: BTreeMap<String, InitialCapacityConfig>,
            maximum_capacity: MaximumAllowedResources,
            tags: Tags,
            auto_start_configuration: AutoStartConfig,
            auto_stop_configuration: AutoStopConfig,
            network_configuration: NetworkConfiguration,
            architecture: Architecture,
            image_configuration: ImageConfigurationInput,
            worker_type_specifications: BTreeMap<String, WorkerTypeSpecificationInput>,
            runtime_configuration: Vec<Configuration>,
            monitoring_configuration: MonitoringConfiguration,
            disk_encryption_configuration: DiskEncryptionConfiguration,
            interactive_configuration: InteractiveConfiguration,
            scheduler_configuration: SchedulerConfiguration,
            identity_center_configuration: IdentityCenterConfigurationInput,
            job_level_cost_allocation_configuration: JobLevelCostAllocationConfiguration,
        }
    }

    /// Output of CreateApplication.
    #[derive(Debug)]
    CreateApplicationResponse {
        required { application_id: String, arn: String }
        optional { name: String }
    }

    /// Input of GetApplication.
    #[derive(Debug)]
    GetApplicationRequest { required { application_id: String } }

    /// Output of GetApplication.
    #[derive(Debug)]
    GetApplicationResponse { required { application: Application } }

    /// Input of ListApplications.
    #[derive(Debug)]
    ListApplicationsRequest {
        optional { next_token: String, max_results: i64, states: Vec<ApplicationState> }
    }

    /// Output of ListApplications.
    #[derive(Debug)]
    ListApplicationsResponse {
        required { applications: Vec<ApplicationSummary> }
        optional { next_token: String }
    }

    /// Input of UpdateApplication: what is absent stays as it is.
    #[derive(Debug)]
    UpdateApplicationRequest {
        required { application_id: String, client_token: String }
        optional {
            initial_capacity: BTreeMap<String, InitialCapacityConfig>,
            maximum_capacity: MaximumAllowedResources,
            auto_start_configuration: AutoStartConfig,
            auto_stop_configuration: AutoStopConfig,
            network_configuration: NetworkConfiguration,
            architecture: Architecture,
            image_configuration: ImageConfigurationInput,
            worker_type_specifications: BTreeMap<String, WorkerTypeSpecificationInput>,
            interactive_configuration: InteractiveConfiguration,
            release_label: String,
            runtime_configuration: Vec<Configuration>,
            monitoring_configuration: MonitoringConfiguration,
            disk_encryption_configuration: DiskEncryptionConfiguration,
            scheduler_configuration: SchedulerConfiguration,
            identity_center_configuration: IdentityCenterConfigurationInput,
            job_level_cost_allocation_configuration: JobLevelCostAllocationConfiguration,
        }
    }

    /// Output of UpdateApplication.
    #[derive(Debug)]
    UpdateApplicationResponse { required { application: Application } }

    /// Input of StartApplication.
    #[derive(Debug)]
    StartApplicationRequest { required { application_id: String } }

    /// Output of StartApplication: nothing.
    #[derive(Debug)]
    StartApplicationResponse {}

    /// Input of StopApplication.
    #[derive(Debug)]
    StopApplicationRequest { required { application_id: String } }

    /// Output of StopApplication: nothing.
    #[derive(Debug)]
    StopApplicationResponse {}

    /// Input of DeleteApplication.
    #[derive(Debug)]
    DeleteApplicationRequest { required { application_id: String } }

    /// Output of DeleteApplication: nothing.
    #[derive(Debug)]
    DeleteApplicationResponse {}

    /// Input of StartJobRun. The model does not require `jobDriver`; the service does.
    #[derive(Debug)]
    StartJobRunRequest {
        required { application_id: String, client_token: String, execution_role_arn: String }
        optional {
            execution_iam_policy: JobRunExecutionIamPolicy,
            job_driver: JobDriver,
            configuration_overrides: ConfigurationOverrides,
            tags: Tags,
            execution_timeout_minutes: i64,
            name: String,
            mode: JobRunMode,
            retry_policy: RetryPolicy,
            flex_execution: FlexExecution,
        }
    }

    /// Output of StartJobRun.
    #[derive(Debug)]
    StartJobRunResponse { required { application_id: String, job_run_id: String, arn: String } }

    /// Input of GetJobRun.
    #[derive(Debug)]
    GetJobRunRequest {
        required { application_id: String, job_run_id: String }
        optional { attempt: i64 }
    }

    /// Output of GetJobRun.
    #[derive(Debug)]
    GetJobRunResponse { required { job_run: JobRun } }

    /// Input of ListJobRuns.
    #[derive(Debug)]
    ListJobRunsRequest {
        required { application_id: String }
        optional {
            next_token: String,
            max_results: i64,
            created_at_after: Timestamp,
            created_at_before: Timestamp,
            states: Vec<JobRunState>,
            mode: JobRunMode,
        }
    }

    /// Output of ListJobRuns.
    #[derive(Debug)]
    ListJobRunsResponse {
        required { job_runs: Vec<JobRunSummary> }
        optional { next_token: String }
    }

    /// Input of CancelJobRun.
    #[derive(Debug)]
    CancelJobRunRequest {
        required { application_id: String, job_run_id: String }
        optional { shutdown_grace_period_in_seconds: i64 }
    }

    /// Output of CancelJobRun.
    #[derive(Debug)]
    CancelJobRunResponse { required { application_id: String, job_run_id: String } }

    /// Input of ListJobRunAttempts.
    #[derive(Debug)]
    ListJobRunAttemptsRequest {
        required { application_id: String, job_run_id: String }
        optional { next_token: String, max_results: i64 }
    }

    /// Output of ListJobRunAttempts, oldest first.
    #[derive(Debug)]
    ListJobRunAttemptsResponse {
        required { job_run_attempts: Vec<JobRunAttemptSummary> }
        optional { next_token: String }
    }

    /// Input of TagResource.
    #[derive(Debug)]
    TagResourceRequest { required { resource_arn: String, tags: Tags } }

    /// Output of TagResource: nothing.
    #[derive(Debug)]
    TagResourceResponse {}

    /// Input of UntagResource.
    #[derive(Debug)]
    UntagResourceRequest { required { resource_arn: String, tag_keys: Vec<String> } }

    /// Output of UntagResource: nothing.
    #[derive(Debug)]
    UntagResourceResponse {}

    /// Input of ListTagsForResource.
    #[derive(Debug)]
    ListTagsForResourceRequest { required { resource_arn: String } }

    /// Output of ListTagsForResource.
    #[derive(Debug)]
    ListTagsForResourceResponse { optional { tags: Tags } }

    /// Input of GetDashboardForJobRun.
    #[derive(Debug)]
    GetDashboardForJobRunRequest {
        required { application_id: String, job_run_id: String }
        optional { attempt: i64, access_system_profile_logs: bool }
    }

    /// Output of GetDashboardForJobRun.
    #[derive(Debug)]
    GetDashboardForJobRunResponse { optional { url: String } }
}
