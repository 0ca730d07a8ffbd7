//! Our few Java classes, compiled against the runtime's own jars: a JDK is needed anyway, a build tool is not.

use super::Site;
use crate::command::{clean, run};
use crate::error::InstallError;
use std::fs;

/// Sources by path below the source root.
const SOURCES: &[(&str, &str)] = &[
    (
        "io/firesteel/spark/ContextIds.java",
        include_str!("../../../jvm/src/main/java/io/firesteel/spark/ContextIds.java"),
    ),
    (
        "io/firesteel/spark/S3Afs.java",
        include_str!("../../../jvm/src/main/java/io/firesteel/spark/S3Afs.java"),
    ),
    (
        "io/firesteel/spark/FactoryCommitter.java",
        include_str!("../../../jvm/src/main/java/io/firesteel/spark/FactoryCommitter.java"),
    ),
    (
        "io/firesteel/spark/OldApiCommitter.java",
        include_str!("../../../jvm/src/main/java/io/firesteel/spark/OldApiCommitter.java"),
    ),
    (
        "io/firesteel/spark/ModuleOptions.java",
        include_str!("../../../jvm/src/main/java/io/firesteel/spark/ModuleOptions.java"),
    ),
];

/// Name of the jar in `SPARK_HOME/jars`.
const JAR: &str = "firesteel-spark.jar";

/// Which sources these are: a runtime whose jar is of other ones gets a new jar (FNV-1a of all of them).
pub(super) fn revision() -> String {
    let bytes = SOURCES.iter().flat_map(|(path, text)| path.bytes().chain(text.bytes()));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// Compiles into `SPARK_HOME/jars`. A JVM that runs on an older jar keeps it: the new one comes by a rename.
pub(super) fn install(site: &Site) -> Result<(), InstallError> {
    site.say(&format!("compiling {JAR}"));
    let scratch = site.scratch("java")?;
    let classes = scratch.join("classes");
    let mut javac = clean(site.java.home.join("bin/javac"));
    match site.java.feature {
        8 => javac.args(["-source", "8", "-target", "8"]),
        _ => javac.args(["--release", "8"]),
    };
    // Whatever the locale of whoever installs.
    javac.args(["-encoding", "UTF-8"]);
    javac.args(["-nowarn", "-proc:none", "-Xlint:-options", "-d"]).arg(&classes);
    javac.arg("-cp").arg(format!("{}/*", site.jars().display()));
    for (path, text) in SOURCES {
        let file = scratch.join(path);
        let folder = file.parent().unwrap_or(&scratch);
        fs::create_dir_all(folder).map_err(InstallError::io(format!("make {}", folder.display())))?;
        fs::write(&file, text).map_err(InstallError::io(format!("write {}", file.display())))?;
        javac.arg(&file);
    }
    fs::create_dir_all(&classes).map_err(InstallError::io(format!("make {}", classes.display())))?;
    run("compile our Java classes", &mut javac)?;
    let mut jar = clean(site.java.home.join("bin/jar"));
    let packed = scratch.join(JAR);
    jar.arg("cf").arg(&packed).arg("-C").arg(&classes).arg(".");
    run("pack our Java classes", &mut jar)?;
    let place = site.jars().join(JAR);
    fs::rename(&packed, &place).map_err(InstallError::io(format!("rename to {}", place.display())))?;
    super::remove(&scratch)
}

/// The JVM options that this Spark's launcher adds on this Java, asked of it.
pub(super) fn module_options(site: &Site) -> Result<Vec<String>, InstallError> {
    let mut java = clean(site.java.java());
    java.arg("-cp").arg(format!("{}/*", site.jars().display())).arg("io.firesteel.spark.ModuleOptions");
    let said = run("ask Spark for its JVM options", &mut java)?;
    Ok(said.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
}
