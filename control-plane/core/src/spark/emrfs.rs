//! Settings of EMRFS, EMR's own file system on S3, in the words of S3A, which serves `s3://` here.
//!
//! Source: EMR release guide, emr-s3a-migrate (the translation of emr-7.10.0 and later).

use super::Properties;

/// EMRFS → S3A, where the value is the same. The names of encryption are the old ones, which every Hadoop reads.
const SAME: [(&str, &str); 6] = [
    ("fs.s3.maxConnections", "fs.s3a.connection.maximum"),
    ("fs.s3.canned.acl", "fs.s3a.acl.default"),
    ("fs.s3.multipart.uploads.split.size", "fs.s3a.multipart.size"),
    ("fs.s3.serverSideEncryption.kms.keyId", "fs.s3a.server-side-encryption.key"),
    ("fs.s3.buffer.dir", "fs.s3a.buffer.dir"),
    ("fs.s3.threadpool.size", "fs.s3a.threads.max"),
];
const ENCRYPTION: &str = "fs.s3.enableServerSideEncryption";
const KEY: &str = "fs.s3.serverSideEncryption.kms.keyId";

/// What S3A can make of EMRFS settings (`fs.s3.*`, without `spark.hadoop.`), and the keys that mean nothing to it.
pub fn to_s3a(emrfs: &Properties) -> (Properties, Vec<String>) {
    let (mut s3a, mut unknown) = (Properties::new(), Vec::new());
    for (key, value) in emrfs {
        match SAME.iter().find(|(emrfs, _)| emrfs == key) {
            Some((_, name)) => {
                s3a.insert((*name).to_owned(), value.clone());
            }
            None if key == ENCRYPTION => {}
            // Said to S3A in its own words already.
            None if key.starts_with("fs.s3a.") => {
                s3a.insert(key.clone(), value.clone());
            }
            None => unknown.push(key.clone()),
        }
    }
    let on = emrfs.get(ENCRYPTION).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    if on || emrfs.contains_key(KEY) {
        let algorithm = if emrfs.contains_key(KEY) { "SSE-KMS" } else { "AES256" };
        s3a.insert("fs.s3a.server-side-encryption-algorithm".to_owned(), algorithm.to_owned());
    }
    (s3a, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emrfs_in_the_words_of_s3a() {
        let emrfs = [
            ("fs.s3.maxConnections", "200"),
            ("fs.s3.enableServerSideEncryption", "true"),
            ("fs.s3.consistent", "true"),
            ("fs.s3a.endpoint.region", "eu-west-1"),
        ];
        let emrfs = emrfs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let (s3a, unknown) = to_s3a(&Properties::from(emrfs));
        let expected = [
            ("fs.s3a.connection.maximum", "200"),
            ("fs.s3a.server-side-encryption-algorithm", "AES256"),
            ("fs.s3a.endpoint.region", "eu-west-1"),
        ];
        assert_eq!(s3a, Properties::from(expected.map(|(key, value)| (key.to_owned(), value.to_owned()))));
        assert_eq!(unknown, ["fs.s3.consistent"]);
        let key = Properties::from([(KEY.to_owned(), "arn:aws:kms:x".to_owned())]);
        assert_eq!(to_s3a(&key).0["fs.s3a.server-side-encryption-algorithm"], "SSE-KMS");
        assert_eq!(
            to_s3a(&Properties::from([(ENCRYPTION.to_owned(), "false".to_owned())])).0,
            Properties::new()
        );
    }
}
