//! ListObjectVersions. Nothing here has versions, so each object has the one that S3 calls `null`.
//!
//! Tools empty a bucket this way, whether or not it was ever versioned.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Api;
use super::answer::{checksum_type, etag};
use super::list::{Spelling, last_of, page_size};
use super::request::{from_ms, s3_refusal};
use crate::digest;
use crate::index::{Entry, ObjectRecord, Query};

/// The id of the only version.
const NULL: &str = "null";

impl Api {
    pub(super) async fn list_versions(
        &self,
        req: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let input = req.input;
        let spelling = Spelling::of(input.encoding_type.as_ref())?;
        let after = input.key_marker.clone().filter(|marker| !marker.is_empty());
        if after.is_none() && input.version_id_marker.as_ref().is_some_and(|marker| !marker.is_empty()) {
            return Err(s3_error!(
                InvalidArgument,
                "A version-id marker cannot be specified without a key marker."
            ));
        }
        let query = Query {
            bucket: input.bucket.clone(),
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().unwrap_or_default(),
            after,
            after_id: None,
            max: page_size(input.max_keys, "max-keys")?,
        };
        let page = self.index.read(|snapshot| snapshot.list_objects(&query)).map_err(s3_refusal)?;
        let versions = page.entries.iter().filter_map(|entry| match entry {
            Entry::Key(key, record) => Some(self.only_version(spelling.write(key), record)),
            Entry::Prefix(_) => None,
        });
        let next_version = match page.entries.last() {
            Some(Entry::Key(..)) if page.more => Some(NULL.to_owned()),
            _ => None,
        };
        Ok(S3Response::new(ListObjectVersionsOutput {
            name: Some(input.bucket),
            prefix: Some(spelling.write(&query.prefix)),
            delimiter: spelling.write_some(input.delimiter.as_deref()),
            key_marker: Some(spelling.write(query.after.as_deref().unwrap_or_default())),
            version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
            max_keys: Some(query.max as i32),
            is_truncated: Some(page.more),
            versions: Some(versions.collect()),
            common_prefixes: spelling.prefixes(&page),
            next_key_marker: spelling.write_some(last_of(&page).filter(|_| page.more)),
            next_version_id_marker: next_version,
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }

    fn only_version(&self, key: String, record: &ObjectRecord) -> ObjectVersion {
        let sum = record.sum.as_ref();
        ObjectVersion {
            checksum_algorithm: sum
                .map(|sum| vec![ChecksumAlgorithm::from_static(digest::name(sum.algorithm))]),
            checksum_type: sum.map(|sum| checksum_type(sum.composite)),
            e_tag: etag(&record.etag),
            is_latest: Some(true),
            key: Some(key),
            last_modified: Some(from_ms(record.modified_ms)),
            owner: Some(self.owner()),
            restore_status: None,
            size: Some(record.size as i64),
            storage_class: Some(ObjectVersionStorageClass::from_static(ObjectVersionStorageClass::STANDARD)),
            version_id: Some(NULL.to_owned()),
        }
    }
}
