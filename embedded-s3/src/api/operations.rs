//! The table of contents: which operation is answered where. What is not here answers
//! NotImplemented, as s3s does for every operation of S3 that it knows.

use s3s::dto::*;
use s3s::{S3, S3ErrorCode, S3Request, S3Response, S3Result};

use super::Api;

type Answer<T> = S3Result<S3Response<T>>;

macro_rules! operations {
    ($($operation:ident($input:ident) -> $output:ident = $answer:ident;)* ; $($plain:tt)*) => {
        #[async_trait::async_trait]
        impl S3 for Api {
            $(async fn $operation(&self, req: S3Request<$input>) -> Answer<$output> {
                self.$answer(req).await
            })*
            $($plain)*
        }
    };
}

operations! {
    list_buckets(ListBucketsInput) -> ListBucketsOutput = all_buckets;
    create_bucket(CreateBucketInput) -> CreateBucketOutput = make_bucket;
    head_bucket(HeadBucketInput) -> HeadBucketOutput = look_at_bucket;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = drop_bucket;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = bucket_location;
    get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput = read_bucket_tags;
    put_bucket_tagging(PutBucketTaggingInput) -> PutBucketTaggingOutput = write_bucket_tags;
    delete_bucket_tagging(DeleteBucketTaggingInput) -> DeleteBucketTaggingOutput = drop_bucket_tags;

    get_object(GetObjectInput) -> GetObjectOutput = get;
    head_object(HeadObjectInput) -> HeadObjectOutput = head;
    put_object(PutObjectInput) -> PutObjectOutput = put;
    copy_object(CopyObjectInput) -> CopyObjectOutput = copy;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = delete;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = delete_many;
    get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput = attributes;
    get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput = read_tags;
    put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput = write_tags;
    delete_object_tagging(DeleteObjectTaggingInput) -> DeleteObjectTaggingOutput = drop_tags;

    list_objects(ListObjectsInput) -> ListObjectsOutput = list_v1;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = list_v2;
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput = list_versions;

    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = begin_upload;
    upload_part(UploadPartInput) -> UploadPartOutput = put_part;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = copy_part;
    list_parts(ListPartsInput) -> ListPartsOutput = all_parts;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput = list_uploads;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput = finish_upload;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = drop_upload;
    ;
    async fn get_bucket_acl(&self, req: S3Request<GetBucketAclInput>) -> Answer<GetBucketAclOutput> {
        self.bucket_acl(&req.input.bucket)
    }
    async fn get_object_acl(&self, req: S3Request<GetObjectAclInput>) -> Answer<GetObjectAclOutput> {
        self.object_acl(&req.input.bucket, &req.input.key)
    }
    async fn put_bucket_acl(&self, req: S3Request<PutBucketAclInput>) -> Answer<PutBucketAclOutput> {
        self.need_bucket(&req.input.bucket)?;
        self.owners_acl(req.input.acl.is_some(), req.input.access_control_policy)
    }
    async fn put_object_acl(&self, req: S3Request<PutObjectAclInput>) -> Answer<PutObjectAclOutput> {
        self.object_acl(&req.input.bucket, &req.input.key)?;
        self.owners_acl(req.input.acl.is_some(), req.input.access_control_policy)
    }
    async fn get_bucket_request_payment(
        &self,
        req: S3Request<GetBucketRequestPaymentInput>,
    ) -> Answer<GetBucketRequestPaymentOutput> {
        self.need_bucket(&req.input.bucket)?;
        let payer = Some(Payer::from_static(Payer::BUCKET_OWNER));
        Ok(S3Response::new(GetBucketRequestPaymentOutput { payer }))
    }
    async fn get_bucket_versioning(&self, req: S3Request<GetBucketVersioningInput>) -> Answer<GetBucketVersioningOutput> {
        self.empty(&req.input.bucket)
    }
    async fn get_bucket_logging(&self, req: S3Request<GetBucketLoggingInput>) -> Answer<GetBucketLoggingOutput> {
        self.empty(&req.input.bucket)
    }
    async fn get_bucket_accelerate_configuration(
        &self,
        req: S3Request<GetBucketAccelerateConfigurationInput>,
    ) -> Answer<GetBucketAccelerateConfigurationOutput> {
        self.empty(&req.input.bucket)
    }
    async fn get_bucket_notification_configuration(
        &self,
        req: S3Request<GetBucketNotificationConfigurationInput>,
    ) -> Answer<GetBucketNotificationConfigurationOutput> {
        self.empty(&req.input.bucket)
    }
    async fn get_bucket_encryption(&self, req: S3Request<GetBucketEncryptionInput>) -> Answer<GetBucketEncryptionOutput> {
        self.bucket_encryption(&req.input.bucket)
    }
    async fn get_bucket_policy(&self, req: S3Request<GetBucketPolicyInput>) -> Answer<GetBucketPolicyOutput> {
        self.unconfigured(&req.input.bucket, S3ErrorCode::NoSuchBucketPolicy, "The bucket policy does not exist")
    }
    async fn get_bucket_lifecycle_configuration(
        &self,
        req: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> Answer<GetBucketLifecycleConfigurationOutput> {
        self.unconfigured(
            &req.input.bucket,
            S3ErrorCode::NoSuchLifecycleConfiguration,
            "The lifecycle configuration does not exist",
        )
    }
    async fn get_bucket_cors(&self, req: S3Request<GetBucketCorsInput>) -> Answer<GetBucketCorsOutput> {
        self.unconfigured(&req.input.bucket, S3ErrorCode::NoSuchCORSConfiguration, "The CORS configuration does not exist")
    }
    async fn get_bucket_website(&self, req: S3Request<GetBucketWebsiteInput>) -> Answer<GetBucketWebsiteOutput> {
        self.unconfigured(
            &req.input.bucket,
            S3ErrorCode::NoSuchWebsiteConfiguration,
            "The specified bucket does not have a website configuration",
        )
    }
    async fn get_bucket_replication(&self, req: S3Request<GetBucketReplicationInput>) -> Answer<GetBucketReplicationOutput> {
        self.unconfigured(
            &req.input.bucket,
            S3ErrorCode::ReplicationConfigurationNotFoundError,
            "The replication configuration was not found",
        )
    }
    async fn get_object_lock_configuration(
        &self,
        req: S3Request<GetObjectLockConfigurationInput>,
    ) -> Answer<GetObjectLockConfigurationOutput> {
        self.unconfigured(
            &req.input.bucket,
            S3ErrorCode::ObjectLockConfigurationNotFoundError,
            "Object Lock configuration does not exist for this bucket",
        )
    }
    async fn get_public_access_block(&self, req: S3Request<GetPublicAccessBlockInput>) -> Answer<GetPublicAccessBlockOutput> {
        self.unconfigured(
            &req.input.bucket,
            S3ErrorCode::Custom("NoSuchPublicAccessBlockConfiguration".into()),
            "The public access block configuration was not found",
        )
    }
    async fn get_bucket_ownership_controls(
        &self,
        req: S3Request<GetBucketOwnershipControlsInput>,
    ) -> Answer<GetBucketOwnershipControlsOutput> {
        self.ownership(&req.input.bucket)
    }
    async fn put_bucket_ownership_controls(
        &self,
        req: S3Request<PutBucketOwnershipControlsInput>,
    ) -> Answer<PutBucketOwnershipControlsOutput> {
        self.own(&req.input.bucket, &req.input.ownership_controls)
    }
}
