//! The S3 operations: s3s's trait, each operation in the file of its kind.
//!
//! This room turns requests into questions to the index and answers into responses. It decides
//! no condition and no right: conditions are decided in the commit, rights in `access`.

mod alike;
mod answer;
mod attributes;
mod buckets;
mod copy;
mod delete;
mod get;
mod list;
mod multipart;
mod operations;
mod plain;
mod put;
mod request;
mod tagging;
mod versions;

use std::sync::Arc;

use crate::blobs::Blobs;
use crate::index::Index;

/// The S3 operations over one index.
#[derive(Debug, Clone)]
pub struct Api {
    pub(crate) index: Arc<Index>,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) region: String,
    pub(crate) account: String,
}
