//! Configuration classifications and where logs go.

use std::collections::BTreeMap;
use std::fmt;

use super::{DiskEncryptionConfiguration, shapes};

shapes! {
    /// One classification, e.g. `spark-defaults`, with its properties. The properties are sensitive: `Debug` shows their names only.
    Configuration {
        required { classification: String }
        optional { properties: BTreeMap<String, String>, configurations: Vec<Configuration> }
    }

    /// What a job run overrides of its application's defaults.
    #[derive(Debug)]
    ConfigurationOverrides {
        optional {
            application_configuration: Vec<Configuration>,
            monitoring_configuration: MonitoringConfiguration,
            disk_encryption_configuration: DiskEncryptionConfiguration,
        }
    }

    /// Where logs and metrics go.
    #[derive(Debug)]
    MonitoringConfiguration {
        optional {
            s3_monitoring_configuration: S3MonitoringConfiguration,
            managed_persistence_monitoring_configuration: ManagedPersistenceMonitoringConfiguration,
            cloud_watch_logging_configuration: CloudWatchLoggingConfiguration,
            prometheus_monitoring_configuration: PrometheusMonitoringConfiguration,
        }
    }

    /// Logs to S3 under `logUri`.
    #[derive(Debug)]
    S3MonitoringConfiguration {
        optional { log_uri: String, encryption_key_arn: String }
    }

    /// Logs that the service keeps itself.
    #[derive(Debug)]
    ManagedPersistenceMonitoringConfiguration {
        optional { enabled: bool, encryption_key_arn: String }
    }

    /// Logs to CloudWatch.
    #[derive(Debug)]
    CloudWatchLoggingConfiguration {
        required { enabled: bool }
        optional {
            log_group_name: String,
            log_stream_name_prefix: String,
            encryption_key_arn: String,
            log_types: BTreeMap<String, Vec<String>>,
        }
    }

    /// Metrics to Prometheus.
    #[derive(Debug)]
    PrometheusMonitoringConfiguration {
        optional { remote_write_url: String }
    }
}

impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configuration")
            .field("classification", &self.classification)
            .field(
                "properties",
                &self.properties.as_ref().map(|properties| properties.keys().collect::<Vec<_>>()),
            )
            .field("configurations", &self.configurations)
            .finish()
    }
}
