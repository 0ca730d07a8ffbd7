//! GetObjectAttributes.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::Api;
use super::answer::{checksum, etag};
use super::request::{from_ms, s3_refusal};
use crate::index::{ObjectRecord, Sum};

impl Api {
    pub(super) async fn attributes(
        &self,
        req: S3Request<GetObjectAttributesInput>,
    ) -> S3Result<S3Response<GetObjectAttributesOutput>> {
        let input = req.input;
        let record =
            self.index.read(|snapshot| snapshot.object(&input.bucket, &input.key)).map_err(s3_refusal)?;
        // The header may be sent once with commas or several times.
        let wants = |name: &str| {
            input
                .object_attributes
                .iter()
                .any(|asked| asked.as_str().split(',').any(|asked| asked.trim() == name))
        };
        let sum = record.sum.as_ref().filter(|_| wants(ObjectAttributes::CHECKSUM));
        let class = StorageClass::from_static(StorageClass::STANDARD);
        Ok(S3Response::new(GetObjectAttributesOutput {
            checksum: sum.map(|sum| checksum(Some(sum))),
            e_tag: etag(&record.etag).filter(|_| wants(ObjectAttributes::ETAG)),
            last_modified: Some(from_ms(record.modified_ms)),
            object_parts: (wants(ObjectAttributes::OBJECT_PARTS) && !record.parts.is_empty())
                .then(|| parts(&record, input.part_number_marker, input.max_parts)),
            object_size: wants(ObjectAttributes::OBJECT_SIZE).then_some(record.size as i64),
            storage_class: wants(ObjectAttributes::STORAGE_CLASS).then_some(class),
            ..Default::default()
        }))
    }
}

fn parts(record: &ObjectRecord, after: Option<i32>, max: Option<i32>) -> GetObjectAttributesParts {
    let after = after.unwrap_or(0);
    let max = max.and_then(|max| usize::try_from(max).ok()).unwrap_or(1000).min(1000);
    let left = record.parts.iter().filter(|part| i32::from(part.number) > after);
    let more = left.clone().count() > max;
    let last = left.clone().take(max).last().map(|part| i32::from(part.number));
    // S3 lists the parts only of objects that were uploaded with checksums of their parts.
    let shown: Vec<ObjectPart> = left
        .take(max)
        .filter_map(|part| {
            let value = part.sum.clone()?;
            let algorithm = record.sum.as_ref()?.algorithm;
            let sum = checksum(Some(&Sum { algorithm, value, composite: false }));
            Some(ObjectPart {
                checksum_crc32: sum.checksum_crc32,
                checksum_crc32c: sum.checksum_crc32c,
                checksum_crc64nvme: sum.checksum_crc64nvme,
                checksum_sha1: sum.checksum_sha1,
                checksum_sha256: sum.checksum_sha256,
                part_number: Some(i32::from(part.number)),
                size: Some(part.size as i64),
            })
        })
        .collect();
    GetObjectAttributesParts {
        is_truncated: Some(more),
        max_parts: Some(max as i32),
        next_part_number_marker: last,
        part_number_marker: Some(after),
        parts: Some(shown),
        total_parts_count: Some(record.parts.len() as i32),
    }
}
