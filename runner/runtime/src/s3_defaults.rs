//! Spark properties that make `s3://`, `s3n://` and `s3a://` one thing, write through the magic committer, and last
//! through ten minutes without S3. A pure function of the versions of Spark and Hadoop.
//!
//! # How long S3A waits
//!
//! Two loops, one inside the other. The SDK tries a request `1 + fs.s3a.attempts.maximum` times with short pauses
//! (at most 20 s each; it stops sooner when its bucket of retries is empty, so nothing is counted on it). Around it,
//! S3A retries `fs.s3a.retry.limit` times and sleeps `interval × 2^n × random(0.5 to 1.5)` before the n-th retry,
//! n = 1…limit: in all `interval × (2^(limit+1) − 2)` on average, half of it at the least. With stock values
//! (500 ms, 7) that is 127 s on average on every Hadoop. On Hadoop 3.3 the SDK's loop of 20 comes on top and makes
//! it a silence of more than 11 minutes; on 3.4 it is 5, and jobs fail after two minutes.
//!
//! Here: 300 ms and 11, so 1228 s on average, 614 s at the least, 1842 s at the most; and 5 attempts inside. When
//! S3 comes back after t seconds, a waiting call notices within about 1.5 × t more. A "slow down" (503) has its own
//! pair, 100 ms and 13: 1638 s on average, 819 s at the least (stock: 20 retries, which is 58 hours).
//!
//! If S3 neither answers nor refuses, each attempt first lasts the connect or read timeout: with 15 s, six attempts
//! and twelve rounds that adds 18 minutes; a server that accepts and stays mute (60 s) adds 72.

use firesteel_core::release::Version;

const RETRY_LIMIT: u32 = 11;
const RETRY_INTERVAL_MS: u64 = 300;
const THROTTLE_LIMIT: u32 = 13;
const THROTTLE_INTERVAL_MS: u64 = 100;
const SDK_ATTEMPTS: u32 = 5;
const READ_TIMEOUT_MS: u64 = 60_000;

const S3A: &str = "org.apache.hadoop.fs.s3a.S3AFileSystem";
const OLD_API: &str = "io.firesteel.spark.OldApiCommitter";
const FACTORY: &str = "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory";

/// The properties for this Spark on this Hadoop. The endpoint, path-style access, region and credentials are the
/// caller's to add; so is `spark.hadoop.fs.s3a.buffer.dir`, which is the worker's.
///
/// All output goes through the magic committer; that of Spark SQL in every format, with working dynamic partition overwrite
/// (which needs `SQLHadoopMapReduceCommitProtocol` by name: Spark 4.1 has another default). The committer keys only
/// work together: the factory alone makes dynamic overwrite append without an error.
pub fn s3_defaults(spark: &str, hadoop: &str) -> Vec<(&'static str, String)> {
    let committer = committer_class(spark);
    let mut pairs = vec![
        ("spark.hadoop.fs.s3.impl", S3A),
        ("spark.hadoop.fs.s3n.impl", S3A),
        ("spark.hadoop.fs.s3a.committer.name", "magic"),
        ("spark.hadoop.fs.s3a.committer.magic.enabled", "true"),
        ("spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3", FACTORY),
        ("spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3n", FACTORY),
        ("spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3a", FACTORY),
        // The old API (saveAsTextFile) names its committer by itself, and asks no factory.
        ("spark.hadoop.mapred.output.committer.class", OLD_API),
        ("spark.sql.sources.outputCommitterClass", committer),
        ("spark.sql.parquet.output.committer.class", committer),
        (
            "spark.sql.sources.commitProtocolClass",
            "org.apache.spark.sql.execution.datasources.SQLHadoopMapReduceCommitProtocol",
        ),
        ("spark.hadoop.fs.AbstractFileSystem.s3.impl", file_context_class(hadoop)),
        ("spark.hadoop.fs.AbstractFileSystem.s3n.impl", file_context_class(hadoop)),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.to_owned()))
    .collect::<Vec<_>>();
    pairs.extend(patience(hadoop));
    pairs
}

/// Spark's binding comes in spark-hadoop-cloud; where that is not served, ours does the same.
fn committer_class(spark: &str) -> &'static str {
    match Version::parse(spark) >= Some(Version::new(3, 4, 0)) {
        true => "org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter",
        false => "io.firesteel.spark.FactoryCommitter",
    }
}

/// For users of FileContext (checkpoints of streams). Hadoop 3.3's own class refuses every scheme but `s3a`.
fn file_context_class(hadoop: &str) -> &'static str {
    match is_3_4(hadoop) {
        true => "org.apache.hadoop.fs.s3a.S3A",
        false => "io.firesteel.spark.S3Afs",
    }
}

/// Plain numbers are milliseconds on every Hadoop; 3.3 does not read units in the two timeouts. 3.4 raises a shorter
/// connect timeout to 15 s anyway.
fn patience(hadoop: &str) -> Vec<(&'static str, String)> {
    let connect_timeout_ms: u64 = if is_3_4(hadoop) { 15_000 } else { 5_000 };
    vec![
        ("spark.hadoop.fs.s3a.attempts.maximum", SDK_ATTEMPTS.to_string()),
        ("spark.hadoop.fs.s3a.retry.limit", RETRY_LIMIT.to_string()),
        ("spark.hadoop.fs.s3a.retry.interval", format!("{RETRY_INTERVAL_MS}ms")),
        ("spark.hadoop.fs.s3a.retry.throttle.limit", THROTTLE_LIMIT.to_string()),
        ("spark.hadoop.fs.s3a.retry.throttle.interval", format!("{THROTTLE_INTERVAL_MS}ms")),
        ("spark.hadoop.fs.s3a.connection.establish.timeout", connect_timeout_ms.to_string()),
        ("spark.hadoop.fs.s3a.connection.timeout", READ_TIMEOUT_MS.to_string()),
    ]
}

fn is_3_4(hadoop: &str) -> bool {
    Version::parse(hadoop) >= Some(Version::new(3, 4, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_core::release::all;
    use std::collections::BTreeSet;

    /// Sum of S3A's sleeps in milliseconds, for a constant value of its random factor, as the properties say it.
    fn sleeps_ms(pairs: &[(&str, String)], limit: &str, interval: &str, factor: f64) -> f64 {
        let value =
            |name: &str| pairs.iter().find(|(n, _)| n.ends_with(name)).map(|(_, v)| v.clone()).unwrap();
        let retries: u32 = value(limit).parse().unwrap();
        let interval: f64 = value(interval).strip_suffix("ms").unwrap().parse().unwrap();
        (1..=retries).map(|n| interval * 2f64.powi(n as i32) * factor).sum()
    }

    #[test]
    fn stock_values_give_the_measured_two_minutes() {
        let stock = [("retry.limit", "7".to_owned()), ("retry.interval", "500ms".to_owned())];
        assert_eq!(sleeps_ms(&stock, "retry.limit", "retry.interval", 1.0), 127_000.0);
    }

    #[test]
    fn ten_minutes_without_s3_are_survived_and_an_hour_is_not() {
        const MINUTE: f64 = 60_000.0;
        for release in all() {
            let build = release.build();
            let pairs = s3_defaults(build.spark, build.hadoop);
            for (limit, interval) in
                [("a.retry.limit", "a.retry.interval"), ("throttle.limit", "throttle.interval")]
            {
                let least = sleeps_ms(&pairs, limit, interval, 0.5);
                let most = sleeps_ms(&pairs, limit, interval, 1.5);
                assert!(least >= 10.0 * MINUTE, "{} {limit}: {least}", release.label);
                assert!(most <= 45.0 * MINUTE, "{} {limit}: {most}", release.label);
            }
        }
    }

    #[test]
    fn no_property_is_named_twice_and_none_says_where_s3_is() {
        for release in all() {
            let build = release.build();
            let pairs = s3_defaults(build.spark, build.hadoop);
            let names: BTreeSet<&str> = pairs.iter().map(|(name, _)| *name).collect();
            assert_eq!(names.len(), pairs.len());
            for place in ["endpoint", "region", "path.style", "credentials", "key"] {
                assert!(!names.iter().any(|name| name.contains(place)), "{place}");
            }
        }
    }

    #[test]
    fn classes_follow_the_versions() {
        let class = |spark, hadoop, wanted: &str| {
            let pairs = s3_defaults(spark, hadoop);
            pairs.into_iter().find(|(name, _)| *name == wanted).map(|(_, value)| value).unwrap()
        };
        let (committer, streams) =
            ("spark.sql.sources.outputCommitterClass", "spark.hadoop.fs.AbstractFileSystem.s3.impl");
        for (spark, hadoop, binding, file_context) in [
            ("3.2.1", "3.3.1", "io.firesteel.spark.FactoryCommitter", "io.firesteel.spark.S3Afs"),
            ("3.3.2", "3.3.2", "io.firesteel.spark.FactoryCommitter", "io.firesteel.spark.S3Afs"),
            (
                "3.4.0",
                "3.3.4",
                "org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter",
                "io.firesteel.spark.S3Afs",
            ),
            (
                "4.1.1",
                "3.4.2",
                "org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter",
                "org.apache.hadoop.fs.s3a.S3A",
            ),
        ] {
            assert_eq!(class(spark, hadoop, committer), binding);
            assert_eq!(class(spark, hadoop, streams), file_context);
        }
    }
}
