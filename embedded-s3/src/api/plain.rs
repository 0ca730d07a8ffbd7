//! What S3 answers for a bucket on which nothing was configured. Configuring it is not supported.

use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Response, S3Result, s3_error};

use super::Api;
use super::request::s3_refusal;

const ENFORCED: &str = ObjectOwnership::BUCKET_OWNER_ENFORCED;

impl Api {
    /// The answer that nothing of this kind is configured, if the bucket is there.
    pub(super) fn unconfigured<T>(
        &self,
        bucket: &str,
        code: S3ErrorCode,
        message: &'static str,
    ) -> S3Result<T> {
        self.need_bucket(bucket)?;
        let mut error = S3Error::with_message(code, message);
        error.set_status_code(http::StatusCode::NOT_FOUND);
        Err(error)
    }

    /// An empty answer, if the bucket is there.
    pub(super) fn empty<T: Default>(&self, bucket: &str) -> S3Result<S3Response<T>> {
        self.need_bucket(bucket)?;
        Ok(S3Response::new(T::default()))
    }

    pub(super) fn bucket_acl(&self, bucket: &str) -> S3Result<S3Response<GetBucketAclOutput>> {
        self.need_bucket(bucket)?;
        Ok(S3Response::new(GetBucketAclOutput { grants: Some(self.grants()), owner: Some(self.owner()) }))
    }

    pub(super) fn object_acl(&self, bucket: &str, key: &str) -> S3Result<S3Response<GetObjectAclOutput>> {
        self.index.read(|snapshot| snapshot.object(bucket, key)).map_err(s3_refusal)?;
        Ok(S3Response::new(GetObjectAclOutput {
            grants: Some(self.grants()),
            owner: Some(self.owner()),
            request_charged: None,
        }))
    }

    pub(super) fn bucket_encryption(&self, bucket: &str) -> S3Result<S3Response<GetBucketEncryptionOutput>> {
        self.unconfigured(
            bucket,
            S3ErrorCode::ServerSideEncryptionConfigurationNotFoundError,
            "The server side encryption configuration was not found",
        )
    }

    /// Sets an ACL: one that says what holds anyway (a canned one was checked with the headers), or another. Tools that
    /// copy an object put the ACL that they have read.
    pub(super) fn owners_acl<T: Default>(
        &self,
        canned: bool,
        policy: Option<AccessControlPolicy>,
    ) -> S3Result<S3Response<T>> {
        let is_owners = |grant: &Grant| {
            grant.grantee.as_ref().is_some_and(|grantee| grantee.id.as_deref() == Some(&self.account))
                && grant.permission.as_ref().is_some_and(|may| may.as_str() == Permission::FULL_CONTROL)
        };
        let grants = policy.and_then(|policy| policy.grants).unwrap_or_default();
        if canned || !grants.is_empty() && grants.iter().all(is_owners) {
            return Ok(S3Response::new(T::default()));
        }
        let code = S3ErrorCode::Custom("AccessControlListNotSupported".into());
        let mut error = S3Error::with_message(code, "The bucket does not allow ACLs");
        error.set_status_code(http::StatusCode::BAD_REQUEST);
        Err(error)
    }

    /// Who owns what is put: always the bucket's owner.
    pub(super) fn ownership(&self, bucket: &str) -> S3Result<S3Response<GetBucketOwnershipControlsOutput>> {
        self.need_bucket(bucket)?;
        let rule = OwnershipControlsRule { object_ownership: ObjectOwnership::from_static(ENFORCED) };
        let controls = OwnershipControls { rules: vec![rule] };
        Ok(S3Response::new(GetBucketOwnershipControlsOutput { ownership_controls: Some(controls) }))
    }

    /// Asks for another owner, or for the one there is.
    pub(super) fn own(
        &self,
        bucket: &str,
        controls: &OwnershipControls,
    ) -> S3Result<S3Response<PutBucketOwnershipControlsOutput>> {
        self.need_bucket(bucket)?;
        match controls.rules.iter().all(|rule| rule.object_ownership.as_str() == ENFORCED) {
            true => Ok(S3Response::new(PutBucketOwnershipControlsOutput::default())),
            false => Err(s3_error!(NotImplemented, "Only BucketOwnerEnforced is implemented")),
        }
    }

    fn grants(&self) -> Grants {
        let owner = Grantee {
            display_name: None,
            email_address: None,
            id: Some(self.account.clone()),
            type_: Type::from_static(Type::CANONICAL_USER),
            uri: None,
        };
        let permission = Permission::from_static(Permission::FULL_CONTROL);
        vec![Grant { grantee: Some(owner), permission: Some(permission) }]
    }
}
