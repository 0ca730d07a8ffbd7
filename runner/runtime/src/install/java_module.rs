//! Our few Java classes, compiled against the runtime's own jars: a JDK is needed anyway, a build tool is not.

use super::Site;
use crate::command::{clean, run};
use crate::error::InstallError;
use std::fs;
use std::path::Path;

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

/// The first example of EMR's user guide.
const EXAMPLES: &[(&str, &str)] = &[(
    "org/apache/spark/examples/SparkPi.java",
    include_str!("../../../jvm/src/examples/java/org/apache/spark/examples/SparkPi.java"),
)];

/// Name of the jar in `SPARK_HOME/jars`.
const JAR: &str = "firesteel-spark.jar";
/// Its place below SPARK_HOME, as on EMR's images.
const EXAMPLES_JAR: &str = "examples/jars/spark-examples.jar";

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
    compile(site, SOURCES, &site.jars().join(JAR))
}

/// Has this SPARK_HOME the jar of examples?
pub(super) fn has_examples(spark_home: &Path) -> bool {
    spark_home.join(EXAMPLES_JAR).exists()
}

/// Compiles the jar of examples: PyPI's pyspark brings those in Python only.
pub(super) fn install_examples(site: &Site) -> Result<(), InstallError> {
    compile(site, EXAMPLES, &site.spark_home().join(EXAMPLES_JAR))
}

fn compile(site: &Site, sources: &[(&str, &str)], place: &Path) -> Result<(), InstallError> {
    let name = place.file_name().unwrap_or_default();
    site.say(&format!("compiling {}", name.to_string_lossy()));
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
    for (path, text) in sources {
        let file = scratch.join(path);
        make_parent(&file)?;
        fs::write(&file, text).map_err(InstallError::io(format!("write {}", file.display())))?;
        javac.arg(&file);
    }
    fs::create_dir_all(&classes).map_err(InstallError::io(format!("make {}", classes.display())))?;
    run("compile our Java classes", &mut javac)?;
    let packed = scratch.join(name);
    let mut jar = clean(site.java.home.join("bin/jar"));
    jar.arg("cf").arg(&packed).arg("-C").arg(&classes).arg(".");
    run("pack our Java classes", &mut jar)?;
    make_parent(place)?;
    fs::rename(&packed, place).map_err(InstallError::io(format!("rename to {}", place.display())))?;
    super::remove(&scratch)
}

fn make_parent(file: &Path) -> Result<(), InstallError> {
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder).map_err(InstallError::io(format!("make {}", folder.display())))
}

/// The JVM options that this Spark's launcher adds on this Java, asked of it.
pub(super) fn module_options(site: &Site) -> Result<Vec<String>, InstallError> {
    let mut java = clean(site.java.java());
    java.arg("-cp").arg(format!("{}/*", site.jars().display())).arg("io.firesteel.spark.ModuleOptions");
    let said = run("ask Spark for its JVM options", &mut java)?;
    Ok(said.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
}
