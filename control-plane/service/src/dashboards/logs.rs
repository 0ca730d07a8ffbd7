//! A worker's log from S3: as the file it is, or as text for a browser.

use super::page::Page;
use super::standing::Found;
use super::ticket::Ticket;
use super::{Dashboards, paths, reading};
use crate::ports::{LogStream, NoLog};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures::{StreamExt, TryStreamExt, future, stream};
use http::{HeaderValue, StatusCode, header};
use std::io::{self, Write};

/// A log is text, whatever it looks like.
const POLICY: &str = "default-src 'none'; sandbox";

impl Dashboards {
    /// The log at `rest`, the path after `/logs/`.
    pub(super) async fn log(
        &self,
        found: &Found,
        ticket: &Ticket,
        rest: &str,
        html: bool,
    ) -> Result<Response, Page> {
        let about = |page: Page| page.about(found.shown.clone());
        let key = paths::log_key(rest).ok_or_else(|| {
            let text = "Logs are at SPARK_DRIVER/stdout.gz, SPARK_DRIVER/stderr.gz and SPARK_EXECUTOR/<n>/….";
            about(Page::new(StatusCode::NOT_FOUND, "There is no such log", text))
        })?;
        let folder = reading::folder(found, ticket)?;
        let parts = self.service.parts();
        let credentials = reading::credentials(parts, found, &folder).await?;
        let key = format!("{}/{key}", folder.prefix);
        match parts.logs.read(&folder.bucket, &key, &credentials).await {
            Ok(log) => Ok(answer(log, rest, html)),
            Err(NoLog::Absent) => {
                let text = "It is not in S3, or not yet: logs arrive within some seconds of being written.";
                Err(about(Page::new(StatusCode::NOT_FOUND, "There is no such log", text)))
            }
            Err(NoLog::Unreadable(why)) => {
                let text = format!("s3://{}/{key}: {why}", folder.bucket);
                Err(about(Page::new(StatusCode::BAD_GATEWAY, "The log cannot be read", &text)))
            }
        }
    }
}

/// What stands over the newest file of a log for a person: where the others are.
fn older(archived: u32, rest: &str) -> String {
    let stream = if rest.ends_with("stderr.gz") { "stderr" } else { "stdout" };
    match archived {
        _ if rest.contains("/archived/") => String::new(),
        0 => String::new(),
        1 => format!("(Before this: archived/{stream}_1.gz)\n\n"),
        last => format!("(Before this: archived/{stream}_1.gz to archived/{stream}_{last}.gz)\n\n"),
    }
}

fn answer(log: LogStream, rest: &str, html: bool) -> Response {
    let length = log.length;
    let older = stream::iter([Ok(Bytes::from(older(log.archived, rest)))]);
    // Browsers read only the first member of a body that says "Content-Encoding: gzip"; our logs have many.
    let (kind, body) = if html {
        ("text/plain; charset=utf-8", Body::from_stream(older.chain(unpacked(log))))
    } else {
        ("application/gzip", Body::from_stream(log.body))
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let (false, Some(length)) = (html, length) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// The text of a gzip file of many members, piece by piece.
fn unpacked(log: LogStream) -> impl futures::Stream<Item = io::Result<Bytes>> {
    let decoder = MultiGzDecoder::new(Vec::new());
    let pieces = log.body.map(|piece| piece.map(Some)).chain(futures::stream::iter([Ok(None)]));
    let unpacked = pieces.scan(decoder, |decoder, piece| {
        let text = piece.and_then(|piece| {
            match piece {
                Some(packed) => decoder.write_all(&packed)?,
                None => decoder.try_finish()?,
            }
            Ok(Bytes::from(std::mem::take(decoder.get_mut())))
        });
        future::ready(Some(text))
    });
    unpacked.try_filter(|text| future::ready(!text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn member(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[tokio::test]
    async fn a_browser_sees_the_text_of_every_member_however_the_pieces_fall() {
        let file = [member("one\n"), member(""), member("two\n")].concat();
        for size in [1, 7, file.len()] {
            let pieces: Vec<io::Result<Bytes>> =
                file.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            let log = LogStream { length: None, archived: 0, body: futures::stream::iter(pieces).boxed() };
            let text: Vec<Bytes> = unpacked(log).try_collect().await.unwrap();
            assert_eq!(text.concat(), b"one\ntwo\n", "pieces of {size}");
        }
    }

    #[test]
    fn older_files_are_named() {
        assert_eq!(older(0, "SPARK_DRIVER/stdout.gz"), "");
        assert_eq!(older(1, "SPARK_DRIVER/stdout.gz"), "(Before this: archived/stdout_1.gz)\n\n");
        let many = "(Before this: archived/stderr_1.gz to archived/stderr_3.gz)\n\n";
        assert_eq!(older(3, "SPARK_EXECUTOR/2/stderr.gz"), many);
        assert_eq!(older(2, "SPARK_DRIVER/archived/stdout_3.gz"), "");
    }

    #[tokio::test]
    async fn what_is_no_gzip_breaks_off() {
        let pieces = vec![Ok(Bytes::from_static(b"not gzip at all"))];
        let log = LogStream { length: None, archived: 0, body: futures::stream::iter(pieces).boxed() };
        assert!(unpacked(log).try_collect::<Vec<_>>().await.is_err());
    }
}
