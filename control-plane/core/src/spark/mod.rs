//! What a run asks of Spark, as values: its submit parameters, the merged configuration, the sizes that follow.
//!
//! Used by the control plane to size a run when it is submitted, and by the runner to start it: both must read the
//! same words the same way. Nothing here knows files, the wire or a running Spark.

pub mod classification;
pub mod emrfs;
pub mod memory;
pub mod monitoring;
pub mod owned;
pub mod parameters;
pub mod precedence;
pub mod sizes;
mod words;

use std::collections::BTreeMap;

/// Spark properties: key → value.
pub type Properties = BTreeMap<String, String>;

/// Configuration by classification: `spark-defaults`, `spark-driver-log4j2`, … → properties.
pub type Configuration = BTreeMap<String, Properties>;

pub use classification::ClassificationError;
pub use owned::OwnedProperty;
pub use parameters::{ParameterError, SparkSubmit};
pub use sizes::{RunSizes, SizesError};
