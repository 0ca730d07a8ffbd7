//! Class-data archives: classes as the JVM keeps them in memory, so that a start maps them instead of parsing jars.

use crate::error::InstallError;
use crate::runtime::{Runtime, SharedArchives};
use std::path::Path;

/// Which JVM of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The driver.
    Driver,
    /// An executor.
    Executor,
}

/// Packages that Spark reflects into; Spark 3.3 and later open them by themselves.
pub(crate) const OPENED_PACKAGES: &[&str] = &[
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.io",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
    "java.security.jgss/sun.security.krb5",
];

/// Options that use an archive if it fits and go on without it if it does not. The JVM's own log goes to standard
/// output unless it is told otherwise, where it would mix with the job's.
pub(crate) fn use_options(archive: &Path) -> Vec<String> {
    vec![
        format!("-XX:SharedArchiveFile={}", archive.display()),
        "-Xshare:auto".into(),
        "-Xlog:disable".into(),
        "-Xlog:all=error:stderr".into(),
    ]
}

/// Runs a real job with the runtime in `home` and keeps the classes that its driver and executor loaded.
pub(crate) fn train(_runtime: &Runtime, _home: &Path) -> Result<SharedArchives, InstallError> {
    Err(InstallError::Impossible("not yet".into()))
}
