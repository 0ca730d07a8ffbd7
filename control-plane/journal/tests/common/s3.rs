//! A client for a server on loopback.
#![allow(dead_code)]

use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::{Client, Config};

pub fn client(endpoint: &str, key: &str, secret: &str) -> Client {
    let limits = TimeoutConfig::builder().operation_timeout(Duration::from_secs(30)).build();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(Credentials::new(key, secret, None, None, "test"))
        .timeout_config(limits)
        .build();
    Client::from_conf(config)
}
