//! What of one log file is in its S3 object: a stable prefix that S3 copies itself, and a tail kept here.

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::io::{self, Write as _};

/// S3's least size of a part that is not the last. From here on the object is carried over by copying.
const LEAST_PART: u64 = 5 * 1024 * 1024;

/// One stream's object.
#[derive(Clone, Debug)]
pub(super) struct Shipped {
    raw: u64,
    prefix: u64,
    tail: Vec<u8>,
    etag: Option<String>,
}

/// The next write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// Put the whole object.
    Put(Bytes),
    /// Copy the first `prefix` bytes of the object with this tag, then add the tail.
    Extend {
        /// Bytes to carry over.
        prefix: u64,
        /// The object's tag.
        etag: String,
        /// What follows them.
        tail: Bytes,
    },
}

/// A note in the worker's folder, for the next runner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Bytes of the log file that the object holds.
    pub raw: u64,
    /// Length of the object.
    pub length: u64,
    /// Its tag.
    pub etag: String,
}

impl Shipped {
    /// An object that holds one empty member, not yet written.
    pub(super) fn new() -> io::Result<Self> {
        let mut shipped = Self { raw: 0, prefix: 0, tail: Vec::new(), etag: None };
        shipped.append(&[])?;
        Ok(shipped)
    }

    /// An object found in S3 that holds `raw` bytes of the file. `content` is needed if it is small.
    pub(super) fn found(raw: u64, length: u64, etag: String, content: Vec<u8>) -> Self {
        if length >= LEAST_PART {
            return Self { raw, prefix: length, tail: Vec::new(), etag: Some(etag) };
        }
        Self { raw, prefix: 0, tail: content, etag: Some(etag) }
    }

    /// True if an object of this length can be carried over without its content.
    pub(super) fn is_carried(length: u64) -> bool {
        length >= LEAST_PART
    }

    /// Bytes of the log file so far.
    pub(super) fn raw(&self) -> u64 {
        self.raw
    }

    /// Bytes that the next write uploads if `more` raw bytes come: the tail and a fair guess of the member.
    pub(super) fn cost(&self, more: u64) -> u64 {
        self.tail.len() as u64 + more / 8 + 64
    }

    /// Adds a member.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut member = GzEncoder::new(&mut self.tail, Compression::default());
        member.write_all(bytes)?;
        member.finish()?;
        self.raw += bytes.len() as u64;
        Ok(())
    }

    /// What to write now.
    pub(super) fn write(&self) -> Write {
        let tail = Bytes::copy_from_slice(&self.tail);
        match &self.etag {
            Some(etag) if self.prefix > 0 => Write::Extend { prefix: self.prefix, etag: etag.clone(), tail },
            _ => Write::Put(tail),
        }
    }

    /// The write succeeded. What was written becomes the prefix once it is large enough to be copied.
    pub(super) fn written(&mut self, etag: String) -> Note {
        let length = self.prefix + self.tail.len() as u64;
        if self.tail.len() as u64 >= LEAST_PART {
            self.prefix = length;
            self.tail = Vec::new();
        }
        self.etag = Some(etag.clone());
        Note { raw: self.raw, length, etag }
    }

    /// The object in S3 has another tag than expected: an earlier write had arrived after all. False if it cannot
    /// be ours.
    pub(super) fn adopt(&mut self, length: u64, etag: String) -> bool {
        self.etag = Some(etag);
        length >= self.prefix
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::MultiGzDecoder;
    use std::io::Read;

    fn noise(length: usize) -> Vec<u8> {
        (0..length).map(|_| rand::random::<u8>()).collect()
    }

    fn gunzip(bytes: &[u8]) -> Vec<u8> {
        let mut raw = Vec::new();
        MultiGzDecoder::new(bytes).read_to_end(&mut raw).unwrap();
        raw
    }

    #[test]
    fn small_objects_are_put_whole_and_large_ones_extended() {
        let mut shipped = Shipped::new().unwrap();
        let Write::Put(empty) = shipped.write() else { panic!("a new object is put") };
        assert!(gunzip(&empty).is_empty() && !empty.is_empty());
        shipped.written("1".into());
        shipped.append(b"one\n").unwrap();
        let Write::Put(first) = shipped.write() else { panic!("a small object is put") };
        assert!(first.starts_with(&empty));
        assert_eq!(gunzip(&first), b"one\n");
        let big = noise(6 << 20);
        shipped.append(&big).unwrap();
        let Write::Put(second) = shipped.write() else { panic!("what was never large is put") };
        let note = shipped.written("2".into());
        assert_eq!((note.raw, note.length), (4 + (6 << 20), second.len() as u64));
        shipped.append(b"two\n").unwrap();
        let Write::Extend { prefix, etag, tail } = shipped.write() else {
            panic!("a large object is extended")
        };
        assert_eq!((prefix, etag.as_str()), (second.len() as u64, "2"));
        assert_eq!(gunzip(&tail), b"two\n");
    }

    #[test]
    fn an_object_that_lost_its_prefix_is_not_ours() {
        let mut shipped = Shipped::found(10, 6 << 20, "a".into(), Vec::new());
        assert!(shipped.adopt(7 << 20, "b".into()));
        assert!(!shipped.adopt(3, "c".into()));
    }
}
