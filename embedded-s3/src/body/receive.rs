//! Receiving a body: small ones are held, large ones spill into a blob file; all checksums are
//! verified before the caller gets it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders, s3_error};

use super::reframe::TOO_LONG;
use crate::blobs::{Blobs, NewBlob};
use crate::digest::{self, Hasher};
use crate::index::{Algorithm, INLINE_MAX, NewBody, Sum};

/// Bytes gathered before they are hashed and written in one step.
const FLUSH: usize = 512 * 1024;
/// The longest body of one request, in bytes.
const BODY_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// What the request says of its body.
#[derive(Debug, Default)]
pub struct Claims {
    /// Its length in bytes.
    pub length: Option<u64>,
    /// `Content-MD5`, in base64.
    pub md5: Option<String>,
    /// `x-amz-checksum-*`, in base64.
    pub sums: Vec<(Algorithm, String)>,
    /// The algorithms whose checksum follows as a trailer.
    pub trailing: Vec<Algorithm>,
    /// Where the trailers will be.
    pub trailers: Option<TrailingHeaders>,
    /// The checksum to keep; S3's default if none is named.
    pub keep: Option<Algorithm>,
}

/// A body that was received whole and is what it was said to be.
#[derive(Debug)]
pub struct Received {
    /// The bytes.
    pub body: NewBody,
    /// Length in bytes.
    pub size: u64,
    /// MD5 in hex.
    pub etag: String,
    /// The checksum that is kept.
    pub sum: Sum,
    /// The checksums that the caller named, verified.
    pub named: Vec<(Algorithm, String)>,
}

struct Digests {
    md5: Md5,
    sums: Vec<(Algorithm, Hasher)>,
    size: u64,
}

impl Digests {
    fn new(algorithms: Vec<Algorithm>) -> Self {
        let sums = algorithms.into_iter().map(|algorithm| (algorithm, Hasher::new(algorithm))).collect();
        Self { md5: Md5::new(), sums, size: 0 }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.sums.iter_mut().for_each(|(_, hasher)| hasher.update(bytes));
        self.size += bytes.len() as u64;
    }
}

/// A body that has outgrown the index.
struct Spill {
    blob: NewBlob,
    digests: Digests,
}

impl Spill {
    async fn write(mut self, chunks: Vec<Bytes>, last: bool) -> S3Result<Self> {
        let written = tokio::task::spawn_blocking(move || {
            for chunk in chunks {
                self.digests.update(&chunk);
                self.blob.write(&chunk)?;
            }
            if last {
                self.blob.sync()?;
            }
            Ok::<_, std::io::Error>(self)
        });
        let written = written.await.map_err(|failure| s3_error!(failure, InternalError))?;
        written.map_err(|failure| s3_error!(failure, InternalError, "the body could not be stored"))
    }
}

/// Receives a body and checks it against what was said of it.
pub async fn receive(
    blobs: &Arc<Blobs>,
    stream: Option<StreamingBlob>,
    claims: Claims,
) -> S3Result<Received> {
    if claims.length.is_some_and(|length| length > BODY_MAX) {
        return Err(s3_error!(EntityTooLarge, "Your proposed upload exceeds the maximum allowed size"));
    }
    let keep = claims.keep.unwrap_or(Algorithm::Crc64Nvme);
    let mut algorithms = vec![keep];
    for algorithm in
        claims.sums.iter().map(|(algorithm, _)| *algorithm).chain(claims.trailing.iter().copied())
    {
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
    }
    let (body, digests) = take_in(blobs, stream, Digests::new(algorithms)).await?;
    verify(body, digests, keep, claims)
}

async fn take_in(
    blobs: &Arc<Blobs>,
    stream: Option<StreamingBlob>,
    mut digests: Digests,
) -> S3Result<(NewBody, Digests)> {
    let Some(mut stream) = stream else { return Ok((NewBody::Bytes(Bytes::new()), digests)) };
    let (mut held, mut held_len) = (Vec::new(), 0);
    while held_len <= INLINE_MAX {
        match stream.next().await.transpose().map_err(broken_body)? {
            Some(chunk) => {
                held_len += chunk.len();
                held.push(chunk);
            }
            None => {
                let bytes = join(held, held_len);
                digests.update(&bytes);
                return Ok((NewBody::Bytes(bytes), digests));
            }
        }
    }
    let blob = blobs.create().map_err(|failure| s3_error!(failure, InternalError))?;
    let mut spill = Spill { blob, digests };
    while let Some(chunk) = stream.next().await.transpose().map_err(broken_body)? {
        held_len += chunk.len();
        held.push(chunk);
        if held_len >= FLUSH {
            spill = spill.write(std::mem::take(&mut held), false).await?;
            held_len = 0;
            if spill.digests.size > BODY_MAX {
                return Err(s3_error!(
                    EntityTooLarge,
                    "Your proposed upload exceeds the maximum allowed size"
                ));
            }
        }
    }
    let Spill { blob, digests } = spill.write(held, true).await?;
    Ok((NewBody::Blob(blob, digests.size), digests))
}

fn join(mut chunks: Vec<Bytes>, len: usize) -> Bytes {
    if chunks.len() == 1 {
        return chunks.swap_remove(0);
    }
    let mut whole = BytesMut::with_capacity(len);
    chunks.iter().for_each(|chunk| whole.extend_from_slice(chunk));
    whole.freeze()
}

/// Whether a `Content-MD5` is that of the body.
pub fn check_md5(claimed: &str, md5: &[u8; 16]) -> S3Result<()> {
    let claimed = STANDARD.decode(claimed).ok().filter(|claimed| claimed.len() == 16);
    match claimed {
        None => Err(s3_error!(InvalidDigest, "The Content-MD5 you specified is not valid.")),
        Some(claimed) if claimed != md5 => {
            Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received."))
        }
        Some(_) => Ok(()),
    }
}

fn verify(body: NewBody, digests: Digests, keep: Algorithm, claims: Claims) -> S3Result<Received> {
    let size = digests.size;
    if claims.length.is_some_and(|length| length != size) {
        return Err(s3_error!(
            IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header"
        ));
    }
    let md5 = digests.md5.finalize();
    if let Some(claimed) = claims.md5 {
        check_md5(&claimed, &md5)?;
    }
    let mut named = claims.sums;
    let trailers = claims.trailers.and_then(|trailers| trailers.take()).unwrap_or_default();
    for algorithm in claims.trailing {
        let header = format!("x-amz-checksum-{}", digest::name(algorithm).to_ascii_lowercase());
        let value = trailers.get(header).and_then(|value| value.to_str().ok());
        named.push((algorithm, value.ok_or_else(bad_trailer)?.trim().to_owned()));
    }
    let sums: Vec<(Algorithm, String)> =
        digests.sums.into_iter().map(|(algorithm, hasher)| (algorithm, hasher.finish())).collect();
    for (algorithm, claimed) in &named {
        if sums.iter().any(|(known, value)| known == algorithm && value != claimed) {
            return Err(s3_error!(BadDigest, "{}", digest::mismatch(*algorithm)));
        }
    }
    let value = sums.into_iter().find(|(algorithm, _)| *algorithm == keep).map(|(_, value)| value);
    let sum = Sum { algorithm: keep, value: value.unwrap_or_default(), composite: false };
    Ok(Received { body, size, etag: hex::encode(md5), sum, named })
}

/// The error of a trailer that was announced and did not come.
fn bad_trailer() -> S3Error {
    custom(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    )
}

/// A refusal by a code that s3s does not know.
fn custom(code: &'static str, message: &'static str) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(http::StatusCode::BAD_REQUEST);
    error
}

/// The error of a body that broke off or is not what was signed. s3s keeps its error types to
/// itself; only their texts tell which it was.
fn broken_body(failure: StdError) -> S3Error {
    let text = failure.to_string();
    if text.contains("Sha256Mismatch") {
        custom(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    } else if text.contains(TOO_LONG) {
        custom("InvalidChunkSizeError", "The chunk size is larger than the largest that is taken.")
    } else if text.contains("SignatureMismatch") {
        s3_error!(
            SignatureDoesNotMatch,
            "The request signature we calculated does not match the signature you provided. Check your key and signing method."
        )
    } else {
        s3_error!(
            IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[tokio::test]
    async fn an_announced_trailer_must_come() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Arc::new(Blobs::open(folder.path().into(), &HashSet::new()).unwrap());
        let body = || Some(StreamingBlob::from(s3s::Body::from(Bytes::from_static(b"hello"))));
        let announced = Claims { trailing: vec![Algorithm::Crc32], ..Default::default() };
        let missing = receive(&blobs, body(), announced).await.unwrap_err();
        assert_eq!(missing.code().as_str(), "MalformedTrailerError");
        assert_eq!(missing.status_code(), Some(http::StatusCode::BAD_REQUEST));
        receive(&blobs, body(), Claims::default()).await.unwrap();
    }
}
