//! Spark properties that make `s3://`, `s3n://` and `s3a://` one thing, write through the magic committer, and last
//! through ten minutes without S3. A pure function of the versions of Spark and Hadoop.

/// tbd
pub fn s3_defaults(_spark: &str, _hadoop: &str) -> Vec<(&'static str, String)> {
    Vec::new()
}
