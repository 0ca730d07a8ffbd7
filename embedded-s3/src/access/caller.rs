//! A caller, and what they may. The only place where a right is decided.

use std::sync::Arc;

use s3s::{S3Result, s3_error};

use super::actions::writes;
use super::{Policy, Session};

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
    /// A session: what its role and its policy allow.
    Session(Box<Session>, Option<Policy>),
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
            Identity::Session(session, _) => {
                *bucket != *self.state_bucket && session.limits.bucket(bucket, false)
            }
        }
    }

    /// Whether they may do `action` to an object.
    pub fn may_object(&self, action: &str, bucket: &str, key: &str) -> S3Result<()> {
        self.decide(action, bucket, Some(key), |session| session.limits.object(bucket, key, writes(action)))
    }

    /// Whether they may do `action` to a bucket.
    pub fn may_bucket(&self, action: &str, bucket: &str) -> S3Result<()> {
        self.decide(action, bucket, None, |session| session.limits.bucket(bucket, writes(action)))
    }

    /// Whether they may make, delete or change a bucket as a whole.
    pub fn may_whole_bucket(&self, action: &str, bucket: &str) -> S3Result<()> {
        self.decide(action, bucket, None, |session| session.limits.whole_bucket(bucket))
    }

    /// Whether they may list the keys or uploads that begin with `prefix`.
    pub fn may_list(&self, action: &str, bucket: &str, prefix: &str) -> S3Result<()> {
        self.decide(action, bucket, None, |session| session.limits.listing(bucket, prefix))
    }

    /// Whether they may do `action` to the service as a whole.
    pub fn may_service(&self, action: &str) -> S3Result<()> {
        match &*self.identity {
            Identity::Session(session, Some(policy)) if !policy.allows(action, "*") => {
                Err(denied(session, action, "*"))
            }
            _ => Ok(()),
        }
    }

    fn decide(
        &self,
        action: &str,
        bucket: &str,
        key: Option<&str>,
        role_allows: impl Fn(&Session) -> bool,
    ) -> S3Result<()> {
        match &*self.identity {
            Identity::ControlPlane => Ok(()),
            _ if *bucket == *self.state_bucket => Err(s3_error!(AccessDenied, "Access Denied")),
            Identity::Operator => Ok(()),
            Identity::Session(session, policy) => {
                // The partition of the role is the partition of what it touches.
                let partition = session.role.split(':').nth(1).unwrap_or("aws");
                let path = key.map(|key| format!("/{key}")).unwrap_or_default();
                let resource = format!("arn:{partition}:s3:::{bucket}{path}");
                let policy_allows = policy.as_ref().is_none_or(|policy| policy.allows(action, &resource));
                match role_allows(session) && policy_allows {
                    true => Ok(()),
                    false => Err(denied(session, action, &resource)),
                }
            }
        }
    }
}

fn denied(session: &Session, action: &str, resource: &str) -> s3s::S3Error {
    s3_error!(
        AccessDenied,
        "User: {} is not authorized to perform: {action} on resource: \"{resource}\"",
        session.arn()
    )
}

impl Session {
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
