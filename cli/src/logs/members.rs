//! Gzip members as they arrive: text of the whole ones, the partial one at the end kept back. No I/O.

use bytes::BytesMut;
use flate2::bufread::GzDecoder;
use std::io::{ErrorKind, Read};

/// What was read of an object and is not yet text.
#[derive(Debug, Default)]
pub struct Members {
    raw: BytesMut,
}

impl Members {
    /// Takes the next bytes of the object and gives the text of all members that are whole now.
    ///
    /// Fails if the bytes are no gzip members.
    pub fn take(&mut self, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        self.raw.extend_from_slice(bytes);
        let mut text = Vec::new();
        while !self.raw.is_empty() {
            let mut decoder = GzDecoder::new(&self.raw[..]);
            let whole = text.len();
            match decoder.read_to_end(&mut text) {
                Ok(_) => {
                    let used = self.raw.len() - decoder.into_inner().len();
                    bytes::Buf::advance(&mut self.raw, used);
                }
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    text.truncate(whole);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(text)
    }

    /// Whether part of a member is kept back.
    pub fn has_rest(&self) -> bool {
        !self.raw.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    pub fn member(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn however_the_bytes_are_cut_the_text_is_the_same() {
        let whole = [member("one\n"), member(""), member(&"two ".repeat(5000)), member("three\n")].concat();
        for step in [1, 7, 20, whole.len()] {
            let mut members = Members::default();
            let mut text = Vec::new();
            for piece in whole.chunks(step) {
                text.extend(members.take(piece).unwrap());
            }
            assert_eq!(String::from_utf8(text).unwrap(), format!("one\n{}three\n", "two ".repeat(5000)));
            assert!(!members.has_rest());
        }
    }

    #[test]
    fn a_partial_member_is_kept_back() {
        let (first, second) = (member("one\n"), member("two\n"));
        let mut members = Members::default();
        let cut = second.len() - 1;
        assert_eq!(members.take(&[&first[..], &second[..cut]].concat()).unwrap(), b"one\n");
        assert!(members.has_rest());
        assert_eq!(members.take(b"").unwrap(), b"");
        assert_eq!(members.take(&second[cut..]).unwrap(), b"two\n");
    }

    #[test]
    fn what_is_no_gzip_is_an_error() {
        assert!(Members::default().take(b"plain text, no gzip at all").is_err());
    }
}
