//! The table of releases, oldest first. Source: EMR Serverless release-version pages and the release guide.

use super::{Generation, Release};

/// Python, Java and system of an image, shared by a run of releases.
type Image = (&'static [&'static str], &'static [u16], &'static str);

const AL2: Image = (&["3.7", "2.7"], &[8], "AL2");
const AL2_JAVA_17: Image = (&["3.7", "2.7"], &[8, 17], "AL2");
const AL2023_FIRST: Image = (&["3.9"], &[17], "AL2023");
const AL2023: Image = (&["3.9", "3.11"], &[17], "AL2023");
const AL2023_PY_311: Image = (&["3.11", "3.9"], &[17], "AL2023");
const PREVIEW_8: Image = (&["3.9", "3.11", "3.12"], &[17], "AL2023");
const SPARK_8: Image = (&["3.11", "3.13"], &[17, 21], "AL2023");

pub(super) const RELEASES: &[Release] = &[
    row("emr-6.6.0", (6, 6, 0), "3.2.0", "3.2.1", "2.12.10", AL2),
    row("emr-6.7.0", (6, 7, 0), "3.2.1", "3.2.1", "2.12.15", AL2),
    row("emr-6.8.0", (6, 8, 0), "3.3.0", "3.2.1", "2.12.15", AL2),
    row("emr-6.9.0", (6, 9, 0), "3.3.0", "3.3.3", "2.12.15", AL2),
    row("emr-6.10.0", (6, 10, 0), "3.3.1", "3.3.3", "2.12.15", AL2),
    row("emr-6.11.0", (6, 11, 0), "3.3.2", "3.3.3", "2.12.15", AL2_JAVA_17),
    row("emr-6.12.0", (6, 12, 0), "3.4.0", "3.3.3", "2.12.15", AL2_JAVA_17),
    row("emr-6.13.0", (6, 13, 0), "3.4.1", "3.3.3", "2.12.15", AL2_JAVA_17),
    row("emr-6.14.0", (6, 14, 0), "3.4.1", "3.3.3", "2.12.15", AL2_JAVA_17),
    row("emr-6.15.0", (6, 15, 0), "3.4.1", "3.3.6", "2.12.15", AL2_JAVA_17),
    row("emr-7.0.0", (7, 0, 0), "3.5.0", "3.3.6", "2.12.17", AL2023_FIRST),
    row("emr-7.1.0", (7, 1, 0), "3.5.0", "3.3.6", "2.12.17", AL2023),
    row("emr-7.2.0", (7, 2, 0), "3.5.1", "3.3.6", "2.12.17", AL2023),
    row("emr-7.3.0", (7, 3, 0), "3.5.1", "3.3.6", "2.12.18", AL2023),
    row("emr-7.4.0", (7, 4, 0), "3.5.2", "3.4.0", "2.12.18", AL2023),
    row("emr-7.5.0", (7, 5, 0), "3.5.2", "3.4.0", "2.12.18", AL2023),
    row("emr-7.6.0", (7, 6, 0), "3.5.3", "3.4.0", "2.12.18", AL2023),
    row("emr-7.7.0", (7, 7, 0), "3.5.3", "3.4.0", "2.12.18", AL2023),
    row("emr-7.8.0", (7, 8, 0), "3.5.4", "3.4.1", "2.12.18", AL2023),
    row("emr-7.9.0", (7, 9, 0), "3.5.5", "3.4.1", "2.12.18", AL2023),
    row("emr-7.10.0", (7, 10, 0), "3.5.5", "3.4.1", "2.12.18", AL2023),
    row("emr-7.11.0", (7, 11, 0), "3.5.6", "3.4.1", "2.12.18", AL2023),
    row("emr-7.12.0", (7, 12, 0), "3.5.6", "3.4.1", "2.12.18", AL2023),
    row("emr-7.13.0", (7, 13, 0), "3.5.6", "3.4.2", "2.12.18", AL2023_PY_311),
    row("emr-7.14.0", (7, 14, 0), "3.5.8", "3.4.2", "2.12.18", AL2023_PY_311),
    row("emr-spark-8.0-preview", (8, 0, 0), "4.0.1", "3.4.1", "2.13.16", PREVIEW_8),
    row("emr-spark-8.0.0", (8, 0, 1), "4.0.2", "3.4.2", "2.13.16", SPARK_8),
    row("emr-spark-8.1.0", (8, 1, 0), "4.1.1", "3.4.2", "2.13.17", SPARK_8),
];

const fn row(
    label: &'static str,
    (major, minor, step): (u16, u16, u16),
    spark: &'static str,
    hadoop: &'static str,
    scala: &'static str,
    (python, java, os): Image,
) -> Release {
    Release { label, generation: Generation { major, minor, step }, spark, hadoop, scala, python, java, os }
}
