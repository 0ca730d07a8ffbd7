//! Release labels: what each one stands for, and which of EMR's rules hold from which release on.
//!
//! Pure data and functions of it. This room must not know what is installed on a machine (that is the
//! `firesteel-runtime` crate), nor which configuration a job gets from it.

mod build;
mod catalogue;

pub use build::{Span, SparkBuild, Version};

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// One release label and what EMR says of it (release guide, tables of the label).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// The label as a user writes it, e.g. `emr-7.13.0`.
    pub label: &'static str,
    /// Its place in time; releases are ordered by it.
    pub generation: Generation,
    /// Spark's version without Amazon's suffix, e.g. `3.5.6`.
    pub spark: &'static str,
    /// Hadoop's version in EMR's words. The Hadoop that really runs here is [`SparkBuild::hadoop`].
    pub hadoop: &'static str,
    /// Scala's version.
    pub scala: &'static str,
    /// Pythons of EMR's image, the default first.
    pub python: &'static [&'static str],
    /// Java's major versions of EMR's image, the default first.
    pub java: &'static [u16],
    /// Operating system of EMR's image: `AL2` or `AL2023`.
    pub os: &'static str,
}

/// When a release came: `emr-7.13.0` is 7, 13, 0. A preview comes before the release it announces: 8, 0, 0 and 8, 0, 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation {
    /// 6, 7 or 8.
    pub major: u16,
    /// Number of the release within it.
    pub minor: u16,
    /// 0, or 1 for a release that had a preview.
    pub step: u16,
}

/// All releases, oldest first.
pub fn all() -> &'static [Release] {
    catalogue::RELEASES
}

/// The release that `label` names, if there is one.
pub fn find(label: &str) -> Option<&'static Release> {
    all().iter().find(|release| release.label == label)
}

impl Release {
    /// The stock Apache Spark that runs jobs of this release here.
    pub fn build(&self) -> &'static SparkBuild {
        build::of(self.spark)
    }

    /// EMR maps `s3://` to S3A by itself from emr-7.10.0 on, to EMRFS before. (Here it is S3A always.)
    pub fn s3a_is_default(&self) -> bool {
        self.since(7, 10)
    }

    /// Applications get a scheduler configuration unasked from emr-7.3.0 on (user guide: concurrency and queuing).
    pub fn scheduler_default_on(&self) -> bool {
        self.since(7, 3)
    }

    /// The classifications `spark-driver-log4j2` and `spark-executor-log4j2` came with emr-6.8.0 (user guide: log4j2).
    pub fn log4j2_classifications(&self) -> bool {
        self.since(6, 8)
    }

    /// Applications may have a scheduler configuration from emr-7.0.0 on.
    pub fn schedules(&self) -> bool {
        self.since(7, 0)
    }

    /// Runs may be tried again, and may be streams, from emr-7.1.0 on (user guide: job resiliency, streaming jobs).
    pub fn retries_and_streams(&self) -> bool {
        self.since(7, 1)
    }

    /// A batch run has a time-out of seven days at most from emr-7.11.0 on.
    pub fn bounds_timeout(&self) -> bool {
        self.since(7, 11)
    }

    /// From emr-spark-8.1.0 on a run's configuration overrides an application's property by property, not as a
    /// whole classification.
    pub fn per_property_merge(&self) -> bool {
        self.since(8, 1)
    }

    /// Default of `spark.dynamicAllocation.maxExecutors`: 100 up to emr-6.9.0, then infinity (`None`).
    pub fn dynamic_allocation_max_default(&self) -> Option<u32> {
        (!self.since(6, 10)).then_some(100)
    }

    fn since(&self, major: u16, minor: u16) -> bool {
        (self.generation.major, self.generation.minor) >= (major, minor)
    }
}

impl PartialOrd for Release {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Release {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.generation.cmp(&other.generation)
    }
}

/// A release label as stored and sent. It may name a release that this catalogue does not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseLabel(Arc<str>);

impl ReleaseLabel {
    /// Takes the text as it is.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, shared.
    pub fn text(&self) -> Arc<str> {
        self.0.clone()
    }

    /// What the label stands for, or `None` if the catalogue does not know it.
    pub fn release(&self) -> Option<&'static Release> {
        find(&self.0)
    }
}

impl fmt::Display for ReleaseLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
