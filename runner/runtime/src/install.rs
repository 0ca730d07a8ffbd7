//! Making a runtime: one installation per Spark version, built beside its place and renamed into it.
//!
//! The order that matters: all files, then the rename, then the class-data archives (the JVM ties them to the paths
//! of the jars), then the manifest again. A folder with a manifest is whole; archives only make it faster.

mod jars;
mod java_module;
mod python;
mod spark;

use crate::cds;
use crate::error::InstallError;
use crate::machine::{self, Java, Python};
use crate::runtime::{LAYOUT, Manifest, Runtime};
use firesteel_core::release::{self, Release, SparkBuild};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Room that a first installation takes while it is made: packed and unpacked Spark, jars, Python.
const NEEDED_MB: u64 = 1600;

/// Whether a release can be used on this machine, now.
#[derive(Clone, Debug, PartialEq)]
pub enum Readiness {
    /// Installed and whole.
    Ready(Box<Runtime>),
    /// Not installed yet; this machine can install it.
    Missing,
    /// This machine cannot run it; the text says why.
    Impossible(String),
}

/// Installs runtimes into a cache folder and finds those that are there.
#[derive(Clone, Debug)]
pub struct Installer {
    cache: PathBuf,
}

impl Installer {
    /// Works in this cache folder; it is made when first needed.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self { cache: cache.into() }
    }

    /// `$FIRESTEEL_CACHE`, else `~/.cache/firesteel`, else a folder in the current one.
    pub fn default_cache() -> PathBuf {
        let named = std::env::var_os("FIRESTEEL_CACHE").filter(|value| !value.is_empty());
        let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/firesteel"));
        named.map(PathBuf::from).or_else(home).unwrap_or_else(|| PathBuf::from(".firesteel-cache"))
    }

    /// The cache folder.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// Whether the release of this label can be used here, without network and without waiting for an installer.
    pub fn readiness(&self, label: &str) -> Readiness {
        let Some(release) = release::find(label) else {
            return Readiness::Impossible(format!("unknown release label {label}"));
        };
        match self.current(release) {
            Some(runtime) => Readiness::Ready(Box::new(runtime)),
            None => match tools_for(release) {
                Ok(_) => Readiness::Missing,
                Err(reason) => Readiness::Impossible(reason),
            },
        }
    }

    /// The runtime of this label if one is there and whole, be our classes in it of this program's revision or not:
    /// what a job that has been started runs on.
    pub fn present(&self, label: &str) -> Option<Runtime> {
        self.installed(release::find(label)?)
    }

    /// Installs the runtime of this label, unless it is there. `progress` gets a line at the start of each step.
    ///
    /// A second installer waits for the first; an interrupted one goes on where it stopped.
    pub fn install(&self, label: &str, progress: &dyn Fn(&str)) -> Result<Runtime, InstallError> {
        let release = release::find(label).ok_or_else(|| InstallError::UnknownLabel(label.into()))?;
        if let Some(runtime) = self.current(release).filter(|runtime| runtime.cds.is_some()) {
            return Ok(runtime);
        }
        let build = release.build();
        let _lock = self.lock(build, progress)?;
        if self.installed(release).is_none() {
            let (python, java) = tools_for(release).map_err(InstallError::Impossible)?;
            let site = Site { build, folder: self.building(build), python, java, progress };
            self.build(&site)?;
        } else if self.current(release).is_none() {
            self.renew(release, progress)?;
        }
        let mut runtime = self.installed(release).ok_or_else(|| {
            InstallError::Mismatch(format!("{} is not whole after installing", self.home(build).display()))
        })?;
        if runtime.cds.is_none() {
            progress("training class-data archives for faster starts");
            match cds::train(&runtime) {
                Ok(archives) => runtime = self.record_archives(&runtime, archives)?,
                Err(error) => progress(&format!("without class-data archives: {error}")),
            }
        }
        Ok(runtime)
    }

    /// Puts this program's Java classes into an installation that has others.
    fn renew(&self, release: &Release, progress: &dyn Fn(&str)) -> Result<(), InstallError> {
        let (python, java) = tools_for(release).map_err(InstallError::Impossible)?;
        let home = self.home(release.build());
        let site = Site { build: release.build(), folder: home.clone(), python, java, progress };
        let mut manifest = Manifest::read(&home)
            .ok_or_else(|| InstallError::Mismatch(format!("{} lost its manifest", home.display())))?;
        if !java_module::has_examples(&site.spark_home()) {
            java_module::install_examples(&site)?;
        }
        if manifest.module == java_module::revision() {
            return Ok(());
        }
        java_module::install(&site)?;
        manifest.module = java_module::revision();
        manifest.archives = None;
        manifest.write(&home)
    }

    /// The runtime of this release, if it is whole and has this program's Java classes.
    fn current(&self, release: &Release) -> Option<Runtime> {
        let manifest = Manifest::read(&self.home(release.build()))?;
        let runtime = self.installed(release)?;
        let ours =
            manifest.module == java_module::revision() && java_module::has_examples(&runtime.spark_home);
        ours.then_some(runtime)
    }

    /// The runtime of this release, if it is in the cache and whole.
    fn installed(&self, release: &Release) -> Option<Runtime> {
        let home = self.home(release.build());
        let manifest = Manifest::read(&home)?;
        let mut runtime = manifest.runtime(release.label, &home);
        if !runtime.java.java().exists() {
            runtime.java = machine::find_java(release.build().java).ok()?;
        }
        if runtime.cds.as_ref().is_some_and(|archives| archives.java_build != runtime.java.build) {
            runtime.cds = None;
        }
        (runtime.spark_submit().exists() && runtime.python.exists()).then_some(runtime)
    }

    fn build(&self, site: &Site) -> Result<(), InstallError> {
        self.check_room()?;
        fs::create_dir_all(&site.folder)
            .map_err(InstallError::io(format!("make {}", site.folder.display())))?;
        let (python, java) = (&site.python, &site.java);
        site.say(&format!(
            "Spark {}: Python {} ({}), Java {} ({})",
            site.build.spark,
            python.version,
            python.executable.display(),
            java.feature,
            java.home.display()
        ));
        site.once("python", || python::install(site))?;
        site.once("spark", || spark::install(site))?;
        site.once("jars", || jars::install(site))?;
        site.once("java-module", || java_module::install(site))?;
        site.once("examples", || java_module::install_examples(site))?;
        site.once("sources", || spark::precompile(site))?;
        self.publish(site)
    }

    fn publish(&self, site: &Site) -> Result<(), InstallError> {
        let spark_version = spark::version_in(&site.spark_home())?;
        let options = java_module::module_options(site)?;
        let revision = java_module::revision();
        let manifest = Manifest::new(site.build, &spark_version, &site.python, &site.java, options, revision);
        site.clear_marks()?;
        manifest.write(&site.folder)?;
        let home = self.home(site.build);
        remove(&home)?;
        fs::rename(&site.folder, &home).map_err(InstallError::io(format!("rename to {}", home.display())))
    }

    fn record_archives(
        &self,
        runtime: &Runtime,
        archives: crate::runtime::SharedArchives,
    ) -> Result<Runtime, InstallError> {
        let home = runtime.home.clone();
        let mut manifest = Manifest::read(&home)
            .ok_or_else(|| InstallError::Mismatch(format!("{} lost its manifest", home.display())))?;
        manifest.java = runtime.java.clone();
        manifest.archives = Some(archives);
        manifest.write(&home)?;
        Ok(manifest.runtime(&runtime.label, &home))
    }

    fn home(&self, build: &SparkBuild) -> PathBuf {
        self.cache.join("runtimes").join(format!("spark-{}-layout{LAYOUT}", build.spark))
    }

    fn building(&self, build: &SparkBuild) -> PathBuf {
        self.cache.join("building").join(format!("spark-{}-layout{LAYOUT}", build.spark))
    }

    /// Holds until dropped; the system frees it when this process dies.
    fn lock(&self, build: &SparkBuild, progress: &dyn Fn(&str)) -> Result<File, InstallError> {
        for folder in ["locks", "runtimes", "building"] {
            let folder = self.cache.join(folder);
            fs::create_dir_all(&folder).map_err(InstallError::io(format!("make {}", folder.display())))?;
        }
        let path = self.cache.join("locks").join(format!("spark-{}", build.spark));
        let file = File::create(&path).map_err(InstallError::io(format!("make {}", path.display())))?;
        if file.try_lock().is_err() {
            progress("waiting for another installer of the same Spark");
            file.lock().map_err(InstallError::io(format!("lock {}", path.display())))?;
        }
        Ok(file)
    }

    fn check_room(&self) -> Result<(), InstallError> {
        let stat = nix::sys::statvfs::statvfs(&self.cache).map_err(|errno| {
            InstallError::io(format!("ask for room in {}", self.cache.display()))(errno.into())
        })?;
        let free = stat.blocks_available() * stat.fragment_size() / (1 << 20);
        match free < NEEDED_MB {
            true => Err(InstallError::DiskFull { folder: self.cache.clone(), needed: NEEDED_MB, free }),
            false => Ok(()),
        }
    }
}

/// A Python and a JDK of this machine on which the release runs, or the reason why there is none.
fn tools_for(release: &Release) -> Result<(Python, Java), String> {
    let build = release.build();
    let why =
        |reason| format!("{} (Spark {}) cannot run on this machine: it {reason}", release.label, build.spark);
    let python = machine::find_python(build.python).map_err(why)?;
    let java = machine::find_java(build.java).map_err(why)?;
    Ok((python, java))
}

/// A runtime in the making: where, of what, and with which tools.
struct Site<'a> {
    build: &'static SparkBuild,
    folder: PathBuf,
    python: Python,
    java: Java,
    progress: &'a dyn Fn(&str),
}

impl Site<'_> {
    fn say(&self, line: &str) {
        (self.progress)(line);
    }

    fn spark_home(&self) -> PathBuf {
        self.folder.join("spark")
    }

    fn jars(&self) -> PathBuf {
        self.spark_home().join("jars")
    }

    /// The interpreter of the runtime's own environment.
    fn venv_python(&self) -> PathBuf {
        self.folder.join("python/bin/python3")
    }

    /// A scratch folder of one step, emptied.
    fn scratch(&self, name: &str) -> Result<PathBuf, InstallError> {
        let folder = self.folder.join(format!("scratch-{name}"));
        remove(&folder)?;
        fs::create_dir_all(&folder).map_err(InstallError::io(format!("make {}", folder.display())))?;
        Ok(folder)
    }

    /// Does a step unless an earlier, interrupted installer has finished it.
    fn once(&self, step: &str, work: impl FnOnce() -> Result<(), InstallError>) -> Result<(), InstallError> {
        let mark = self.folder.join(format!("done-{step}"));
        if mark.exists() {
            return Ok(());
        }
        work()?;
        fs::write(&mark, "").map_err(InstallError::io(format!("write {}", mark.display())))
    }

    fn clear_marks(&self) -> Result<(), InstallError> {
        let entries = fs::read_dir(&self.folder).map_err(InstallError::io("read the building folder"))?;
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with("done-") || name.starts_with("scratch-") {
                remove(&path)?;
            }
        }
        Ok(())
    }
}

/// Removes a file or a whole folder; nothing there is no error.
fn remove(path: &Path) -> Result<(), InstallError> {
    let gone = match path.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        _ => fs::remove_file(path),
    };
    gone.map_err(InstallError::io(format!("remove {}", path.display())))
}
