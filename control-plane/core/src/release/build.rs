//! The stock Apache Spark behind a release: which pyspark, Hadoop and cloud jar go together, and on what they run.
//!
//! Hadoop is the one inside that pyspark, not the one EMR names: `hadoop-aws` must be of exactly that version.

use std::fmt;

/// A dotted version of two or three numbers, compared number by number; `3.11` is `3.11.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
    /// Third number, 0 where there is none.
    pub patch: u16,
}

impl Version {
    /// A version of three numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }

    /// Reads `3.5.6`, `3.5` or `17`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|part| part.parse::<u16>().ok());
        let major = numbers.next()??;
        let minor = numbers.next().unwrap_or(Some(0))?;
        let patch = numbers.next().unwrap_or(Some(0))?;
        numbers.next().is_none().then_some(Self { major, minor, patch })
    }

    /// Major and minor, which is what Spark calls a line: 3.5, 4.0.
    pub fn line(self) -> (u16, u16) {
        (self.major, self.minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// An inclusive range of versions, e.g. Python 3.8 to 3.12 or Java 8 to 17. The bounds are (major, minor).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Lowest that will do.
    pub low: (u16, u16),
    /// Highest that will do.
    pub high: (u16, u16),
}

impl Span {
    /// Is this version inside?
    pub fn holds(&self, version: (u16, u16)) -> bool {
        (self.low..=self.high).contains(&version)
    }
}

/// A stock Spark and what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SparkBuild {
    /// Version of Spark and of `pyspark` on PyPI.
    pub spark: &'static str,
    /// Version of the Hadoop client inside it; `hadoop-aws` must be the same.
    pub hadoop: &'static str,
    /// Version of `spark-hadoop-cloud` to put beside it: the newest served of the same line, whose classes are the
    /// same; `None` where none of the line is served (3.3) or the jar is of another kind (3.2).
    pub cloud: Option<&'static str>,
    /// Scala's suffix in artifact names: `2.12` or `2.13`.
    pub scala: &'static str,
    /// Pythons that its pyspark runs on.
    pub python: Span,
    /// Java's major versions that it runs on, as (major, 0).
    pub java: Span,
}

/// What is the same for all patches of one Spark line.
struct Line {
    cloud: Option<&'static str>,
    scala: &'static str,
    python: Span,
    java: Span,
}

const fn span(low: (u16, u16), high: (u16, u16)) -> Span {
    Span { low, high }
}

// Python's upper bounds: up to 3.3 the bundled cloudpickle cannot read the byte code of 3.11, 3.4's none of 3.12.
// Spark 3.2 does not name Java 17 but runs on it with the add-opens that later versions set by themselves.
const LINE_3_2: Line =
    Line { cloud: None, scala: "2.12", python: span((3, 6), (3, 10)), java: span((8, 0), (17, 0)) };
const LINE_3_3: Line =
    Line { cloud: None, scala: "2.12", python: span((3, 7), (3, 10)), java: span((8, 0), (17, 0)) };
const LINE_3_4: Line =
    Line { cloud: Some("3.4.3"), scala: "2.12", python: span((3, 7), (3, 11)), java: span((8, 0), (17, 0)) };
const LINE_3_5: Line =
    Line { cloud: Some("3.5.8"), scala: "2.12", python: span((3, 8), (3, 12)), java: span((8, 0), (17, 0)) };
const LINE_4_0: Line =
    Line { cloud: Some("4.0.2"), scala: "2.13", python: span((3, 9), (3, 13)), java: span((17, 0), (21, 0)) };
const LINE_4_1: Line = Line {
    cloud: Some("4.1.1"),
    scala: "2.13",
    python: span((3, 10), (3, 14)),
    java: span((17, 0), (21, 0)),
};

const BUILDS: &[SparkBuild] = &[
    build("3.2.0", "3.3.1", LINE_3_2),
    build("3.2.1", "3.3.1", LINE_3_2),
    build("3.3.0", "3.3.2", LINE_3_3),
    build("3.3.1", "3.3.2", LINE_3_3),
    build("3.3.2", "3.3.2", LINE_3_3),
    build("3.4.0", "3.3.4", LINE_3_4),
    build("3.4.1", "3.3.4", LINE_3_4),
    build("3.5.0", "3.3.4", LINE_3_5),
    build("3.5.1", "3.3.4", LINE_3_5),
    build("3.5.2", "3.3.4", LINE_3_5),
    build("3.5.3", "3.3.4", LINE_3_5),
    build("3.5.4", "3.3.4", LINE_3_5),
    build("3.5.5", "3.3.4", LINE_3_5),
    build("3.5.6", "3.3.4", LINE_3_5),
    build("3.5.8", "3.3.4", LINE_3_5),
    build("4.0.1", "3.4.1", LINE_4_0),
    build("4.0.2", "3.4.1", LINE_4_0),
    build("4.1.1", "3.4.2", LINE_4_1),
];

const fn build(spark: &'static str, hadoop: &'static str, line: Line) -> SparkBuild {
    SparkBuild { spark, hadoop, cloud: line.cloud, scala: line.scala, python: line.python, java: line.java }
}

/// The build of a Spark version of the catalogue. Every release has one: a test walks them all.
pub(super) fn of(spark: &str) -> &'static SparkBuild {
    BUILDS.iter().find(|build| build.spark == spark).unwrap_or(&BUILDS[BUILDS.len() - 1])
}
