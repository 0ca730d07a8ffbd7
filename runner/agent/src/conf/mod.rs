//! Spark's final configuration: who says what, and what the service says last.
//!
//! `properties` merges, `log4j` and `files` write what Spark reads. Pure but for `files`. This room must not know how
//! processes are started.

mod files;
mod log4j;
mod properties;

pub use files::{write_driver_folder, write_executor_folder};
pub use log4j::log4j2;
pub use properties::{Bound, Given, driver, lists, read_properties_file};
