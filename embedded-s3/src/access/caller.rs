//! A caller, and what they may. The only place where a right is decided.

use std::sync::Arc;

use s3s::{S3Result, s3_error};

use super::actions::writes;
use super::{AssumedRole, Limits, Policy};

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    identity: Arc<Identity>,
    state_bucket: Arc<str>,
}

/// Whose key it is.
#[derive(Debug)]
pub enum Identity {
    /// The control plane: everything.
    ControlPlane,
    /// Whoever runs this machine: all buckets but the state bucket.
    Operator,
    /// A named user: what their limits allow.
    Named(Arc<Named>),
    /// A session of a role: what the role and all its policies allow.
    Session(Box<AssumedRole>, Vec<Policy>),
}

/// A named user.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// ARN.
    pub arn: String,
    /// Secret of their key.
    pub secret_key: String,
    /// What they may touch.
    pub limits: Limits,
}

impl Caller {
    pub(super) fn new(identity: Identity, state_bucket: Arc<str>) -> Self {
        Self { identity: Arc::new(identity), state_bucket }
    }

    /// Whose key it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether the bucket is shown to them.
    pub fn sees_bucket(&self, bucket: &str) -> bool {
        match &*self.identity {
            Identity::ControlPlane => true,
            Identity::Operator => *bucket != *self.state_bucket,
            Identity::Named(named) => *bucket != *self.state_bucket && named.limits.bucket(bucket, false),
            Identity::Session(role, _) => *bucket != *self.state_bucket && role.limits.bucket(bucket, false),
        }
    }

    /// Whether they may do `action` to an object.
    pub fn may_object(&self, action: &str, bucket: &str, key: &str) -> S3Result<()> {
        self.decide(action, bucket, Some(key), |limits| limits.object(bucket, key, writes(action)))
    }

    /// Whether they may do `action` to a bucket.
    pub fn may_bucket(&self, action: &str, bucket: &str) -> S3Result<()> {
        self.decide(action, bucket, None, |limits| limits.bucket(bucket, writes(action)))
    }

    /// Whether they may make, delete or change a bucket as a whole.
    pub fn may_whole_bucket(&self, action: &str, bucket: &str) -> S3Result<()> {
        self.decide(action, bucket, None, |limits| limits.whole_bucket(bucket))
    }

    /// Whether they may list the keys or uploads that begin with `prefix`.
    pub fn may_list(&self, action: &str, bucket: &str, prefix: &str) -> S3Result<()> {
        self.decide(action, bucket, None, |limits| limits.listing(bucket, prefix))
    }

    /// Whether they may do `action` to the service as a whole.
    pub fn may_service(&self, action: &str) -> S3Result<()> {
        match &*self.identity {
            Identity::Session(role, policies)
                if !policies.iter().all(|policy| policy.allows(action, "*")) =>
            {
                Err(denied(&role.arn(), action, "*"))
            }
            _ => Ok(()),
        }
    }

    fn decide(
        &self,
        action: &str,
        bucket: &str,
        key: Option<&str>,
        within: impl Fn(&Limits) -> bool,
    ) -> S3Result<()> {
        match &*self.identity {
            Identity::ControlPlane => Ok(()),
            _ if *bucket == *self.state_bucket => Err(s3_error!(AccessDenied, "Access Denied")),
            Identity::Operator => Ok(()),
            Identity::Named(named) => match within(&named.limits) {
                true => Ok(()),
                false => Err(denied(&named.arn, action, &resource(&named.arn, bucket, key))),
            },
            Identity::Session(role, policies) => {
                let resource = resource(&role.role, bucket, key);
                match within(&role.limits) && policies.iter().all(|policy| policy.allows(action, &resource)) {
                    true => Ok(()),
                    false => Err(denied(&role.arn(), action, &resource)),
                }
            }
        }
    }
}

/// ARN of a bucket or an object, in the partition of whoever touches it.
fn resource(holder: &str, bucket: &str, key: Option<&str>) -> String {
    let partition = holder.split(':').nth(1).unwrap_or("aws");
    let path = key.map(|key| format!("/{key}")).unwrap_or_default();
    format!("arn:{partition}:s3:::{bucket}{path}")
}

fn denied(arn: &str, action: &str, resource: &str) -> s3s::S3Error {
    s3_error!(AccessDenied, "User: {arn} is not authorized to perform: {action} on resource: \"{resource}\"")
}

impl AssumedRole {
    /// `arn:aws:sts::<account>:assumed-role/<role>/<session>`
    pub fn arn(&self) -> String {
        let mut fields = self.role.splitn(6, ':');
        let (partition, account) = (fields.nth(1).unwrap_or("aws"), fields.nth(2).unwrap_or_default());
        let role = self.role.rsplit('/').next().unwrap_or_default();
        format!("arn:{partition}:sts::{account}:assumed-role/{role}/{}", self.name)
    }

    /// The account of its role.
    pub fn account(&self) -> &str {
        self.role.split(':').nth(4).unwrap_or_default()
    }
}
