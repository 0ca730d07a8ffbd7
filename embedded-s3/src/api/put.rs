//! PutObject.

use s3s::dto::{PutObjectInput, PutObjectOutput};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::alike::{about, claims, sums};
use super::answer::{checksum, checksums, etag};
use super::request::{algorithm, s3_refusal, tags_of_header, trailing, write_condition};
use super::{Api, answer};
use crate::body::receive;
use crate::index::{NewObject, Refusal};

impl Api {
    pub(super) async fn put(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let trailing = trailing(&req.headers);
        let input = req.input;
        if input.write_offset_bytes.is_some() {
            return Err(s3_error!(NotImplemented, "appending to an object is not supported"));
        }
        let condition = write_condition(input.if_match, input.if_none_match)?;
        let named = sums!(input);
        let asked = algorithm(input.checksum_algorithm.as_ref().map(|name| name.as_str()))?;
        let first = trailing.first().copied().or(named.first().map(|(algorithm, _)| *algorithm));
        let claims = claims!(input, named, trailing, req.trailing_headers, first.or(asked));
        let about = about!(input, tags_of_header(input.tagging.as_deref())?);
        // Early, so that a body for nowhere is not taken in; the commit looks again.
        self.index.read(|snapshot| snapshot.bucket(&input.bucket)).map_err(s3_refusal)?;
        let received = receive(&self.blobs, input.body, claims).await?;
        let tag = etag(&received.etag);
        let sum = received.sum.clone();
        let new = NewObject {
            bucket: input.bucket,
            key: input.key,
            etag: received.etag,
            size: received.size,
            about,
            sum: Some(received.sum),
            body: received.body,
            condition,
        };
        self.index.commit(move |transaction| transaction.put_object(new)).await.map_err(s3_refusal)?;
        let shown = if received.named.is_empty() { checksum(Some(&sum)) } else { checksums(received.named) };
        Ok(S3Response::new(PutObjectOutput {
            e_tag: tag,
            checksum_crc32: shown.checksum_crc32,
            checksum_crc32c: shown.checksum_crc32c,
            checksum_crc64nvme: shown.checksum_crc64nvme,
            checksum_sha1: shown.checksum_sha1,
            checksum_sha256: shown.checksum_sha256,
            checksum_type: Some(answer::checksum_type(false)),
            ..Default::default()
        }))
    }

    /// Runs an act in the next commit.
    pub(super) async fn act<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut crate::index::Transaction<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> S3Result<T> {
        self.index.commit(act).await.map_err(s3_refusal)
    }
}
