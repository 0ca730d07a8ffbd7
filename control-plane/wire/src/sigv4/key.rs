//! The key that signs: derived from a secret for one day, region and service; the same for all requests of that day, so worth keeping.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A derived signing key. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey([u8; 32]);

impl SigningKey {
    /// Derives the key of a secret for a day (`YYYYMMDD`), region and service: four HMACs.
    pub fn derive(secret: &str, day: &str, region: &str, service: &str) -> Self {
        let by_day = hmac(format!("AWS4{secret}").as_bytes(), &[day.as_bytes()]);
        let by_region = hmac(&by_day, &[region.as_bytes()]);
        let by_service = hmac(&by_region, &[service.as_bytes()]);
        Self(hmac(&by_service, &[b"aws4_request"]))
    }

    /// The signature over a canonical request's hash, at a date (`YYYYMMDDTHHMMSSZ`) and credential scope (`day/region/service/aws4_request`).
    pub(super) fn signature(&self, date: &str, scope: &str, canonical_sha256: &[u8; 32]) -> [u8; 32] {
        let mut hash = [0u8; 64];
        let hash: &[u8] = match hex::encode_to_slice(canonical_sha256, &mut hash) {
            Ok(()) => &hash,
            Err(_) => &[],
        };
        hmac(&self.0, &[b"AWS4-HMAC-SHA256\n", date.as_bytes(), b"\n", scope.as_bytes(), b"\n", hash])
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

fn hmac(key: &[u8], pieces: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length: the error is of the trait, not of this algorithm.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    pieces.iter().for_each(|piece| mac.update(piece));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_key() {
        // From AWS's documentation of signing keys.
        let key =
            SigningKey::derive("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam");
        assert_eq!(hex::encode(key.0), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
        assert_eq!(format!("{key:?}"), "SigningKey(…)");
    }
}
