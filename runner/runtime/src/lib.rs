//! A release as installed on a machine: which files make it up, how they get there, what a job gets from them.
//!
//! This room knows Python, Java, pip and Maven of the machine it runs on. It must not know applications, job runs,
//! workers or where S3 is: endpoints and credentials are the runner's to add.

mod cds;
mod command;
mod error;
mod install;
mod machine;
mod runtime;
mod s3_defaults;

pub use cds::Role;
pub use error::InstallError;
pub use install::{Installer, Readiness};
pub use machine::{Java, Python};
pub use runtime::{Archive, Runtime, SharedArchives};
pub use s3_defaults::s3_defaults;
