//! A small body that s3s reads whole, hashed while it does: its checksums are compared by whoever acts on it.

use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use http_body_util::BodyExt;
use s3s::crypto::{Checksum as _, Md5};
use s3s::{Body, S3Result, s3_error};

use super::receive::check_md5;
use crate::digest::{self, Hasher};
use crate::index::Algorithm;

/// What was said of a body, and what has come of it.
#[derive(Clone)]
pub struct Observed(Arc<Mutex<Sums>>);

struct Sums {
    md5: Option<(String, Md5)>,
    sums: Vec<(Algorithm, String, Hasher)>,
}

impl Observed {
    /// What these headers say of their body.
    pub fn new(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
        let sums = digest::ALGORITHMS.iter().filter_map(|(algorithm, name)| {
            let claimed = text(&format!("x-amz-checksum-{}", name.to_ascii_lowercase()))?;
            Some((*algorithm, claimed, Hasher::new(*algorithm)))
        });
        let md5 = text("content-md5").map(|claimed| (claimed, Md5::new()));
        Self(Arc::new(Mutex::new(Sums { md5, sums: sums.collect() })))
    }

    /// The same body, seen.
    pub fn watch(&self, body: Body) -> Body {
        let sums = self.0.clone();
        Body::http_body_unsync(body.map_frame(move |frame| {
            if let Some(bytes) = frame.data_ref() {
                let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
                sums.md5.iter_mut().for_each(|(_, md5)| md5.update(bytes));
                sums.sums.iter_mut().for_each(|(_, _, hasher)| hasher.update(bytes));
            }
            frame
        }))
    }

    /// Whether the body, which has been read, is what was said of it.
    pub fn verify(&self) -> S3Result<()> {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((claimed, md5)) = sums.md5.take() {
            check_md5(&claimed, &md5.finalize())?;
        }
        for (algorithm, claimed, hasher) in sums.sums.drain(..) {
            if hasher.finish() != claimed {
                return Err(s3_error!(BadDigest, "{}", digest::mismatch(algorithm)));
            }
        }
        Ok(())
    }
}
