//! Multipart uploads: create, upload and copy parts, list parts, complete, abort.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Api;
use super::alike::{about, claims, sums};
use super::answer::{checksum, checksum_type, checksums, etag};
use super::request::{
    algorithm, copy_range, copy_source, from_ms, read_condition, s3_refusal, tags_of_header, trailing,
    write_condition,
};
use crate::body::receive;
use crate::digest;
use crate::index::{Algorithm, Completion, NamedPart, PartCopy, UploadName, UploadRecord};

fn part_number(number: i32) -> S3Result<u16> {
    let number = u16::try_from(number).ok().filter(|number| (1..=10_000).contains(number));
    number.ok_or_else(|| {
        s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive")
    })
}

/// Whether the checksum of the whole is to be one of checksums.
fn is_composite(algorithm: Option<Algorithm>, asked: Option<&ChecksumType>) -> S3Result<bool> {
    let asked = asked.map(|asked| asked.as_str() == ChecksumType::COMPOSITE);
    let refuse = |name: &str, kind: &str| {
        Err(s3_error!(
            InvalidRequest,
            "The {kind} checksum type cannot be used with the {name} checksum algorithm."
        ))
    };
    match (algorithm, asked) {
        (None, Some(_)) => Err(s3_error!(
            InvalidRequest,
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
        )),
        (Some(Algorithm::Crc64Nvme), Some(true)) => refuse("crc64nvme", "COMPOSITE"),
        (Some(known @ (Algorithm::Sha1 | Algorithm::Sha256)), Some(false)) => {
            refuse(&digest::name(known).to_ascii_lowercase(), "FULL_OBJECT")
        }
        (None | Some(Algorithm::Crc64Nvme), _) => Ok(false),
        (Some(_), asked) => Ok(asked.unwrap_or(true)),
    }
}

impl Api {
    pub(super) async fn begin_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = req.input;
        let algorithm = algorithm(input.checksum_algorithm.as_ref().map(|name| name.as_str()))?;
        let composite = is_composite(algorithm, input.checksum_type.as_ref())?;
        let about = about!(input, tags_of_header(input.tagging.as_deref())?);
        let id = hex::encode(rand::random::<[u8; 16]>());
        let name = UploadName { bucket: input.bucket.clone(), key: input.key.clone(), id: id.clone() };
        let record = UploadRecord { initiated_ms: 0, about, algorithm, composite };
        self.act(move |transaction| transaction.create_upload(&name, record)).await?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: algorithm.map(|_| checksum_type(composite)),
            ..Default::default()
        }))
    }

    pub(super) async fn put_part(
        &self,
        req: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let trailing = trailing(&req.headers);
        let input = req.input;
        let number = part_number(input.part_number)?;
        let name = UploadName { bucket: input.bucket, key: input.key, id: input.upload_id };
        let upload = self.index.read(|snapshot| snapshot.upload(&name)).map_err(s3_refusal)?;
        let named = sums!(input);
        let given: Vec<Algorithm> =
            trailing.iter().copied().chain(named.iter().map(|(known, _)| *known)).collect();
        if let (Some(expected), Some(given)) = (upload.algorithm, given.first())
            && expected != *given
        {
            let (expected, given) = (digest::name(expected), digest::name(*given));
            return Err(s3_error!(
                InvalidRequest,
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                expected.to_ascii_lowercase(),
                given.to_ascii_lowercase()
            ));
        }
        let claims = claims!(input, named, trailing, req.trailing_headers, upload.algorithm);
        let received = receive(&self.blobs, input.body, claims).await?;
        let tag = etag(&received.etag);
        let shown = match (received.named.is_empty(), upload.algorithm) {
            (true, Some(_)) => checksum(Some(&received.sum)),
            _ => checksums(received.named),
        };
        let (size, sum, body, md5) = (received.size, received.sum, received.body, received.etag);
        self.act(move |transaction| transaction.put_part(&name, number, md5, size, Some(sum), body)).await?;
        Ok(S3Response::new(UploadPartOutput {
            e_tag: tag,
            checksum_crc32: shown.checksum_crc32,
            checksum_crc32c: shown.checksum_crc32c,
            checksum_crc64nvme: shown.checksum_crc64nvme,
            checksum_sha1: shown.checksum_sha1,
            checksum_sha256: shown.checksum_sha256,
            ..Default::default()
        }))
    }

    pub(super) async fn copy_part(
        &self,
        req: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let input = req.input;
        let copy = PartCopy {
            upload: UploadName { bucket: input.bucket, key: input.key, id: input.upload_id },
            number: part_number(input.part_number)?,
            from: copy_source(input.copy_source)?,
            source: read_condition(
                input.copy_source_if_match,
                input.copy_source_if_none_match,
                input.copy_source_if_modified_since,
                input.copy_source_if_unmodified_since,
            ),
            range: input.copy_source_range.as_deref().map(copy_range).transpose()?,
        };
        let part = self.act(move |transaction| transaction.copy_part(copy)).await?;
        let result = CopyPartResult {
            e_tag: etag(&part.etag),
            last_modified: Some(from_ms(part.modified_ms)),
            ..Default::default()
        };
        Ok(S3Response::new(UploadPartCopyOutput { copy_part_result: Some(result), ..Default::default() }))
    }

    pub(super) async fn all_parts(
        &self,
        req: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let input = req.input;
        let name = UploadName { bucket: input.bucket, key: input.key, id: input.upload_id };
        let after = input.part_number_marker.and_then(|after| u16::try_from(after).ok()).unwrap_or(0);
        let max = super::list::page_size(input.max_parts, "max-parts")?;
        let read =
            self.index.read(|snapshot| Ok((snapshot.upload(&name)?, snapshot.parts(&name, after, max)?)));
        let (upload, (parts, more)) = read.map_err(s3_refusal)?;
        let last = parts.last().map_or(after, |(number, _)| *number);
        let parts = parts.into_iter().map(|(number, part)| {
            let sum = checksum(upload.algorithm.and(part.sum.as_ref()));
            Part {
                checksum_crc32: sum.checksum_crc32,
                checksum_crc32c: sum.checksum_crc32c,
                checksum_crc64nvme: sum.checksum_crc64nvme,
                checksum_sha1: sum.checksum_sha1,
                checksum_sha256: sum.checksum_sha256,
                e_tag: etag(&part.etag),
                last_modified: Some(from_ms(part.modified_ms)),
                part_number: Some(i32::from(number)),
                size: Some(part.size as i64),
            }
        });
        Ok(S3Response::new(ListPartsOutput {
            checksum_algorithm: upload
                .algorithm
                .map(|known| ChecksumAlgorithm::from_static(digest::name(known))),
            checksum_type: upload.algorithm.map(|_| checksum_type(upload.composite)),
            initiator: Some(Initiator { display_name: None, id: Some(self.account.clone()) }),
            is_truncated: Some(more),
            max_parts: Some(max as i32),
            next_part_number_marker: Some(i32::from(last)),
            owner: Some(self.owner()),
            part_number_marker: Some(i32::from(after)),
            parts: Some(parts.collect()),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            bucket: Some(name.bucket),
            key: Some(name.key),
            upload_id: Some(name.id),
            ..Default::default()
        }))
    }

    pub(super) async fn finish_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = req.input;
        let (bucket, key) = (input.bucket.clone(), input.key.clone());
        let parts = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let parts = parts.into_iter().map(|part| {
            Ok(NamedPart {
                number: part_number(part.part_number.unwrap_or(0))?,
                etag: part.e_tag.map(ETag::into_value),
                sums: sums!(part),
            })
        });
        let completion = Completion {
            upload: UploadName { bucket: input.bucket, key: input.key, id: input.upload_id },
            parts: parts.collect::<S3Result<_>>()?,
            condition: write_condition(input.if_match, input.if_none_match)?,
            sums: sums!(input),
            size: input.mpu_object_size.and_then(|size| u64::try_from(size).ok()),
        };
        let record = self.act(move |transaction| transaction.complete_upload(completion)).await?;
        let sum = checksum(record.sum.as_ref());
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            location: Some(format!("/{bucket}/{key}")),
            bucket: Some(bucket),
            key: Some(key),
            e_tag: etag(&record.etag),
            checksum_crc32: sum.checksum_crc32,
            checksum_crc32c: sum.checksum_crc32c,
            checksum_crc64nvme: sum.checksum_crc64nvme,
            checksum_sha1: sum.checksum_sha1,
            checksum_sha256: sum.checksum_sha256,
            checksum_type: sum.checksum_type,
            ..Default::default()
        }))
    }

    pub(super) async fn drop_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let name = UploadName { bucket: req.input.bucket, key: req.input.key, id: req.input.upload_id };
        self.act(move |transaction| transaction.abort_upload(&name)).await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}
