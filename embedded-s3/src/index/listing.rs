//! Listing in key order, with prefix and delimiter: objects and uploads.
//!
//! A common prefix costs one step, however many keys it stands for.

use redb::ReadableTable;

use super::record::{ObjectRecord, UploadRecord, decode};
use super::{OBJECTS, Refusal, Snapshot, UPLOADS, object_key};

/// What is to be listed.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Bucket.
    pub bucket: String,
    /// Only keys that begin with this.
    pub prefix: String,
    /// Keys are rolled up to the first of these after the prefix; empty for none.
    pub delimiter: String,
    /// Only keys after this one. If it is itself a common prefix, that prefix is done.
    pub after: Option<String>,
    /// Only uploads of the key `after` that come after this id.
    pub after_id: Option<String>,
    /// The most entries and common prefixes.
    pub max: usize,
}

/// One entry of a listing.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry<T> {
    /// A key.
    Key(String, T),
    /// A common prefix.
    Prefix(String),
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The entries, in order.
    pub entries: Vec<Entry<T>>,
    /// Whether there is more.
    pub more: bool,
}

impl Snapshot {
    /// Lists objects.
    pub fn list_objects(&self, query: &Query) -> Result<Page<ObjectRecord>, Refusal> {
        self.bucket(&query.bucket)?;
        let table = self.transaction.open_table(OBJECTS)?;
        walk(&table, query, 0, |_, value| Ok(decode(value)?))
    }

    /// Lists uploads, each with its id.
    pub fn list_uploads(&self, query: &Query) -> Result<Page<(String, UploadRecord)>, Refusal> {
        self.bucket(&query.bucket)?;
        let table = self.transaction.open_table(UPLOADS)?;
        walk(&table, query, 33, |tail, value| {
            let id = String::from_utf8_lossy(tail.get(1..).unwrap_or_default()).into_owned();
            Ok((id, decode(value)?))
        })
    }
}

/// Where the walk goes on: at this path, or after it.
fn start(query: &Query, tail: usize) -> Vec<u8> {
    let floor = object_key(&query.bucket, &query.prefix);
    let Some(after) = &query.after else { return floor };
    let mut path = object_key(&query.bucket, after);
    if !query.delimiter.is_empty() && rolled(query, after).is_some_and(|prefix| prefix == after) {
        return floor.max(successor(path));
    }
    match (&query.after_id, tail) {
        (Some(id), 1..) => {
            path.push(0);
            path.extend_from_slice(id.as_bytes());
            path.push(0);
        }
        (None, 1..) => path.extend_from_slice(&[0, 0xff]),
        _ => path.push(0),
    }
    floor.max(path)
}

/// The common prefix that a key is rolled up to, if any.
fn rolled<'k>(query: &Query, key: &'k str) -> Option<&'k str> {
    let rest = key.strip_prefix(query.prefix.as_str())?;
    let at = rest.find(query.delimiter.as_str())?;
    Some(&key[..query.prefix.len() + at + query.delimiter.len()])
}

/// The least path that does not begin with this one; 0xff is in no UTF-8 text.
fn successor(mut path: Vec<u8>) -> Vec<u8> {
    path.push(0xff);
    path
}

fn walk<T>(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    query: &Query,
    tail: usize,
    read: impl Fn(&[u8], &[u8]) -> Result<T, Refusal>,
) -> Result<Page<T>, Refusal> {
    let floor = object_key(&query.bucket, &query.prefix);
    let key_at = query.bucket.len() + 1;
    let mut page = Page { entries: Vec::new(), more: false };
    if query.max == 0 {
        return Ok(page);
    }
    let mut from = start(query, tail);
    'seek: loop {
        for entry in table.range(from.as_slice()..)? {
            let (path, value) = entry?;
            let path = path.value();
            if !path.starts_with(&floor) {
                return Ok(page);
            }
            let (key, tail) = path[key_at..].split_at(path.len().saturating_sub(key_at + tail));
            let key = std::str::from_utf8(key).map_err(|_| Refusal::Storage("a key is not UTF-8".into()))?;
            if page.entries.len() == query.max {
                page.more = true;
                return Ok(page);
            }
            match (!query.delimiter.is_empty()).then(|| rolled(query, key)).flatten() {
                Some(prefix) => {
                    page.entries.push(Entry::Prefix(prefix.to_owned()));
                    from = successor(object_key(&query.bucket, prefix));
                    continue 'seek;
                }
                None => page.entries.push(Entry::Key(key.to_owned(), read(tail, value.value())?)),
            }
        }
        return Ok(page);
    }
}
