//! Spark itself: pyspark's source archive from the package registry, laid out as a Spark distribution.
//!
//! The archive is unpacked, not installed: making a wheel of it would copy hundreds of megabytes twice.

use super::{Site, remove};
use crate::command::{clean, run};
use crate::error::InstallError;
use firesteel_core::release::Version;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders of the archive and where they belong in a distribution.
const LAYOUT: &[(&str, &str)] = &[
    ("deps/jars", "jars"),
    ("deps/bin", "bin"),
    ("deps/sbin", "sbin"),
    ("deps/data", "data"),
    ("deps/examples", "examples"),
    ("deps/licenses", "licenses"),
    ("pyspark", "python/pyspark"),
    ("lib", "python/lib"),
];

pub(super) fn install(site: &Site) -> Result<(), InstallError> {
    let archive = download(site)?;
    site.say(&format!("unpacking {}", archive.file_name().unwrap_or_default().to_string_lossy()));
    let unpacked = site.scratch("unpacked")?;
    let mut tar = clean("tar");
    tar.args(["--no-same-owner", "-xzf"]).arg(&archive).arg("-C").arg(&unpacked).arg("--strip-components=1");
    run("unpack pyspark", &mut tar)?;
    let home = site.spark_home();
    remove(&home)?;
    for (from, to) in LAYOUT {
        let (from, to) = (unpacked.join(from), home.join(to));
        if from.exists() {
            let parent = to.parent().unwrap_or(&home);
            fs::create_dir_all(parent).map_err(InstallError::io(format!("make {}", parent.display())))?;
            fs::rename(&from, &to).map_err(InstallError::io(format!("move to {}", to.display())))?;
        }
    }
    check_hadoop(site)?;
    make_executable(&home.join("bin"))?;
    make_executable(&home.join("sbin"))?;
    remove(&unpacked)?;
    remove(&site.folder.join("scratch-download"))
}

/// The archive of exactly this Spark or, if the registry does not have it, of the nearest patch of the same line.
fn download(site: &Site) -> Result<PathBuf, InstallError> {
    let asked = site.build.spark;
    match download_version(site, asked) {
        Err(InstallError::NotServed { what, served }) => {
            let nearest = nearest_patch(asked, &served).ok_or(InstallError::NotServed { what, served })?;
            site.say(&format!(
                "pyspark {asked} is not served; taking {nearest}, the nearest patch of the same line"
            ));
            download_version(site, &nearest)
        }
        other => other,
    }
}

fn download_version(site: &Site, version: &str) -> Result<PathBuf, InstallError> {
    let folder = site.scratch("download")?;
    site.say(&format!("downloading pyspark {version} (300 to 450 MB)"));
    let mut pip = clean(site.venv_python());
    pip.args(["-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"]);
    pip.args(["--no-build-isolation", "--no-binary", "pyspark", "-d"]).arg(&folder);
    pip.arg(format!("pyspark=={version}"));
    run("download pyspark", &mut pip)?;
    let mut files = fs::read_dir(&folder).map_err(InstallError::io("read the download folder"))?;
    let first = files.find_map(|entry| Some(entry.ok()?.path()));
    first.ok_or_else(|| InstallError::Mismatch(format!("pip left no archive of pyspark {version}")))
}

/// The served version of the same line that is nearest; of two, the newer.
fn nearest_patch(asked: &str, served: &[String]) -> Option<String> {
    let asked = Version::parse(asked)?;
    let same_line =
        served.iter().filter_map(|text| Version::parse(text)).filter(|v| v.line() == asked.line());
    same_line.min_by_key(|v| (v.patch.abs_diff(asked.patch), u16::MAX - v.patch)).map(|v| v.to_string())
}

/// The version of the Spark in this folder, by the name of its core jar.
pub(super) fn version_in(home: &Path) -> Result<String, InstallError> {
    jar_version(&home.join("jars"), |name| name.starts_with("spark-core_"))
}

fn check_hadoop(site: &Site) -> Result<(), InstallError> {
    let found = jar_version(&site.jars(), |name| name.starts_with("hadoop-client-api-"))?;
    match found == site.build.hadoop {
        true => Ok(()),
        false => Err(InstallError::Mismatch(format!(
            "Spark {} carries Hadoop {found}, the catalogue says {}",
            site.build.spark, site.build.hadoop
        ))),
    }
}

fn jar_version(jars: &Path, is_it: impl Fn(&str) -> bool) -> Result<String, InstallError> {
    let entries = fs::read_dir(jars).map_err(InstallError::io(format!("read {}", jars.display())))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let version = names
        .filter(|name| is_it(name))
        .find_map(|name| name.strip_suffix(".jar")?.rsplit_once('-').map(|(_, version)| version.to_owned()));
    version
        .ok_or_else(|| InstallError::Mismatch(format!("{} is not a folder of Spark's jars", jars.display())))
}

fn make_executable(folder: &Path) -> Result<(), InstallError> {
    use std::os::unix::fs::PermissionsExt;
    for path in fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .map_err(InstallError::io(format!("make {} executable", path.display())))?;
    }
    Ok(())
}

/// Rewrites `python/lib/*.zip` with byte code beside each source, and compiles `python/pyspark`: Spark puts the zips
/// first on every PYTHONPATH, and without byte code each driver and each worker compiles them anew.
pub(super) fn precompile(site: &Site) -> Result<(), InstallError> {
    site.say("compiling pyspark's Python sources");
    let mut python = clean(site.venv_python());
    python.arg("-c").arg(include_str!("precompile.py")).arg(site.spark_home().join("python"));
    run("compile pyspark", &mut python).map(drop)
}

#[cfg(test)]
mod tests {
    use super::nearest_patch;

    #[test]
    fn the_nearest_patch_is_of_the_same_line() {
        let served: Vec<String> = ["3.4.4", "3.5.1", "3.5.5", "3.5.7", "4.0.0"].map(String::from).to_vec();
        assert_eq!(nearest_patch("3.5.6", &served).as_deref(), Some("3.5.7"));
        assert_eq!(nearest_patch("3.5.2", &served).as_deref(), Some("3.5.1"));
        assert_eq!(nearest_patch("3.3.0", &served), None);
    }
}
