//! Applications as answers show them. Beware: the full object says `applicationId`, the summary says `id`.

use std::collections::BTreeMap;

use super::{
    AutoStartConfig, AutoStopConfig, Configuration, DiskEncryptionConfiguration, IdentityCenterConfiguration,
    ImageConfiguration, InitialCapacityConfig, InteractiveConfiguration, JobLevelCostAllocationConfiguration,
    MaximumAllowedResources, MonitoringConfiguration, NetworkConfiguration, SchedulerConfiguration, Tags,
    Timestamp, WorkerTypeSpecification, shapes, spellings,
};

spellings! {
    /// The state of an application.
    ApplicationState {
        Creating = "CREATING",
        Created = "CREATED",
        Starting = "STARTING",
        Started = "STARTED",
        Stopping = "STOPPING",
        Stopped = "STOPPED",
        Terminated = "TERMINATED",
    }

    /// The processors of an application's workers.
    Architecture { Arm64 = "ARM64", X86_64 = "X86_64" }
}

shapes! {
    /// An application in full.
    #[derive(Debug)]
    Application {
        required {
            application_id: String,
            arn: String,
            release_label: String,
            r#type: String,
            state: ApplicationState,
            created_at: Timestamp,
            updated_at: Timestamp,
        }
        optional {
            name: String,
            state_details: String,
            initial_capacity: BTreeMap<String, InitialCapacityConfig>,
            maximum_capacity: MaximumAllowedResources,
            tags: Tags,
            auto_start_configuration: AutoStartConfig,
            auto_stop_configuration: AutoStopConfig,
            network_configuration: NetworkConfiguration,
            architecture: Architecture,
            image_configuration: ImageConfiguration,
            worker_type_specifications: BTreeMap<String, WorkerTypeSpecification>,
            runtime_configuration: Vec<Configuration>,
            monitoring_configuration: MonitoringConfiguration,
            disk_encryption_configuration: DiskEncryptionConfiguration,
            interactive_configuration: InteractiveConfiguration,
            scheduler_configuration: SchedulerConfiguration,
            identity_center_configuration: IdentityCenterConfiguration,
            job_level_cost_allocation_configuration: JobLevelCostAllocationConfiguration,
        }
    }

    /// An application in a list.
    #[derive(Debug)]
    ApplicationSummary {
        required {
            id: String,
            arn: String,
            release_label: String,
            r#type: String,
            state: ApplicationState,
            created_at: Timestamp,
            updated_at: Timestamp,
        }
        optional { name: String, state_details: String, architecture: Architecture }
    }
}
