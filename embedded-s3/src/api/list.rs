//! ListObjects, ListObjectsV2 and ListMultipartUploads.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Api;
use super::answer::{checksum_type, etag};
use super::request::{from_ms, s3_refusal};
use crate::digest;
use crate::index::{Entry, ObjectRecord, Page, Query};

/// What stays as it is under `encoding-type=url`.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/').remove(b'*');

/// How keys are written in an answer.
#[derive(Clone, Copy)]
pub(super) struct Spelling {
    url: bool,
}

impl Spelling {
    pub(super) fn of(encoding: Option<&EncodingType>) -> S3Result<Self> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self { url: false }),
            Some(EncodingType::URL) => Ok(Self { url: true }),
            Some(_) => Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request")),
        }
    }

    pub(super) fn write(self, text: &str) -> String {
        if self.url { utf8_percent_encode(text, PLAIN).to_string() } else { text.to_owned() }
    }

    pub(super) fn write_some(self, text: Option<&str>) -> Option<String> {
        text.filter(|text| !text.is_empty()).map(|text| self.write(text))
    }

    pub(super) fn prefixes<T>(self, page: &Page<T>) -> Option<Vec<CommonPrefix>> {
        let prefixes = page.entries.iter().filter_map(|entry| match entry {
            Entry::Prefix(prefix) => Some(CommonPrefix { prefix: Some(self.write(prefix)) }),
            Entry::Key(..) => None,
        });
        let prefixes: Vec<_> = prefixes.collect();
        (!prefixes.is_empty()).then_some(prefixes)
    }
}

/// A page's size as it was asked for: at most 1,000.
pub(super) fn page_size(asked: Option<i32>, name: &str) -> S3Result<usize> {
    match asked {
        None => Ok(1000),
        Some(asked) if asked < 0 => {
            Err(s3_error!(InvalidArgument, "Argument {name} must be an integer between 0 and 2147483647"))
        }
        Some(asked) => Ok((asked as usize).min(1000)),
    }
}

/// Where a page ended.
pub(super) fn last_of<T>(page: &Page<T>) -> Option<&str> {
    page.entries.last().map(|entry| match entry {
        Entry::Key(key, _) => key.as_str(),
        Entry::Prefix(prefix) => prefix.as_str(),
    })
}

impl Api {
    fn objects(&self, page: &Page<ObjectRecord>, spelling: Spelling, owner: bool) -> Option<Vec<Object>> {
        let objects = page.entries.iter().filter_map(|entry| {
            let Entry::Key(key, record) = entry else { return None };
            let sum = record.sum.as_ref();
            Some(Object {
                checksum_algorithm: sum
                    .map(|sum| vec![ChecksumAlgorithm::from_static(digest::name(sum.algorithm))]),
                checksum_type: sum.map(|sum| checksum_type(sum.composite)),
                e_tag: etag(&record.etag),
                key: Some(spelling.write(key)),
                last_modified: Some(from_ms(record.modified_ms)),
                owner: owner.then(|| self.owner()),
                restore_status: None,
                size: Some(record.size as i64),
                storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
            })
        });
        let objects: Vec<_> = objects.collect();
        (!objects.is_empty()).then_some(objects)
    }

    pub(super) async fn list_v1(
        &self,
        req: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = req.input;
        let spelling = Spelling::of(input.encoding_type.as_ref())?;
        let query = Query {
            bucket: input.bucket.clone(),
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().unwrap_or_default(),
            after: input.marker.clone().filter(|marker| !marker.is_empty()),
            after_id: None,
            max: page_size(input.max_keys, "max-keys")?,
        };
        let page = self.index.read(|snapshot| snapshot.list_objects(&query)).map_err(s3_refusal)?;
        // S3 tells the next marker only if there is a delimiter; otherwise it is the last key.
        let next = last_of(&page).filter(|_| page.more && !query.delimiter.is_empty());
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(spelling.write(&query.prefix)),
            marker: Some(spelling.write(query.after.as_deref().unwrap_or_default())),
            max_keys: Some(query.max as i32),
            is_truncated: Some(page.more),
            contents: self.objects(&page, spelling, true),
            common_prefixes: spelling.prefixes(&page),
            delimiter: spelling.write_some(input.delimiter.as_deref()),
            next_marker: spelling.write_some(next),
            encoding_type: input.encoding_type,
            request_charged: None,
        }))
    }

    pub(super) async fn list_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        let spelling = Spelling::of(input.encoding_type.as_ref())?;
        let token = input.continuation_token.as_deref().map(read_token).transpose()?;
        let query = Query {
            bucket: input.bucket.clone(),
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().unwrap_or_default(),
            after: token.or_else(|| input.start_after.clone()).filter(|after| !after.is_empty()),
            after_id: None,
            max: page_size(input.max_keys, "max-keys")?,
        };
        let page = self.index.read(|snapshot| snapshot.list_objects(&query)).map_err(s3_refusal)?;
        let next = last_of(&page).filter(|_| page.more);
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(spelling.write(&query.prefix)),
            max_keys: Some(query.max as i32),
            key_count: Some(page.entries.len() as i32),
            continuation_token: input.continuation_token,
            is_truncated: Some(page.more),
            next_continuation_token: next.map(|next| URL_SAFE_NO_PAD.encode(next)),
            contents: self.objects(&page, spelling, input.fetch_owner == Some(true)),
            common_prefixes: spelling.prefixes(&page),
            delimiter: spelling.write_some(input.delimiter.as_deref()),
            encoding_type: input.encoding_type,
            start_after: spelling.write_some(input.start_after.as_deref()),
            request_charged: None,
        }))
    }

    pub(super) async fn list_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = req.input;
        let spelling = Spelling::of(input.encoding_type.as_ref())?;
        let after = input.key_marker.clone().filter(|marker| !marker.is_empty());
        let query = Query {
            bucket: input.bucket.clone(),
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().unwrap_or_default(),
            after_id: input.upload_id_marker.clone().filter(|id| after.is_some() && !id.is_empty()),
            after,
            max: page_size(input.max_uploads, "max-uploads")?,
        };
        let page = self.index.read(|snapshot| snapshot.list_uploads(&query)).map_err(s3_refusal)?;
        let uploads = page.entries.iter().filter_map(|entry| {
            let Entry::Key(key, (id, upload)) = entry else { return None };
            Some(MultipartUpload {
                checksum_algorithm: upload
                    .algorithm
                    .map(|known| ChecksumAlgorithm::from_static(digest::name(known))),
                checksum_type: upload.algorithm.map(|_| checksum_type(upload.composite)),
                initiated: Some(from_ms(upload.initiated_ms)),
                initiator: Some(Initiator { display_name: None, id: Some(self.account.clone()) }),
                key: Some(spelling.write(key)),
                owner: Some(self.owner()),
                storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
                upload_id: Some(id.clone()),
            })
        });
        let next_id = match page.entries.last() {
            Some(Entry::Key(_, (id, _))) if page.more => Some(id.clone()),
            _ => None,
        };
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            uploads: Some(uploads.collect()),
            common_prefixes: spelling.prefixes(&page),
            delimiter: spelling.write_some(input.delimiter.as_deref()),
            is_truncated: Some(page.more),
            key_marker: Some(spelling.write(query.after.as_deref().unwrap_or_default())),
            max_uploads: Some(query.max as i32),
            next_key_marker: spelling.write_some(last_of(&page).filter(|_| page.more)),
            next_upload_id_marker: next_id,
            prefix: Some(spelling.write(&query.prefix)),
            upload_id_marker: input.upload_id_marker,
            encoding_type: input.encoding_type,
            request_charged: None,
        }))
    }
}

fn read_token(token: &str) -> S3Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    bytes.ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}
