//! Sizes, networks, images and switches: the small structures that applications and job runs share.
//! Sizes are texts here ("4 vCPU"); `sizes` reads them.

use std::collections::BTreeMap;

use super::shapes;

shapes! {
    /// Workers of one type to hold ready.
    #[derive(Debug)]
    InitialCapacityConfig {
        required { worker_count: i64 }
        optional { worker_configuration: WorkerResourceConfig }
    }

    /// The size of one worker.
    #[derive(Debug)]
    WorkerResourceConfig {
        required { cpu: String, memory: String }
        optional { disk: String, disk_type: String }
    }

    /// The most that all workers of an application together may have.
    #[derive(Debug)]
    MaximumAllowedResources {
        required { cpu: String, memory: String }
        optional { disk: String }
    }

    /// Whether a submission starts the application.
    #[derive(Debug)]
    AutoStartConfig {
        optional { enabled: bool }
    }

    /// Whether and after how many idle minutes the application stops.
    #[derive(Debug)]
    AutoStopConfig {
        optional { enabled: bool, idle_timeout_minutes: i64 }
    }

    /// Subnets and security groups; stored and echoed.
    #[derive(Debug)]
    NetworkConfiguration {
        optional { subnet_ids: Vec<String>, security_group_ids: Vec<String> }
    }

    /// The concurrency and queueing limits.
    #[derive(Debug)]
    SchedulerConfiguration {
        optional { queue_timeout_minutes: i64, max_concurrent_runs: i64 }
    }

    /// Which interactive endpoints are on.
    #[derive(Debug)]
    InteractiveConfiguration {
        optional { studio_enabled: bool, livy_endpoint_enabled: bool, session_enabled: bool }
    }

    /// A custom image as asked for.
    #[derive(Debug)]
    ImageConfigurationInput {
        optional { image_uri: String, application_level_digest_resolution: bool }
    }

    /// A custom image as in force.
    #[derive(Debug)]
    ImageConfiguration {
        required { image_uri: String }
        optional { resolved_image_digest: String, application_level_digest_resolution: bool }
    }

    /// What is particular to one worker type, as asked for.
    #[derive(Debug)]
    WorkerTypeSpecificationInput {
        optional { image_configuration: ImageConfigurationInput }
    }

    /// What is particular to one worker type, as in force.
    #[derive(Debug)]
    WorkerTypeSpecification {
        optional { image_configuration: ImageConfiguration }
    }

    /// The key that encrypts workers' disks; stored and echoed.
    #[derive(Debug)]
    DiskEncryptionConfiguration {
        optional { encryption_context: BTreeMap<String, String>, encryption_key_arn: String }
    }

    /// Identity Center as asked for; stored and echoed.
    #[derive(Debug)]
    IdentityCenterConfigurationInput {
        optional { identity_center_instance_arn: String, user_background_sessions_enabled: bool }
    }

    /// Identity Center as in force.
    #[derive(Debug)]
    IdentityCenterConfiguration {
        optional {
            identity_center_instance_arn: String,
            identity_center_application_arn: String,
            user_background_sessions_enabled: bool,
        }
    }

    /// Whether cost is allocated to each job run.
    #[derive(Debug)]
    JobLevelCostAllocationConfiguration {
        optional { enabled: bool }
    }
}
