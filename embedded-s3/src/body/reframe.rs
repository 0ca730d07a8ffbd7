//! The framing of `aws-chunked` bodies, ahead of s3s, which holds each chunk in memory until it is there whole.
//!
//! A chunk may say that it is 4 GiB long. Unsigned ones are cut into what the network brought; signed ones cannot be cut,
//! so there is a longest. It only looks at lengths: whether the framing is right otherwise is for s3s to say.

use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyDataStream, StreamBody};
use s3s::{Body, StdError};

/// The longest signed chunk, in bytes. SDKs send 64 KiB to 1 MiB.
const SIGNED_MAX: u64 = 16 * 1024 * 1024;
/// The longest line of a chunk's length and signature, in bytes; s3s allows as much.
const LINE_MAX: usize = 1024;
/// What the error of a chunk that is too long begins with.
pub const TOO_LONG: &str = "a signed chunk is too long";

/// How a body is framed, by its `x-amz-content-sha256`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Chunks with a signature each.
    Signed,
    /// Chunks without.
    Unsigned,
}

impl Framing {
    /// The framing of a request's body, if it has one.
    pub fn of(headers: &http::HeaderMap) -> Option<Self> {
        match headers.get("x-amz-content-sha256")?.as_bytes() {
            b"STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Some(Framing::Unsigned),
            b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD" | b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => {
                Some(Framing::Signed)
            }
            _ => None,
        }
    }
}

/// The same body in chunks that need little memory.
pub fn reframe(body: Body, framing: Framing) -> Body {
    let mut reframer = Reframer { framing, place: Place::Line(Vec::new()) };
    let frames = BodyDataStream::new(body).flat_map(move |bytes| {
        let out = match bytes {
            Ok(bytes) => reframer.take(bytes),
            Err(failure) => vec![Err(failure)],
        };
        stream::iter(out.into_iter().map(|bytes| bytes.map(Frame::data)))
    });
    Body::http_body_unsync(StreamBody::new(frames))
}

struct Reframer {
    framing: Framing,
    place: Place,
}

enum Place {
    /// In a chunk's first line.
    Line(Vec<u8>),
    /// In a chunk's bytes, of which so many are left.
    Bytes(u64),
    /// In the line end after a chunk's bytes, of which so many bytes are left.
    End(usize),
    /// After the last chunk, or where nothing is understood: all goes on as it is.
    Rest,
}

impl Reframer {
    fn take(&mut self, mut bytes: Bytes) -> Vec<Result<Bytes, StdError>> {
        let mut out = Vec::new();
        while !bytes.is_empty() {
            match &mut self.place {
                Place::Rest => out.push(Ok(std::mem::take(&mut bytes))),
                Place::Line(line) => {
                    let end = bytes.iter().position(|byte| *byte == b'\n');
                    line.extend_from_slice(&bytes.split_to(end.map_or(bytes.len(), |end| end + 1)));
                    if end.is_some() || line.len() > LINE_MAX {
                        let line = std::mem::take(line);
                        match self.begin(line) {
                            Ok(line) => out.extend(line.map(Ok)),
                            Err(failure) => {
                                self.place = Place::Rest;
                                out.push(Err(failure));
                                return out;
                            }
                        }
                    }
                }
                Place::Bytes(left) => {
                    let now = bytes.split_to(usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len()));
                    *left -= now.len() as u64;
                    let done = *left == 0;
                    if self.framing == Framing::Signed {
                        out.push(Ok(now));
                    } else {
                        out.push(Ok(format!("{:x}\r\n", now.len()).into()));
                        out.push(Ok(now));
                        out.push(Ok(Bytes::from_static(b"\r\n")));
                    }
                    if done {
                        self.place = Place::End(2);
                    }
                }
                Place::End(left) => {
                    let now = bytes.split_to((*left).min(bytes.len()));
                    let amiss = now[..] != b"\r\n"[2 - *left..][..now.len()];
                    *left -= now.len();
                    let done = *left == 0;
                    // What is no line end is passed on, and s3s refuses it.
                    if amiss || self.framing == Framing::Signed {
                        out.push(Ok(now));
                    }
                    if done {
                        self.place = Place::Line(Vec::new());
                    }
                }
            }
        }
        out
    }

    /// Begins the chunk of a first line, which is passed on unless its chunk is cut.
    fn begin(&mut self, line: Vec<u8>) -> Result<Option<Bytes>, StdError> {
        let digits = line.split(|byte| b";\r\n".contains(byte)).next().unwrap_or_default();
        let len = std::str::from_utf8(digits).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok());
        match len {
            None | Some(0) => self.place = Place::Rest,
            Some(len) if self.framing == Framing::Signed => {
                if len > SIGNED_MAX {
                    return Err(format!("{TOO_LONG}: {len} bytes").into());
                }
                self.place = Place::Bytes(len);
            }
            Some(len) => {
                self.place = Place::Bytes(len);
                return Ok(None);
            }
        }
        Ok(Some(line.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn through(framing: Framing, text: &[u8], cuts: usize) -> Result<Vec<u8>, String> {
        let mut reframer = Reframer { framing, place: Place::Line(Vec::new()) };
        let mut out = Vec::new();
        for piece in text.chunks(cuts) {
            for bytes in reframer.take(Bytes::copy_from_slice(piece)) {
                out.extend_from_slice(&bytes.map_err(|failure| failure.to_string())?);
            }
        }
        Ok(out)
    }

    /// The payload and what follows the last chunk, and the longest chunk.
    fn decode(mut text: &[u8]) -> (Vec<u8>, Vec<u8>, usize) {
        let (mut payload, mut longest) = (Vec::new(), 0);
        loop {
            let end = text.iter().position(|byte| *byte == b'\n').unwrap();
            let len = std::str::from_utf8(&text[..end - 1]).unwrap();
            let len = usize::from_str_radix(len.split(';').next().unwrap(), 16).unwrap();
            text = &text[end + 1..];
            if len == 0 {
                return (payload, text.to_vec(), longest);
            }
            longest = longest.max(len);
            payload.extend_from_slice(&text[..len]);
            assert_eq!(&text[len..len + 2], b"\r\n");
            text = &text[len + 2..];
        }
    }

    proptest! {
        #[test]
        fn bytes_and_trailers_stay_and_chunks_are_no_longer_than_what_came(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..5), cuts in 1usize..100
        ) {
            let trailer = b"x-amz-checksum-crc32:AAAAAA==\r\n\r\n";
            let mut text = Vec::new();
            for chunk in &chunks {
                text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                text.extend_from_slice(chunk);
                text.extend_from_slice(b"\r\n");
            }
            text.extend_from_slice(b"0\r\n");
            text.extend_from_slice(trailer);
            let cut = through(Framing::Unsigned, &text, cuts).unwrap();
            let (payload, rest, longest) = decode(&cut);
            prop_assert_eq!(payload, chunks.concat());
            prop_assert_eq!(rest, trailer);
            prop_assert!(longest <= cuts);
            prop_assert_eq!(through(Framing::Signed, &text, cuts).unwrap(), text);
        }
    }

    #[test]
    fn a_signed_chunk_has_a_longest_length_and_nonsense_goes_on() {
        let line = |len: u64| format!("{len:x};chunk-signature=00\r\n").into_bytes();
        through(Framing::Signed, &line(SIGNED_MAX), 7).unwrap();
        let refused = through(Framing::Signed, &line(SIGNED_MAX + 1), 7).unwrap_err();
        assert!(refused.starts_with(TOO_LONG), "{refused}");
        for text in [&b"zz\r\nabc"[..], b"-1\r\nabc", b"\r\n\r\n", b"3\r\nabcXY0\r\n"] {
            let passed = through(Framing::Unsigned, text, 3).unwrap();
            assert!(passed.ends_with(&text[text.len() - 3..]), "{text:?} {passed:?}");
        }
    }
}
