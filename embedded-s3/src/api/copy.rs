//! CopyObject.

use s3s::dto::{CopyObjectInput, CopyObjectOutput, CopyObjectResult, MetadataDirective, TaggingDirective};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Api;
use super::alike::about;
use super::answer::{checksum, etag};
use super::request::{
    condition_header, copy_source, from_ms, read_condition, tags_of_header, write_condition,
};
use crate::index::{About, Copy};

impl Api {
    pub(super) async fn copy(
        &self,
        req: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        // s3s 0.14 does not carry the conditions on the target.
        let target = write_condition(
            condition_header(&req.headers, "if-match")?,
            condition_header(&req.headers, "if-none-match")?,
        )?;
        let input = req.input;
        let from = copy_source(input.copy_source.clone())?;
        let replace = input.metadata_directive.as_ref().map(|directive| directive.as_str())
            == Some(MetadataDirective::REPLACE);
        let retag = input.tagging_directive.as_ref().map(|directive| directive.as_str())
            == Some(TaggingDirective::REPLACE);
        let to = (input.bucket.clone(), input.key.clone());
        let changes = replace || input.storage_class.is_some() || input.website_redirect_location.is_some();
        if from == to && !changes {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."
            ));
        }
        let tags = if retag { Some(tags_of_header(input.tagging.as_deref())?) } else { None };
        let source = read_condition(
            input.copy_source_if_match.clone(),
            input.copy_source_if_none_match.clone(),
            input.copy_source_if_modified_since.clone(),
            input.copy_source_if_unmodified_since.clone(),
        );
        let about = if replace { Some(about(input)?) } else { None };
        let copy = Copy { from, to, source, target, about, tags };
        let record = self.act(move |transaction| transaction.copy_object(copy)).await?;
        let sum = checksum(record.sum.as_ref());
        let result = CopyObjectResult {
            checksum_crc32: sum.checksum_crc32,
            checksum_crc32c: sum.checksum_crc32c,
            checksum_crc64nvme: sum.checksum_crc64nvme,
            checksum_sha1: sum.checksum_sha1,
            checksum_sha256: sum.checksum_sha256,
            checksum_type: sum.checksum_type,
            e_tag: etag(&record.etag),
            last_modified: Some(from_ms(record.modified_ms)),
        };
        Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..Default::default() }))
    }
}

fn about(input: CopyObjectInput) -> S3Result<About> {
    Ok(about!(input, Vec::new()))
}
