//! What the control plane needs of the machine it runs on: the service's ports, implemented.
//!
//! One file a port. None of them knows the others, nor what the control plane does with the answers.

pub mod history_server;
pub mod identities;
pub mod identity_file;
pub mod installation;
pub mod keyed_roles;
pub mod log_objects;
pub mod roles;
pub mod runtimes;
pub mod salvage;
pub mod sweep;
pub mod watch;
pub mod world;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use std::time::Duration;

/// How often a runner is to speak at least, milliseconds.
pub const CONTACT_EVERY_MS: u64 = 5_000;
/// How long a runner goes on without any control plane, milliseconds (design §4).
pub const CONTACT_LIMIT_MS: u64 = 30 * 60 * 1_000;
/// Share of the memory that heaps may take, in percent (design §7).
pub const HEAP_PERCENT: u64 = 70;

/// An S3 client of one endpoint with one key.
pub fn s3_client(endpoint: Option<&str>, region: &str, keys: Credentials) -> aws_sdk_s3::Client {
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .force_path_style(endpoint.is_some())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .timeout_config(timeouts())
        .retry_config(RetryConfig::standard())
        .credentials_provider(keys);
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    match crate::trust::sdk_client() {
        Ok(Some(http)) => config = config.http_client(http),
        Ok(None) => {}
        Err(error) => tracing::warn!(error = %format!("{error:#}"), "the system's authorities are trusted"),
    }
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Time-outs of every call of S3 and STS.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(20))
        .build()
}
