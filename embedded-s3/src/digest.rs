//! Entity tags and checksums: of one body in one pass, and of a whole from its parts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};

use crate::index::{Algorithm, Sum};

/// All algorithms, with the names that headers and listings give them.
pub const ALGORITHMS: [(Algorithm, &str); 5] = [
    (Algorithm::Crc32, "CRC32"),
    (Algorithm::Crc32c, "CRC32C"),
    (Algorithm::Crc64Nvme, "CRC64NVME"),
    (Algorithm::Sha1, "SHA1"),
    (Algorithm::Sha256, "SHA256"),
];

/// The name of an algorithm, as in `x-amz-checksum-algorithm`.
pub fn name(algorithm: Algorithm) -> &'static str {
    ALGORITHMS.iter().find(|(known, _)| *known == algorithm).map_or("", |(_, name)| name)
}

/// The algorithm of a name, in any case.
pub fn by_name(name: &str) -> Option<Algorithm> {
    ALGORITHMS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(algorithm, _)| *algorithm)
}

/// What S3 says when a checksum is not that of the body.
pub fn mismatch(algorithm: Algorithm) -> String {
    format!("The {} you specified did not match the calculated checksum.", name(algorithm))
}

/// One checksum being computed.
pub enum Hasher {
    /// CRC-32.
    Crc32(Crc32),
    /// CRC-32C.
    Crc32c(Crc32c),
    /// CRC-64/NVME.
    Crc64Nvme(Crc64Nvme),
    /// SHA-1.
    Sha1(Sha1),
    /// SHA-256.
    Sha256(Sha256),
}

impl Hasher {
    /// Begins.
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Hasher::Crc32(Crc32::new()),
            Algorithm::Crc32c => Hasher::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => Hasher::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => Hasher::Sha1(Sha1::new()),
            Algorithm::Sha256 => Hasher::Sha256(Sha256::new()),
        }
    }

    /// Takes in bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Crc32(hasher) => hasher.update(bytes),
            Hasher::Crc32c(hasher) => hasher.update(bytes),
            Hasher::Crc64Nvme(hasher) => hasher.update(bytes),
            Hasher::Sha1(hasher) => hasher.update(bytes),
            Hasher::Sha256(hasher) => hasher.update(bytes),
        }
    }

    /// The checksum in base64.
    pub fn finish(self) -> String {
        match self {
            Hasher::Crc32(hasher) => STANDARD.encode(hasher.finalize()),
            Hasher::Crc32c(hasher) => STANDARD.encode(hasher.finalize()),
            Hasher::Crc64Nvme(hasher) => STANDARD.encode(hasher.finalize()),
            Hasher::Sha1(hasher) => STANDARD.encode(hasher.finalize()),
            Hasher::Sha256(hasher) => STANDARD.encode(hasher.finalize()),
        }
    }
}

/// The MD5 of bytes, in hex.
pub fn md5_hex(bytes: &[u8]) -> String {
    let mut md5 = Md5::new();
    md5.update(bytes);
    hex::encode(md5.finalize())
}

/// The entity tag of a multipart object: the MD5 of its parts' MD5s, and their number.
pub fn etag_of_parts<'e>(etags: impl Iterator<Item = &'e str>) -> String {
    let (mut md5, mut count) = (Md5::new(), 0);
    for etag in etags {
        md5.update(&hex::decode(etag).unwrap_or_default());
        count += 1;
    }
    format!("{}-{count}", hex::encode(md5.finalize()))
}

/// The checksum of a whole from the checksums (base64) and lengths of its parts.
///
/// A composite one is the checksum of the parts' checksums; a full one exists only for the CRCs.
pub fn of_parts(algorithm: Algorithm, composite: bool, parts: &[(&str, u64)]) -> Option<Sum> {
    let value = if composite {
        let mut hasher = Hasher::new(algorithm);
        for (value, _) in parts {
            hasher.update(&STANDARD.decode(value).ok()?);
        }
        format!("{}-{}", hasher.finish(), parts.len())
    } else {
        let (crc, width) = match algorithm {
            Algorithm::Crc32 => (CrcAlgorithm::Crc32IsoHdlc, 4),
            Algorithm::Crc32c => (CrcAlgorithm::Crc32Iscsi, 4),
            Algorithm::Crc64Nvme => (CrcAlgorithm::Crc64Nvme, 8),
            Algorithm::Sha1 | Algorithm::Sha256 => return None,
        };
        let mut whole: Option<u64> = None;
        for (value, len) in parts {
            let bytes = STANDARD.decode(value).ok()?;
            let part = bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            whole = Some(whole.map_or(part, |whole| crc_fast::checksum_combine(crc, whole, part, *len)));
        }
        STANDARD.encode(&whole?.to_be_bytes()[8 - width..])
    };
    Some(Sum { algorithm, value, composite })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(algorithm: Algorithm, bytes: &[u8]) -> String {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    #[test]
    fn check_values_are_the_published_ones() {
        let table = [
            (Algorithm::Crc32, "y/Q5Jg=="),
            (Algorithm::Crc32c, "4waSgw=="),
            (Algorithm::Crc64Nvme, "rosUhgp5mIg="),
            (Algorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
            (Algorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ];
        for (algorithm, expected) in table {
            assert_eq!(sum(algorithm, b"123456789"), expected, "{algorithm:?}");
        }
    }

    #[test]
    fn etag_of_parts_is_md5_of_md5s() {
        let one = md5_hex(b"a");
        let both = [hex::decode(&one).unwrap(), hex::decode(&one).unwrap()].concat();
        let expected = format!("{}-2", md5_hex(&both));
        assert_eq!(etag_of_parts([one.as_str(), one.as_str()].into_iter()), expected);
    }

    proptest! {
        #[test]
        fn a_full_crc_of_parts_is_the_crc_of_the_whole(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 1..6)) {
            for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
                let sums: Vec<_> = parts.iter().map(|part| (sum(algorithm, part), part.len() as u64)).collect();
                let sums: Vec<_> = sums.iter().map(|(value, len)| (value.as_str(), *len)).collect();
                let whole = of_parts(algorithm, false, &sums).unwrap();
                prop_assert_eq!(whole.value, sum(algorithm, &parts.concat()));
            }
        }
    }
}
