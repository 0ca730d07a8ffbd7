//! Class-data archives: classes as the JVM keeps them in memory, so that a start maps them instead of parsing jars.
//!
//! An archive is tied to one JDK build, to the absolute paths and time stamps of the jars, and to a class path that
//! begins with `jars/*`. The JVM passes over an archive that does not fit; one cut short would kill it, so
//! sizes are kept and compared before an archive is used.

use crate::command::{clean, run};
use crate::error::InstallError;
use crate::runtime::{Archive, Runtime, SharedArchives};
use std::fs;
use std::path::{Path, PathBuf};

/// Which JVM of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The driver.
    Driver,
    /// An executor.
    Executor,
}

/// First Java that writes an archive at exit.
const FIRST_JAVA: u16 = 13;

/// Longest time that the training job may take.
const TRAINING_SECONDS: u32 = 240;

/// The JVM's own log goes to standard output unless it is told otherwise, where it would mix with the job's.
const QUIET: [&str; 2] = ["-Xlog:disable", "-Xlog:all=error:stderr"];

/// Options that use an archive if it fits and go on without it if it does not.
pub(crate) fn use_options(archive: &Path) -> Vec<String> {
    let mut options = vec![format!("-XX:SharedArchiveFile={}", archive.display()), "-Xshare:auto".into()];
    options.extend(QUIET.map(str::to_owned));
    options
}

/// Runs a real job, driver and one executor, and keeps the classes that each loaded. The installation must be in its
/// final place.
pub(crate) fn train(runtime: &Runtime) -> Result<SharedArchives, InstallError> {
    if runtime.java.feature < FIRST_JAVA {
        return Err(InstallError::Impossible(format!("Java {} cannot write archives", runtime.java.feature)));
    }
    let folder = runtime.home.join("cds");
    let scratch = folder.join("training");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&scratch).map_err(InstallError::io(format!("make {}", scratch.display())))?;
    let job = scratch.join("job.py");
    fs::write(&job, include_str!("train_job.py"))
        .map_err(InstallError::io(format!("write {}", job.display())))?;
    let archives = [folder.join("driver.jsa"), folder.join("executor.jsa")];
    let plan = plan(runtime, &scratch, &job, &archives);
    let mut python = clean(&runtime.python);
    python.arg("-c").arg(include_str!("train.py")).arg(plan.to_string());
    let trained = run("train class-data archives", &mut python);
    let _ = fs::remove_dir_all(&scratch);
    trained?;
    let [driver, executor] = archives;
    Ok(SharedArchives {
        java_build: runtime.java.build.clone(),
        driver: proven(runtime, &driver)?,
        executor: proven(runtime, &executor)?,
    })
}

/// Starts a JVM with the archive, so that one cut short by a full disk is never used.
fn proven(runtime: &Runtime, archive: &Path) -> Result<Archive, InstallError> {
    let found = fs::metadata(archive).map_err(InstallError::io(format!("read {}", archive.display())))?;
    let mut java = clean(runtime.java_executable());
    java.args(use_options(archive)).arg("-cp").arg(format!("{}/*", runtime.jars_dir.display()));
    java.arg("io.firesteel.spark.ModuleOptions").current_dir(&runtime.home);
    run("try the class-data archive", &mut java)?;
    let file = archive.strip_prefix(&runtime.home).unwrap_or(archive).to_path_buf();
    Ok(Archive { file, bytes: found.len() })
}

fn plan(
    runtime: &Runtime,
    scratch: &Path,
    job: &Path,
    [driver, executor]: &[PathBuf; 2],
) -> serde_json::Value {
    let writing = |archive: &Path| {
        let write = format!("-XX:ArchiveClassesAtExit={}", archive.display());
        [vec![write], QUIET.map(str::to_owned).to_vec()].concat()
    };
    let old = runtime.spark_version.starts_with("3.2.");
    let own = runtime.java_options();
    let driver_options = [own, &writing(driver)].concat();
    let executor_options = [if old { own } else { &[] }, &writing(executor)].concat();
    serde_json::json!({
        "java": runtime.java_executable(),
        "class_path": format!("{}/*", runtime.jars_dir.display()),
        "driver_options": driver_options,
        "executor_options": executor_options,
        "pod_backend": !old,
        "conf": training_conf(runtime),
        "env": training_env(runtime),
        "job": job,
        "folder": scratch,
        "seconds": TRAINING_SECONDS,
    })
}

/// The runtime's own defaults, but impatient: a call that fails in training is a mistake, not an outage.
fn training_conf(runtime: &Runtime) -> Vec<(String, String)> {
    let mut conf = runtime.defaults();
    conf.retain(|(name, _)| !name.contains(".retry.") && !name.contains(".attempts."));
    let own = [
        ("spark.hadoop.fs.s3a.retry.limit", "1"),
        ("spark.hadoop.fs.s3a.attempts.maximum", "1"),
        ("spark.hadoop.fs.s3a.path.style.access", "true"),
        ("spark.hadoop.fs.s3a.endpoint.region", "us-east-1"),
        ("spark.hadoop.fs.s3a.connection.ssl.enabled", "false"),
        ("spark.driver.host", "127.0.0.1"),
        ("spark.driver.bindAddress", "127.0.0.1"),
        ("spark.executor.instances", "1"),
        ("spark.executor.cores", "2"),
        ("spark.executor.memory", "512m"),
        ("spark.kubernetes.container.image", "none"),
        ("spark.kubernetes.executor.podNamePrefix", "training"),
        ("spark.kubernetes.executor.apiPollingInterval", "1s"),
        ("spark.kubernetes.executor.deleteOnTermination", "false"),
        ("spark.sql.shuffle.partitions", "2"),
        ("spark.ui.enabled", "false"),
        ("spark.authenticate", "true"),
    ];
    conf.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    conf
}

fn training_env(runtime: &Runtime) -> serde_json::Value {
    serde_json::json!({
        "PATH": std::env::var("PATH").unwrap_or_default(),
        "SPARK_HOME": runtime.spark_home,
        "JAVA_HOME": runtime.java_home(),
        "PYSPARK_PYTHON": runtime.python,
        "PYTHONPATH": runtime.python_path(),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "KUBECONFIG": "/dev/null",
        "SPARK_CONF_DIR": "",
        "AWS_ACCESS_KEY_ID": "training",
        "AWS_SECRET_ACCESS_KEY": "training",
    })
}
