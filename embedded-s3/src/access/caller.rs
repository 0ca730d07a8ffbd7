//! A caller and their rights.
use s3s::{S3Result, s3_error};
use std::sync::Arc;

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// What they may.
    pub rights: Arc<Rights>,
    /// The bucket that only the control plane may touch.
    pub state_bucket: Arc<str>,
}

/// What a caller may.
#[derive(Debug)]
pub enum Rights {
    /// Everything.
    ControlPlane,
    /// All buckets but the state bucket.
    Operator,
}

impl Caller {
    /// Whether the bucket is shown to them.
    pub fn sees_bucket(&self, bucket: &str) -> bool {
        matches!(*self.rights, Rights::ControlPlane) || bucket != &*self.state_bucket
    }
    /// Whether they may do this.
    pub fn may(&self, _action: &str, bucket: &str, _key: Option<&str>) -> S3Result<()> {
        if self.sees_bucket(bucket) { Ok(()) } else { Err(s3_error!(AccessDenied, "Access Denied")) }
    }
}
