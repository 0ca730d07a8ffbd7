//! The gate of the S3 operations.
use super::{Caller, Rights};
use crate::KeyPair;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};
use std::sync::Arc;

/// The keys.
#[derive(Debug)]
pub struct Keys {
    /// The operator's.
    pub operator: KeyPair,
    /// The control plane's.
    pub control_plane: KeyPair,
    /// State bucket.
    pub state_bucket: Arc<str>,
}

/// Gate.
#[derive(Debug, Clone)]
pub struct Gate(pub Arc<Keys>);

#[async_trait::async_trait]
impl S3Auth for Gate {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        for pair in [&self.0.operator, &self.0.control_plane] {
            if pair.access_key == access_key {
                return Ok(SecretKey::from(pair.secret_key.clone()));
            }
        }
        Err(s3_error!(
            InvalidAccessKeyId,
            "The AWS Access Key Id you provided does not exist in our records."
        ))
    }
}

#[async_trait::async_trait]
impl S3Access for Gate {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(credentials) = cx.credentials() else {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        };
        let rights = if credentials.access_key == self.0.control_plane.access_key {
            Rights::ControlPlane
        } else {
            Rights::Operator
        };
        let caller = Caller { rights: Arc::new(rights), state_bucket: self.0.state_bucket.clone() };
        if let Some(bucket) = cx.s3_path().get_bucket_name() {
            caller.may(cx.s3_op().name(), bucket, cx.s3_path().get_object_key())?;
        }
        cx.extensions_mut().insert(caller);
        Ok(())
    }
}
