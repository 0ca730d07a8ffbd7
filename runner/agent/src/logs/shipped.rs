//! What of one log file is in S3: full files under `archived/`, and the newest one, which is kept here as it stands there.
//!
//! The newest file grows by gzip members until it is full; its name is then the next one's. A prefix of it never changes, so
//! whoever reads it goes on where they were.

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::io::{self, Write as _};

/// When a file is full: EMR's 128 MB of log, or so much compressed that it should not be put again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Bytes of the log.
    pub(super) raw: u64,
    /// Bytes compressed, after which no member is added.
    pub(super) packed: u64,
}

/// The limits in use.
pub(super) const LIMITS: Limits = Limits { raw: 128 << 20, packed: 16 << 20 };
/// A line that is longer than this may be cut by the end of a file.
const LONG_LINE: usize = 1 << 20;

/// Where in a stream an object begins; stored as its metadata.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begins {
    /// Number of full files before it.
    #[serde(default)]
    pub archived: u32,
    /// Bytes of the log in them.
    #[serde(default)]
    pub at: u64,
}

/// One stream's newest object.
#[derive(Clone, Debug)]
pub(super) struct Shipped {
    limits: Limits,
    begins: Begins,
    raw: u64,
    packed: Vec<u8>,
    full: bool,
}

/// A note in the worker's folder, for the next runner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Bytes of the log file that are in S3.
    pub raw: u64,
    /// Length of the newest object.
    pub length: u64,
    /// Its tag.
    pub etag: String,
    /// Where it begins.
    #[serde(flatten)]
    pub begins: Begins,
}

impl Shipped {
    /// An object that holds one empty member, not yet written, and begins there.
    pub(super) fn new(begins: Begins, limits: Limits) -> io::Result<Self> {
        let mut shipped = Self { limits, begins, raw: begins.at, packed: Vec::new(), full: false };
        shipped.add(&member(&[])?, 0);
        Ok(shipped)
    }

    /// An object with this content found in S3, which holds the file up to `raw`.
    pub(super) fn found(begins: Begins, raw: u64, content: Vec<u8>, limits: Limits) -> Self {
        let full = content.len() as u64 >= limits.packed;
        Self { limits, begins, raw, packed: content, full }
    }

    /// Bytes of the log file so far.
    pub(super) fn raw(&self) -> u64 {
        self.raw
    }

    /// Where the object begins.
    pub(super) fn begins(&self) -> Begins {
        self.begins
    }

    /// Nothing is added to this object any more.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Bytes that the next write uploads if `more` raw bytes come: the object and a fair guess of the members.
    pub(super) fn cost(&self, more: u64) -> u64 {
        self.packed.len() as u64 + more / 8 + 64
    }

    /// Bytes of the log that still fit.
    pub(super) fn room(&self) -> u64 {
        if self.full { 0 } else { (self.begins.at + self.limits.raw).saturating_sub(self.raw) }
    }

    /// How many of the bytes that come next belong into this object. Files end with whole lines where lines are of any
    /// sensible length. Notes if that is all that it takes.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        let room = usize::try_from(self.room()).unwrap_or(usize::MAX);
        if bytes.len() < room {
            return bytes.len();
        }
        self.full = true;
        let empty = self.raw == self.begins.at;
        match bytes[..room].iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => newline + 1,
            None if empty || room > LONG_LINE => room,
            None => 0,
        }
    }

    /// Adds a member of `raw` bytes.
    pub(super) fn add(&mut self, member: &[u8], raw: u64) {
        self.packed.extend_from_slice(member);
        self.raw += raw;
        self.full |= self.packed.len() as u64 >= self.limits.packed;
    }

    /// The object as it is to stand in S3.
    pub(super) fn object(&self) -> Bytes {
        Bytes::copy_from_slice(&self.packed)
    }

    /// It was written.
    pub(super) fn written(&self, etag: String) -> Note {
        Note { raw: self.raw, length: self.packed.len() as u64, etag, begins: self.begins }
    }

    /// The full object is in the archive: the next one begins.
    pub(super) fn next(&mut self) -> io::Result<()> {
        let begins = Begins { archived: self.begins.archived + 1, at: self.raw };
        *self = Self::new(begins, self.limits)?;
        Ok(())
    }
}

/// A gzip member.
pub(super) fn member(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut member = GzEncoder::new(Vec::new(), Compression::default());
    member.write_all(bytes)?;
    member.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits { raw: 10, packed: 1_000 };

    fn shipped(taken: &[u8]) -> Shipped {
        let mut shipped = Shipped::new(Begins { archived: 3, at: 100 }, SMALL).unwrap();
        shipped.add(&member(taken).unwrap(), taken.len() as u64);
        shipped
    }

    #[test]
    fn files_end_with_whole_lines() {
        let table: [(&[u8], &[u8], usize, bool); 7] = [
            (b"", b"abc\n", 4, false),
            (b"abc\n", b"def\n", 4, false),
            (b"abc\n", b"de\nfghij\n", 3, true),
            (b"abc\n", b"defgh\ni", 6, true),
            (b"abcdefg\n", b"hijk", 0, true),
            (b"abcdefghij", b"k\n", 0, true),
            (b"", b"abcdefghijk", 10, true),
        ];
        for (before, bytes, taken, full) in table {
            let mut shipped = shipped(before);
            assert_eq!((shipped.take(bytes), shipped.is_full()), (taken, full), "{before:?} {bytes:?}");
        }
        let limits = Limits { raw: 4 << 20, packed: 1_000 };
        let mut shipped = Shipped::found(Begins::default(), 1, vec![0], limits);
        assert_eq!(shipped.take(&vec![b'x'; 5 << 20]), (4 << 20) - 1, "a line longer than anybody's");
    }

    #[test]
    fn what_is_large_compressed_is_full() {
        let mut shipped = shipped(b"");
        shipped.add(&[7; 999], 1);
        assert!(shipped.is_full() && shipped.room() == 0);
        shipped.next().unwrap();
        assert_eq!((shipped.begins(), shipped.room()), (Begins { archived: 4, at: 101 }, 10));
        assert!(!shipped.object().is_empty(), "one empty member");
    }

    #[test]
    fn notes_of_the_first_form_are_read() {
        let note: Note = serde_json::from_str(r#"{"raw":7,"length":9,"etag":"e"}"#).unwrap();
        assert_eq!(note.begins, Begins::default());
    }
}
