//! DeleteObject and DeleteObjects.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Api;
use super::request::{s3_refusal, wanted};
use crate::access::Caller;
use crate::body::Observed;
use crate::index::{Condition, Refusal, Wanted};

/// The most keys of one request.
const KEYS_MAX: usize = 1000;

fn deletable(version: Option<&str>) -> S3Result<()> {
    match version {
        None | Some("null") => Ok(()),
        Some(_) => Err(s3_error!(InvalidArgument, "Invalid version id specified")),
    }
}

impl Api {
    pub(super) async fn delete(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = req.input;
        deletable(input.version_id.as_deref())?;
        if input.if_match_size.is_some() || input.if_match_last_modified_time.is_some() {
            return Err(s3_error!(
                NotImplemented,
                "A header you provided implies functionality that is not implemented"
            ));
        }
        let condition = Condition { if_match: input.if_match.map(wanted), if_none_match: None };
        self.act(move |transaction| transaction.delete_object(&input.bucket, &input.key, &condition)).await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    /// All keys in one commit; each is refused for itself.
    pub(super) async fn delete_many(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let caller = req.extensions.get::<Caller>().cloned();
        req.extensions.get::<Observed>().map_or(Ok(()), Observed::verify)?;
        let input = req.input;
        if input.delete.objects.is_empty() || input.delete.objects.len() > KEYS_MAX {
            return Err(s3_error!(
                MalformedXML,
                "The XML you provided was not well-formed or did not validate against our published schema"
            ));
        }
        self.need_bucket(&input.bucket)?;
        let bucket = input.bucket;
        let objects = input.delete.objects;
        let outcomes = self
            .act(move |transaction| {
                let mut outcomes = Vec::with_capacity(objects.len());
                for object in objects {
                    let allowed = caller.as_ref().map_or(Err(denied()), |caller| {
                        caller.may_object("s3:DeleteObject", &bucket, &object.key)
                    });
                    let etag = object.e_tag.map(|etag| Wanted::Tag(etag.into_value()));
                    let condition = Condition { if_match: etag, if_none_match: None };
                    let outcome = match allowed.and_then(|()| deletable(object.version_id.as_deref())) {
                        Err(error) => Err(error),
                        Ok(()) => match transaction.delete_object(&bucket, &object.key, &condition) {
                            Err(refusal @ Refusal::Storage(_)) => return Err(refusal),
                            outcome => outcome.map_err(s3_refusal),
                        },
                    };
                    outcomes.push((object.key, outcome));
                }
                Ok(outcomes)
            })
            .await?;
        let quiet = input.delete.quiet == Some(true);
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for (key, outcome) in outcomes {
            match outcome {
                Ok(()) if quiet => {}
                Ok(()) => deleted.push(DeletedObject { key: Some(key), ..Default::default() }),
                Err(error) => errors.push(Error {
                    code: Some(error.code().as_str().to_owned()),
                    key: Some(key),
                    message: error.message().map(str::to_owned),
                    version_id: None,
                }),
            }
        }
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(deleted),
            errors: Some(errors),
            request_charged: None,
        }))
    }
}

fn denied() -> s3s::S3Error {
    s3_error!(AccessDenied, "Access Denied")
}
