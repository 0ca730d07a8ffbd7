//! What requests say, in the words of the index.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use s3s::dto::{CopySource, ETagCondition, Timestamp};
use s3s::{S3Result, s3_error};

use crate::digest;
use crate::index::{Algorithm, Condition, ReadCondition, Refusal, Wanted};

/// The most user metadata of one object, names and values together, in bytes.
const METADATA_MAX: usize = 2 * 1024;

/// A condition header's value.
pub fn wanted(condition: ETagCondition) -> Wanted {
    match condition {
        ETagCondition::Any => Wanted::Any,
        ETagCondition::ETag(etag) => Wanted::Tag(etag.into_value()),
    }
}

/// The conditions of a write. S3 knows `If-None-Match` on writes only as `*`.
pub fn write_condition(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
) -> S3Result<Condition> {
    if matches!(if_none_match, Some(ETagCondition::ETag(_))) {
        return Err(s3_error!(
            NotImplemented,
            "A header you provided implies functionality that is not implemented"
        ));
    }
    Ok(Condition { if_match: if_match.map(wanted), if_none_match: if_none_match.map(wanted) })
}

/// A condition header that s3s's input does not carry.
pub fn condition_header(headers: &HeaderMap, name: &str) -> S3Result<Option<ETagCondition>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let parsed = ETagCondition::parse_http_header(value.as_bytes());
    parsed.map(Some).map_err(|failure| s3_error!(failure, InvalidArgument, "invalid header: {name}"))
}

/// The conditions of a read.
pub fn read_condition(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
    modified_since: Option<Timestamp>,
    unmodified_since: Option<Timestamp>,
) -> ReadCondition {
    ReadCondition {
        if_match: if_match.map(wanted),
        if_none_match: if_none_match.map(wanted),
        modified_since_ms: modified_since.map(to_ms),
        unmodified_since_ms: unmodified_since.map(to_ms),
    }
}

/// Milliseconds since the epoch.
pub fn to_ms(timestamp: Timestamp) -> i64 {
    let mut text = Vec::new();
    let written = timestamp.format(s3s::dto::TimestampFormat::EpochSeconds, &mut text);
    let seconds = written.ok().and_then(|()| std::str::from_utf8(&text).ok()?.parse::<f64>().ok());
    seconds.map_or(0, |seconds| (seconds * 1000.0) as i64)
}

/// A timestamp of milliseconds since the epoch.
pub fn from_ms(ms: i64) -> Timestamp {
    let since = Duration::from_millis(ms.unsigned_abs());
    let time = if ms < 0 { UNIX_EPOCH.checked_sub(since) } else { UNIX_EPOCH.checked_add(since) };
    Timestamp::from(time.unwrap_or(SystemTime::UNIX_EPOCH))
}

/// Bucket and key of a copy's source.
pub fn copy_source(source: CopySource) -> S3Result<(String, String)> {
    match source {
        CopySource::Bucket { bucket, key, version_id: None } => Ok((bucket.into(), key.into())),
        CopySource::Bucket { version_id: Some(id), bucket, key } if &*id == "null" => {
            Ok((bucket.into(), key.into()))
        }
        CopySource::Bucket { .. } => Err(s3_error!(InvalidArgument, "Invalid version id specified")),
        _ => Err(s3_error!(NotImplemented, "copies from access points are not supported")),
    }
}

/// `bytes=first-last`, as `x-amz-copy-source-range` has it.
pub fn copy_range(text: &str) -> S3Result<(u64, u64)> {
    let range = text.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let range = range.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    range.filter(|(first, last)| first <= last).ok_or_else(|| {
        s3_error!(
            InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy"
        )
    })
}

/// `Content-Encoding` as it is kept: `aws-chunked` is only about the transfer.
pub fn content_encoding(value: Option<String>) -> Option<String> {
    let value = value?;
    if !value.contains("aws-chunked") {
        return Some(value);
    }
    let kept: Vec<&str> = value
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && *coding != "aws-chunked")
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// User metadata, in order of names.
pub fn metadata(metadata: Option<HashMap<String, String>>) -> S3Result<Vec<(String, String)>> {
    let mut metadata: Vec<(String, String)> = metadata.unwrap_or_default().into_iter().collect();
    metadata.sort();
    if metadata.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > METADATA_MAX {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size"
        ));
    }
    Ok(metadata)
}

/// Tags as the `x-amz-tagging` header has them: a query string.
pub fn tags_of_header(header: Option<&str>) -> S3Result<Vec<(String, String)>> {
    let Some(header) = header else { return Ok(Vec::new()) };
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8().map(|text| text.into_owned())
    };
    let mut tags = Vec::new();
    for pair in header.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (decode(name), decode(value)) {
            (Ok(name), Ok(value)) => tags.push((name, value)),
            _ => {
                return Err(s3_error!(
                    InvalidArgument,
                    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."
                ));
            }
        }
    }
    check_tags(tags)
}

/// S3's limits on an object's tags.
pub fn check_tags(mut tags: Vec<(String, String)>) -> S3Result<Vec<(String, String)>> {
    if tags.len() > 10 {
        return Err(s3_error!(InvalidTag, "Object tags cannot be greater than 10"));
    }
    for (at, (name, value)) in tags.iter().enumerate() {
        if name.is_empty() || name.chars().count() > 128 {
            return Err(s3_error!(InvalidTag, "The TagKey you have provided is invalid"));
        }
        if value.chars().count() > 256 {
            return Err(s3_error!(InvalidTag, "The TagValue you have provided is invalid"));
        }
        if tags[..at].iter().any(|(other, _)| other == name) {
            return Err(s3_error!(InvalidTag, "Cannot provide multiple Tags with the same key"));
        }
    }
    // They are a set; S3 shows them in order.
    tags.sort();
    Ok(tags)
}

/// The checksums among the five fields that every input of s3s has.
pub fn sums(
    crc32: Option<String>,
    crc32c: Option<String>,
    crc64nvme: Option<String>,
    sha1: Option<String>,
    sha256: Option<String>,
) -> Vec<(Algorithm, String)> {
    [
        (Algorithm::Crc32, crc32),
        (Algorithm::Crc32c, crc32c),
        (Algorithm::Crc64Nvme, crc64nvme),
        (Algorithm::Sha1, sha1),
        (Algorithm::Sha256, sha256),
    ]
    .into_iter()
    .filter_map(|(algorithm, value)| Some((algorithm, value?)))
    .collect()
}

/// The checksums that `x-amz-trailer` announces.
pub fn trailing(headers: &HeaderMap) -> Vec<Algorithm> {
    let named = headers.get_all("x-amz-trailer").into_iter().filter_map(|value| value.to_str().ok());
    named
        .flat_map(|value| value.split(','))
        .filter_map(|name| digest::by_name(name.trim().strip_prefix("x-amz-checksum-")?))
        .collect()
}

/// An algorithm by the name that s3s carries.
pub fn algorithm(name: Option<&str>) -> S3Result<Option<Algorithm>> {
    let Some(name) = name else { return Ok(None) };
    digest::by_name(name).map(Some).ok_or_else(|| {
        s3_error!(
            InvalidRequest,
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
        )
    })
}

/// A refusal as S3 words it.
pub fn s3_refusal(refusal: Refusal) -> s3s::S3Error {
    use s3s::S3ErrorCode as Code;
    let code = match &refusal {
        Refusal::NoSuchBucket => Code::NoSuchBucket,
        Refusal::BucketExists => Code::BucketAlreadyOwnedByYou,
        Refusal::BucketNotEmpty => Code::BucketNotEmpty,
        Refusal::NoSuchKey => Code::NoSuchKey,
        Refusal::NoSuchUpload => Code::NoSuchUpload,
        Refusal::PreconditionFailed => Code::PreconditionFailed,
        Refusal::InvalidPart => Code::InvalidPart,
        Refusal::InvalidPartOrder => Code::InvalidPartOrder,
        Refusal::PartTooSmall => Code::EntityTooSmall,
        Refusal::InvalidRange => Code::InvalidRange,
        Refusal::InvalidRequest(_) => Code::InvalidRequest,
        Refusal::BadDigest(_) => Code::BadDigest,
        Refusal::Storage(message) => {
            tracing::error!(%message, "the store failed");
            return s3_error!(InternalError, "We encountered an internal error. Please try again.");
        }
    };
    s3s::S3Error::with_message(code, refusal.to_string())
}
