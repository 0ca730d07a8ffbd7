//! Buckets: create, head, delete, list, location.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Api;
use super::request::{from_ms, s3_refusal};
use crate::access::Caller;

impl Api {
    pub(super) async fn make_bucket(
        &self,
        req: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let input = req.input;
        // Each label begins and ends with a letter or a digit; s3s looks at the whole name alone.
        if input.bucket.contains(".-") || input.bucket.contains("-.") {
            return Err(s3_error!(InvalidBucketName, "The specified bucket is not valid."));
        }
        let asked = input.create_bucket_configuration.and_then(|asked| asked.location_constraint);
        if let Some(asked) = asked
            && asked.as_str() != self.region
        {
            return Err(s3_error!(
                IllegalLocationConstraintException,
                "The {} location constraint is incompatible for the region specific endpoint this request was sent to.",
                asked.as_str()
            ));
        }
        let (bucket, region) = (input.bucket.clone(), self.region.clone());
        let created = self.index.commit(move |transaction| transaction.create_bucket(&bucket, &region)).await;
        match created {
            // us-east-1 alone says yes to a second creation by the owner.
            Err(crate::index::Refusal::BucketExists) if self.region == "us-east-1" => {}
            created => created.map_err(s3_refusal)?,
        }
        let location = Some(format!("/{}", input.bucket));
        Ok(S3Response::new(CreateBucketOutput { location }))
    }

    pub(super) async fn look_at_bucket(
        &self,
        req: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.need_bucket(&req.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(self.region.clone()),
            ..Default::default()
        }))
    }

    pub(super) async fn drop_bucket(
        &self,
        req: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        self.act(move |transaction| transaction.delete_bucket(&req.input.bucket)).await?;
        Ok(S3Response::new(DeleteBucketOutput::default()))
    }

    pub(super) async fn all_buckets(
        &self,
        req: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let (input, caller) = (req.input, req.extensions.get::<Caller>());
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input.continuation_token.unwrap_or_default();
        let mut buckets = self.index.read(|snapshot| snapshot.buckets()).map_err(s3_refusal)?;
        buckets.retain(|(name, _)| {
            name.starts_with(&prefix)
                && *name > after
                && caller.is_some_and(|caller| caller.sees_bucket(name))
        });
        let max =
            input.max_buckets.and_then(|max| usize::try_from(max).ok()).unwrap_or(10_000).clamp(1, 10_000);
        let more = buckets.len() > max;
        buckets.truncate(max);
        let token = buckets.last().filter(|_| more).map(|(name, _)| name.clone());
        let buckets = buckets.into_iter().map(|(name, record)| Bucket {
            bucket_region: Some(record.region),
            creation_date: Some(from_ms(record.created_ms)),
            name: Some(name),
        });
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            continuation_token: token,
            owner: Some(self.owner()),
            prefix: input.prefix,
        }))
    }

    pub(super) async fn bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.need_bucket(&req.input.bucket)?;
        // us-east-1 is told by an empty answer.
        let location =
            (self.region != "us-east-1").then(|| BucketLocationConstraint::from(self.region.clone()));
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint: location }))
    }

    pub(super) fn need_bucket(&self, bucket: &str) -> S3Result<()> {
        self.index.read(|snapshot| snapshot.bucket(bucket).map(|_| ())).map_err(s3_refusal)
    }
}
