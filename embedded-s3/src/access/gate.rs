//! The gate in front of the S3 operations: s3s asks it for secrets, and whether a caller may.
//!
//! An operation is checked before its body is read; what only the parsed request tells (a copy's
//! source, a listing's prefix) is checked right before the operation runs.

use std::sync::Arc;

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::*;
use s3s::path::S3Path;
use s3s::{S3Request, S3Result, s3_error};

use super::actions::{Level, action};
use super::{Caller, Keys, Stranger};

/// The gate.
#[derive(Debug, Clone)]
pub struct Gate(pub Arc<Keys>);

#[async_trait::async_trait]
impl S3Auth for Gate {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        self.0.secret_key(access_key).map(SecretKey::from).ok_or_else(|| stranger(Stranger::Unknown))
    }
}

impl Gate {
    /// Whoever says whose bucket they mean must mean this one.
    fn check_owner(&self, headers: &http::HeaderMap) -> S3Result<()> {
        let other =
            |name: &str| headers.get(name).is_some_and(|owner| owner.as_bytes() != self.0.account.as_bytes());
        match other("x-amz-expected-bucket-owner") || other("x-amz-source-expected-bucket-owner") {
            true => Err(s3_error!(AccessDenied, "Access Denied")),
            false => Ok(()),
        }
    }
}

fn stranger(stranger: Stranger) -> s3s::S3Error {
    match stranger {
        Stranger::Unknown => {
            s3_error!(InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records.")
        }
        Stranger::BadToken => {
            s3_error!(InvalidToken, "The provided token is malformed or otherwise invalid.")
        }
        Stranger::Expired => s3_error!(ExpiredToken, "The provided token has expired."),
    }
}

/// The session token of a request: a header, or a parameter of a presigned URL.
fn token(cx: &S3AccessContext<'_>) -> Option<String> {
    if let Some(value) = cx.headers().get("x-amz-security-token") {
        return value.to_str().ok().map(str::to_owned);
    }
    let query = cx.uri().query()?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix("X-Amz-Security-Token="))?;
    percent_encoding::percent_decode_str(value).decode_utf8().ok().map(|value| value.into_owned())
}

fn check_operation(caller: &Caller, cx: &S3AccessContext<'_>) -> S3Result<()> {
    let operation = cx.s3_op().name();
    match (action(operation), cx.s3_path()) {
        (Some((action, Level::Service)), _) => caller.may_service(action),
        (Some((action, Level::WholeBucket)), S3Path::Bucket { bucket }) => {
            caller.may_whole_bucket(action, bucket)
        }
        (Some((action, Level::Bucket)), S3Path::Bucket { bucket }) => caller.may_bucket(action, bucket),
        (Some((action, Level::Object)), S3Path::Object { bucket, key }) => {
            caller.may_object(action, bucket, key)?;
            let has = |header: &str| cx.headers().contains_key(header);
            if operation == "GetObjectAttributes" || (has("if-match") && action != "s3:GetObject") {
                // A condition on a write tells what is stored, so it needs the right to read.
                caller.may_object("s3:GetObject", bucket, key)?;
            }
            if has("x-amz-tagging") {
                caller.may_object("s3:PutObjectTagging", bucket, key)?;
            }
            Ok(())
        }
        // DeleteObjects is checked key by key; the rest answers NotImplemented. Neither says
        // anything of the state bucket.
        (_, S3Path::Bucket { bucket } | S3Path::Object { bucket, .. }) if !caller.sees_bucket(bucket) => {
            Err(s3_error!(AccessDenied, "Access Denied"))
        }
        _ => Ok(()),
    }
}

fn caller<T>(req: &S3Request<T>) -> S3Result<&Caller> {
    req.extensions.get::<Caller>().ok_or_else(|| s3_error!(AccessDenied, "Access Denied"))
}

fn may_read_source<T>(req: &S3Request<T>, source: &CopySource) -> S3Result<()> {
    match source {
        CopySource::Bucket { bucket, key, .. } => caller(req)?.may_object("s3:GetObject", bucket, key),
        _ => Err(s3_error!(NotImplemented, "copies from access points are not supported")),
    }
}

#[async_trait::async_trait]
impl S3Access for Gate {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(credentials) = cx.credentials() else {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        };
        let caller = self.0.caller(&credentials.access_key, token(cx).as_deref()).map_err(stranger)?;
        self.check_owner(cx.headers())?;
        check_operation(&caller, cx)?;
        cx.extensions_mut().insert(caller);
        Ok(())
    }

    async fn copy_object(&self, req: &mut S3Request<CopyObjectInput>) -> S3Result<()> {
        may_read_source(req, &req.input.copy_source)
    }

    async fn upload_part_copy(&self, req: &mut S3Request<UploadPartCopyInput>) -> S3Result<()> {
        may_read_source(req, &req.input.copy_source)
    }

    async fn list_objects(&self, req: &mut S3Request<ListObjectsInput>) -> S3Result<()> {
        let prefix = req.input.prefix.as_deref().unwrap_or_default();
        caller(req)?.may_list("s3:ListBucket", &req.input.bucket, prefix)
    }

    async fn list_objects_v2(&self, req: &mut S3Request<ListObjectsV2Input>) -> S3Result<()> {
        let prefix = req.input.prefix.as_deref().unwrap_or_default();
        caller(req)?.may_list("s3:ListBucket", &req.input.bucket, prefix)
    }

    async fn list_object_versions(&self, req: &mut S3Request<ListObjectVersionsInput>) -> S3Result<()> {
        let prefix = req.input.prefix.as_deref().unwrap_or_default();
        caller(req)?.may_list("s3:ListBucketVersions", &req.input.bucket, prefix)
    }

    async fn list_multipart_uploads(&self, req: &mut S3Request<ListMultipartUploadsInput>) -> S3Result<()> {
        let prefix = req.input.prefix.as_deref().unwrap_or_default();
        caller(req)?.may_list("s3:ListBucketMultipartUploads", &req.input.bucket, prefix)
    }
}
