//! The one place that knows how a runtime is installed: what the runner needs of it, and no more.

use firesteel_core::release::Version;
use firesteel_runtime::{Installer, Readiness, Role, Runtime};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A Spark that is ready to run on this worker.
#[derive(Clone, Debug)]
pub struct Installed {
    /// SPARK_HOME.
    pub spark_home: PathBuf,
    /// Spark's version.
    pub spark_version: String,
    /// Python of jobs that bring none.
    pub python: PathBuf,
    /// JAVA_HOME.
    pub java_home: PathBuf,
    /// The `java` program.
    pub java: PathBuf,
    /// Spark properties of the runtime: S3, committers, retries.
    pub defaults: BTreeMap<String, String>,
    /// Options of a driver's JVM: class-data archive, opened modules.
    pub driver_options: Vec<String>,
    /// The same for an executor's.
    pub executor_options: Vec<String>,
}

impl Installed {
    /// The runtime of `label` below the folder `runtimes`, or why there is none.
    pub fn find(runtimes: &Path, label: &str) -> Result<Self, String> {
        let installer = Installer::new(runtimes);
        if let Some(runtime) = installer.present(label) {
            return Ok(Self::of(&runtime));
        }
        match installer.readiness(label) {
            Readiness::Ready(runtime) => Ok(Self::of(&runtime)),
            Readiness::Missing => Err(format!("the runtime of {label} is not installed on this worker")),
            Readiness::Impossible(reason) => Err(format!("{label} cannot run on this worker: {reason}")),
        }
    }

    fn of(runtime: &Runtime) -> Self {
        let opened = runtime.java_options();
        // Executors of Spark 3.3 and later get theirs from the driver.
        let old =
            Version::parse(&runtime.spark_version).is_some_and(|version| version < Version::new(3, 3, 0));
        let options = |role, opened: &[String]| {
            let archive = runtime.cds_options(role, &runtime.java);
            archive.into_iter().chain(opened.iter().cloned()).collect::<Vec<_>>()
        };
        Self {
            spark_home: runtime.spark_home.clone(),
            spark_version: runtime.spark_version.clone(),
            python: runtime.python.clone(),
            java_home: runtime.java_home().to_owned(),
            java: runtime.java_executable(),
            defaults: runtime.defaults().into_iter().collect(),
            driver_options: options(Role::Driver, opened),
            executor_options: options(Role::Executor, if old { opened } else { &[] }),
        }
    }

    /// The runtime's jars as one class path entry. Nothing may stand before them if the class-data archive is to fit.
    pub fn jars(&self) -> String {
        format!("{}/jars/*", self.spark_home.display())
    }
}
