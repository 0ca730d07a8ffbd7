//! Which IAM action an S3 operation needs (service authorization reference, Amazon S3).

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The service.
    Service,
    /// A bucket.
    Bucket,
    /// A bucket, which is made or deleted.
    WholeBucket,
    /// An object.
    Object,
}

/// The action of an operation, and what it is about. Operations that are not supported have none.
pub fn action(operation: &str) -> Option<(&'static str, Level)> {
    use Level::*;
    Some(match operation {
        "ListBuckets" => ("s3:ListAllMyBuckets", Service),
        "CreateBucket" => ("s3:CreateBucket", WholeBucket),
        "DeleteBucket" => ("s3:DeleteBucket", WholeBucket),
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => ("s3:ListBucket", Bucket),
        "ListObjectVersions" => ("s3:ListBucketVersions", Bucket),
        "ListMultipartUploads" => ("s3:ListBucketMultipartUploads", Bucket),
        "GetBucketLocation" => ("s3:GetBucketLocation", Bucket),
        "GetBucketTagging" => ("s3:GetBucketTagging", Bucket),
        "PutBucketTagging" | "DeleteBucketTagging" => ("s3:PutBucketTagging", WholeBucket),
        "GetBucketAcl" => ("s3:GetBucketAcl", Bucket),
        "PutBucketAcl" => ("s3:PutBucketAcl", WholeBucket),
        "GetBucketRequestPayment" => ("s3:GetBucketRequestPayment", Bucket),
        "GetBucketVersioning" => ("s3:GetBucketVersioning", Bucket),
        "GetBucketLogging" => ("s3:GetBucketLogging", Bucket),
        "GetBucketAccelerateConfiguration" => ("s3:GetAccelerateConfiguration", Bucket),
        "GetBucketNotificationConfiguration" => ("s3:GetBucketNotification", Bucket),
        "GetBucketEncryption" => ("s3:GetEncryptionConfiguration", Bucket),
        "GetBucketPolicy" => ("s3:GetBucketPolicy", Bucket),
        "GetBucketLifecycleConfiguration" => ("s3:GetLifecycleConfiguration", Bucket),
        "GetBucketCors" => ("s3:GetBucketCORS", Bucket),
        "GetBucketWebsite" => ("s3:GetBucketWebsite", Bucket),
        "GetBucketReplication" => ("s3:GetReplicationConfiguration", Bucket),
        "GetObjectLockConfiguration" => ("s3:GetBucketObjectLockConfiguration", Bucket),
        "GetPublicAccessBlock" => ("s3:GetBucketPublicAccessBlock", Bucket),
        "GetBucketOwnershipControls" => ("s3:GetBucketOwnershipControls", Bucket),
        "PutBucketOwnershipControls" => ("s3:PutBucketOwnershipControls", WholeBucket),
        "GetObject" | "HeadObject" => ("s3:GetObject", Object),
        "GetObjectAttributes" => ("s3:GetObjectAttributes", Object),
        "GetObjectAcl" => ("s3:GetObjectAcl", Object),
        "PutObjectAcl" => ("s3:PutObjectAcl", Object),
        "GetObjectTagging" => ("s3:GetObjectTagging", Object),
        "PutObjectTagging" => ("s3:PutObjectTagging", Object),
        "DeleteObjectTagging" => ("s3:DeleteObjectTagging", Object),
        "PutObject"
        | "CopyObject"
        | "CreateMultipartUpload"
        | "UploadPart"
        | "UploadPartCopy"
        | "CompleteMultipartUpload" => ("s3:PutObject", Object),
        "DeleteObject" => ("s3:DeleteObject", Object),
        "AbortMultipartUpload" => ("s3:AbortMultipartUpload", Object),
        "ListParts" => ("s3:ListMultipartUploadParts", Object),
        _ => return None,
    })
}

/// Whether an action changes anything.
pub fn writes(action: &str) -> bool {
    !action.starts_with("s3:Get") && !action.starts_with("s3:List")
}
