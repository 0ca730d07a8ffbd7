//! An installed runtime and its manifest, `runtime.json`.

use crate::cds::{self, Role};
use crate::error::InstallError;
use crate::machine::{Java, Python};
use crate::s3_defaults::s3_defaults;
use firesteel_core::release::SparkBuild;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// Number of the layout on disk; a change of what is installed changes it, and old installations are not used.
pub(crate) const LAYOUT: u32 = 3;

const MANIFEST: &str = "runtime.json";

/// A release as installed on this machine. Paths are absolute if the cache's path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// The label it was asked for by; labels of one Spark version share the rest.
    pub label: String,
    /// Spark's version as installed, e.g. `3.5.6`.
    pub spark_version: String,
    /// Version of Hadoop in it.
    pub hadoop_version: String,
    /// Folder of the installation.
    pub home: PathBuf,
    /// SPARK_HOME, laid out as a Spark distribution (`bin`, `jars`, `python/lib`).
    pub spark_home: PathBuf,
    /// `SPARK_HOME/jars`. The S3 jars and ours are in it: `jars/*` is the whole class path.
    pub jars_dir: PathBuf,
    /// Python of drivers and workers that bring none of their own.
    pub python: PathBuf,
    /// Version of that Python, e.g. `3.11.7`.
    pub python_version: String,
    /// The JDK it runs on.
    pub java: Java,
    /// See [`Runtime::java_options`].
    pub(crate) java_options: Vec<String>,
    /// Class-data archives, if they were made for this JDK.
    pub cds: Option<SharedArchives>,
}

/// Class-data archives of one JDK build over one jar folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedArchives {
    /// [`Java::build`] they were made with.
    pub java_build: String,
    /// For drivers.
    pub driver: Archive,
    /// For executors.
    pub executor: Archive,
}

/// One class-data archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// Path below the installation.
    pub file: PathBuf,
    /// Its size. The JVM does not check it: a file cut short kills the JVM, where any other misfit is passed over.
    pub bytes: u64,
}

impl Archive {
    /// Is the file there and whole?
    pub(crate) fn is_whole(&self, home: &Path) -> bool {
        fs::metadata(home.join(&self.file)).is_ok_and(|found| found.len() == self.bytes)
    }
}

impl Runtime {
    /// JAVA_HOME.
    pub fn java_home(&self) -> &Path {
        &self.java.home
    }

    /// The `java` program.
    pub fn java_executable(&self) -> PathBuf {
        self.java.java()
    }

    /// `bin/spark-submit`.
    pub fn spark_submit(&self) -> PathBuf {
        self.spark_home.join("bin/spark-submit")
    }

    /// Class path of a JVM of this runtime, given Spark's `extraClassPath` and the folder of its configuration.
    ///
    /// Extra entries come first, as Spark has it, for users shadow classes with them; they switch the class-data
    /// archive off. The configuration folder comes last, which the archive needs: no jar holds a file of its names.
    pub fn class_path(&self, extra: Option<&str>, conf: &Path) -> String {
        let jars = format!("{}/*", self.jars_dir.display());
        let parts = [extra.unwrap_or(""), &jars, &conf.to_string_lossy()].map(str::to_owned);
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(":")
    }

    /// PYTHONPATH that Spark would set: its own Python and py4j, as archives with byte code.
    pub fn python_path(&self) -> String {
        let lib = self.spark_home.join("python/lib");
        let mut zips: Vec<PathBuf> = fs::read_dir(&lib)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "zip"))
            .collect();
        zips.sort_by_key(|path| !path.ends_with("pyspark.zip"));
        zips.iter().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>().join(":")
    }

    /// JVM options that switch the class-data archive of this role on for this JDK; none if there is no archive for
    /// it, or not whole. A stale one is passed over by the JVM without a word.
    pub fn cds_options(&self, role: Role, java: &Java) -> Vec<String> {
        match &self.cds {
            Some(archives) if archives.java_build == java.build && archives.of(role).is_whole(&self.home) => {
                cds::use_options(&self.home.join(&archives.of(role).file))
            }
            _ => Vec::new(),
        }
    }

    /// JVM options that Spark's launcher would add for this JDK (opened packages and the like). Whoever starts a
    /// driver without `bin/spark-submit` puts them first; executors get theirs from the driver, except from Spark 3.2.
    pub fn java_options(&self) -> &[String] {
        &self.java_options
    }

    /// Spark properties that a job gets from the runtime: S3 by every scheme, committers, retries. The endpoint, its
    /// region and credentials are not among them.
    pub fn defaults(&self) -> Vec<(String, String)> {
        let pairs = s3_defaults(&self.spark_version, &self.hadoop_version);
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl SharedArchives {
    fn of(&self, role: Role) -> &Archive {
        match role {
            Role::Driver => &self.driver,
            Role::Executor => &self.executor,
        }
    }
}

/// What is written in the installation; paths that never change are not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    layout: u32,
    /// Spark's version that the catalogue names.
    spark_asked: String,
    spark_version: String,
    hadoop_version: String,
    python_version: String,
    pub(crate) java: Java,
    java_options: Vec<String>,
    /// Revision of our Java classes in it.
    #[serde(default)]
    pub(crate) module: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) archives: Option<SharedArchives>,
}

impl Manifest {
    pub(crate) fn new(
        build: &SparkBuild,
        spark_version: &str,
        python: &Python,
        java: &Java,
        java_options: Vec<String>,
        module: String,
    ) -> Self {
        Self {
            layout: LAYOUT,
            spark_asked: build.spark.to_owned(),
            spark_version: spark_version.to_owned(),
            hadoop_version: build.hadoop.to_owned(),
            python_version: python.version.clone(),
            java: java.clone(),
            java_options,
            module,
            archives: None,
        }
    }

    /// The manifest of an installation, if it has one of this layout.
    pub(crate) fn read(home: &Path) -> Option<Self> {
        let text = fs::read(home.join(MANIFEST)).ok()?;
        serde_json::from_slice(&text).ok().filter(|manifest: &Self| manifest.layout == LAYOUT)
    }

    /// Writes it whole or not at all.
    pub(crate) fn write(&self, home: &Path) -> Result<(), InstallError> {
        let (part, whole) = (home.join("runtime.json.part"), home.join(MANIFEST));
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| InstallError::io("write the manifest")(error.into()))?;
        fs::write(&part, text).map_err(InstallError::io(format!("write {}", part.display())))?;
        fs::rename(&part, &whole).map_err(InstallError::io(format!("rename to {}", whole.display())))
    }

    pub(crate) fn runtime(&self, label: &str, home: &Path) -> Runtime {
        let spark_home = home.join("spark");
        Runtime {
            label: label.to_owned(),
            spark_version: self.spark_version.clone(),
            hadoop_version: self.hadoop_version.clone(),
            home: home.to_path_buf(),
            jars_dir: spark_home.join("jars"),
            spark_home,
            python: home.join("python/bin/python3"),
            python_version: self.python_version.clone(),
            java: self.java.clone(),
            java_options: self.java_options.clone(),
            cds: self
                .archives
                .clone()
                .filter(|archives| archives.driver.is_whole(home) && archives.executor.is_whole(home)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn java() -> Java {
        Java { home: "/jdk".into(), feature: 17, build: "VM 17.0.1+2".into() }
    }

    fn manifest() -> Manifest {
        let build = firesteel_core::release::find("emr-7.13.0").unwrap().build();
        let python = Python { executable: "/usr/bin/python3.11".into(), version: "3.11.7".into() };
        Manifest::new(build, "3.5.6", &python, &java(), vec!["-Da=b".into()], "1".into())
    }

    #[test]
    fn a_manifest_is_read_back_and_one_of_another_layout_is_not() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(home.path()), None);
        manifest().write(home.path()).unwrap();
        assert_eq!(Manifest::read(home.path()), Some(manifest()));
        let other =
            fs::read_to_string(home.path().join(MANIFEST)).unwrap().replace("\"layout\": ", "\"layout\": 9");
        fs::write(home.path().join(MANIFEST), other).unwrap();
        assert_eq!(Manifest::read(home.path()), None);
    }

    #[test]
    fn an_archive_is_used_only_whole_and_by_its_own_jdk() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("d.jsa"), "12345").unwrap();
        let archive = |bytes| Archive { file: "d.jsa".into(), bytes };
        let with = |bytes| {
            let archives =
                SharedArchives { java_build: java().build, driver: archive(bytes), executor: archive(5) };
            Manifest { archives: Some(archives), ..manifest() }.runtime("emr-7.13.0", home.path())
        };
        let options = with(5).cds_options(Role::Driver, &java());
        assert_eq!(options[0], format!("-XX:SharedArchiveFile={}", home.path().join("d.jsa").display()));
        assert!(with(6).cds_options(Role::Driver, &java()).is_empty());
        let other = Java { build: "VM 17.0.2+1".into(), ..java() };
        assert!(with(5).cds_options(Role::Driver, &other).is_empty());
        let cut = with(5);
        fs::write(home.path().join("d.jsa"), "1234").unwrap();
        assert!(cut.cds_options(Role::Executor, &java()).is_empty());
    }

    #[test]
    fn jars_stand_before_the_configuration_and_after_what_users_add() {
        let runtime = manifest().runtime("emr-7.13.0", Path::new("/r"));
        assert_eq!(runtime.class_path(None, Path::new("/w/conf")), "/r/spark/jars/*:/w/conf");
        assert_eq!(runtime.class_path(Some(""), Path::new("/w/conf")), "/r/spark/jars/*:/w/conf");
        assert_eq!(
            runtime.class_path(Some("./hail.jar"), Path::new("conf")),
            "./hail.jar:/r/spark/jars/*:conf"
        );
    }
}
