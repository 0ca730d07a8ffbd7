//! What several inputs and outputs of s3s share only by the names of their members, written once.

/// What a writer says of an object, as the index keeps it; the tags are given beside.
macro_rules! about {
    ($input:ident, $tags:expr) => {
        crate::index::About {
            content_type: $input.content_type,
            content_encoding: crate::api::request::content_encoding($input.content_encoding),
            content_language: $input.content_language,
            content_disposition: $input.content_disposition,
            cache_control: $input.cache_control,
            expires_ms: $input.expires.map(crate::api::request::to_ms),
            redirect: $input.website_redirect_location,
            metadata: crate::api::request::metadata($input.metadata)?,
            tags: $tags,
        }
    };
}

/// The checksums that a request names.
macro_rules! sums {
    ($input:ident) => {
        crate::api::request::sums(
            $input.checksum_crc32,
            $input.checksum_crc32c,
            $input.checksum_crc64nvme,
            $input.checksum_sha1,
            $input.checksum_sha256,
        )
    };
}

/// What a request says of the body that it brings.
macro_rules! claims {
    ($input:ident, $named:expr, $trailing:expr, $trailers:expr, $keep:expr) => {
        crate::body::Claims {
            length: $input.content_length.and_then(|length| u64::try_from(length).ok()),
            md5: $input.content_md5,
            sums: $named,
            keep: $keep,
            trailing: $trailing,
            trailers: $trailers,
        }
    };
}

/// What GET and HEAD say alike of an object and the stretch of it that was asked for.
macro_rules! described {
    ($output:ident, $input:ident, $record:ident, $stretch:ident, { $($member:ident: $value:expr),* $(,)? }) => {{
        let sum = $stretch.sum(&$record).filter(|_| wants_checksum($input.checksum_mode.as_ref()));
        let sum = crate::api::answer::checksum(sum.as_ref());
        let mut response = s3s::S3Response::new($output {
            accept_ranges: Some("bytes".into()),
            cache_control: $record.about.cache_control.clone(),
            checksum_crc32: sum.checksum_crc32,
            checksum_crc32c: sum.checksum_crc32c,
            checksum_crc64nvme: sum.checksum_crc64nvme,
            checksum_sha1: sum.checksum_sha1,
            checksum_sha256: sum.checksum_sha256,
            checksum_type: sum.checksum_type,
            content_disposition: $record.about.content_disposition.clone(),
            content_encoding: $record.about.content_encoding.clone(),
            content_language: $record.about.content_language.clone(),
            content_length: Some(($stretch.to - $stretch.from) as i64),
            content_range: $stretch.content_range(&$record),
            content_type: content_type(&$record),
            e_tag: crate::api::answer::etag(&$record.etag),
            expires: $record.about.expires_ms.map(crate::api::request::from_ms),
            last_modified: Some(crate::api::request::from_ms($record.modified_ms)),
            metadata: crate::api::answer::metadata(&$record),
            parts_count: $stretch.parts,
            website_redirect_location: $record.about.redirect.clone(),
            $($member: $value,)*
            ..Default::default()
        });
        response.status = $stretch.partial.then_some(http::StatusCode::PARTIAL_CONTENT);
        response
    }};
}

pub(super) use {about, claims, described, sums};
