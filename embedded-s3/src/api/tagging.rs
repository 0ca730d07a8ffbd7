//! Tags of objects and buckets.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Api;
use super::request::{check_tags, s3_refusal};

fn tags_of(tagging: Tagging) -> S3Result<Vec<(String, String)>> {
    let tags = tagging.tag_set.into_iter();
    check_tags(tags.map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())).collect())
}

fn tag_set(tags: Vec<(String, String)>) -> TagSet {
    tags.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) }).collect()
}

impl Api {
    pub(super) async fn read_tags(
        &self,
        req: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        let input = req.input;
        let record =
            self.index.read(|snapshot| snapshot.object(&input.bucket, &input.key)).map_err(s3_refusal)?;
        Ok(S3Response::new(GetObjectTaggingOutput { tag_set: tag_set(record.about.tags), version_id: None }))
    }

    pub(super) async fn write_tags(
        &self,
        req: S3Request<PutObjectTaggingInput>,
    ) -> S3Result<S3Response<PutObjectTaggingOutput>> {
        let input = req.input;
        let tags = tags_of(input.tagging)?;
        self.act(move |transaction| transaction.tag_object(&input.bucket, &input.key, tags)).await?;
        Ok(S3Response::new(PutObjectTaggingOutput::default()))
    }

    pub(super) async fn drop_tags(
        &self,
        req: S3Request<DeleteObjectTaggingInput>,
    ) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
        let input = req.input;
        self.act(move |transaction| transaction.tag_object(&input.bucket, &input.key, Vec::new())).await?;
        Ok(S3Response::new(DeleteObjectTaggingOutput::default()))
    }

    pub(super) async fn read_bucket_tags(
        &self,
        req: S3Request<GetBucketTaggingInput>,
    ) -> S3Result<S3Response<GetBucketTaggingOutput>> {
        let record = self.index.read(|snapshot| snapshot.bucket(&req.input.bucket)).map_err(s3_refusal)?;
        if record.tags.is_empty() {
            return Err(s3_error!(NoSuchTagSet, "The TagSet does not exist"));
        }
        Ok(S3Response::new(GetBucketTaggingOutput { tag_set: tag_set(record.tags) }))
    }

    pub(super) async fn write_bucket_tags(
        &self,
        req: S3Request<PutBucketTaggingInput>,
    ) -> S3Result<S3Response<PutBucketTaggingOutput>> {
        let input = req.input;
        let tags = tags_of(input.tagging)?;
        self.act(move |transaction| transaction.tag_bucket(&input.bucket, tags)).await?;
        Ok(S3Response::new(PutBucketTaggingOutput::default()))
    }

    pub(super) async fn drop_bucket_tags(
        &self,
        req: S3Request<DeleteBucketTaggingInput>,
    ) -> S3Result<S3Response<DeleteBucketTaggingOutput>> {
        self.act(move |transaction| transaction.tag_bucket(&req.input.bucket, Vec::new())).await?;
        Ok(S3Response::new(DeleteBucketTaggingOutput::default()))
    }
}
