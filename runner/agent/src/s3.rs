//! The run's S3 as an SDK client, and what its errors mean for good.

use crate::credentials::Keyring;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use firesteel_protocol::ObjectStore;
use std::time::Duration;

/// A client of `store` that acts as the run's role.
pub fn client(store: &ObjectStore, keyring: &Keyring) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(30))
        .build();
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(store.region.clone()))
        .force_path_style(store.path_style)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .credentials_provider(keyring.clone());
    if let Some(endpoint) = &store.endpoint {
        config = config.endpoint_url(endpoint);
    }
    Client::from_conf(config.build())
}

/// What went wrong with a call to S3.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum S3Error {
    /// S3 said no, and will say so again: `AccessDenied`, `NoSuchBucket`, ….
    #[error("{code}: {message}")]
    Refused {
        /// S3's error code.
        code: String,
        /// S3's text.
        message: String,
    },
    /// The object is not as expected (412, or gone).
    #[error("{0}")]
    Changed(String),
    /// Time-out, 5xx, no connection: worth another try.
    #[error("{0}")]
    Passing(String),
}

/// Sorts an SDK error.
pub fn sort<E>(error: SdkError<E>) -> S3Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let Some(answer) = error.raw_response() else {
        return S3Error::Passing(DisplayErrorContext(&error).to_string());
    };
    let status = answer.status().as_u16();
    let code = error.code().unwrap_or(if status == 404 { "NotFound" } else { "Unknown" }).to_owned();
    let message = error.message().unwrap_or_default().to_owned();
    match (status, code.as_str()) {
        (412, _) | (409, _) => S3Error::Changed(format!("{code}: {message}")),
        (_, "ExpiredToken" | "RequestTimeout" | "SlowDown" | "RequestTimeTooSkewed") => {
            S3Error::Passing(format!("{code}: {message}"))
        }
        (400..=499, _) => S3Error::Refused { code, message },
        _ => S3Error::Passing(format!("{status} {code}: {message}")),
    }
}

/// Bucket and key of an `s3://`, `s3a://` or `s3n://` URI.
pub fn bucket_and_key(uri: &str) -> Option<(&str, &str)> {
    let rest = ["s3://", "s3a://", "s3n://"].iter().find_map(|scheme| uri.strip_prefix(scheme))?;
    let (bucket, key) = rest.split_once('/')?;
    (!bucket.is_empty() && !key.is_empty()).then_some((bucket, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_of_all_three_schemes() {
        for uri in ["s3://b/k/x.py", "s3a://b/k/x.py", "s3n://b/k/x.py"] {
            assert_eq!(bucket_and_key(uri), Some(("b", "k/x.py")));
        }
        for uri in ["s3://b", "s3://b/", "s3:///k", "/a/b", "http://b/k"] {
            assert_eq!(bucket_and_key(uri), None, "{uri}");
        }
    }
}
