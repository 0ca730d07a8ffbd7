//! What S3 answers for a bucket on which nothing was configured. Configuring it is not supported.

use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Response, S3Result};

use super::Api;
use super::request::s3_refusal;

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
