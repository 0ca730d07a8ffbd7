//! The runtime's Python: a virtual environment with the packages that EMR gives to jobs, all versions pinned.
//!
//! pyspark is not among them: Spark's own is seen through `SPARK_HOME/python`.

use super::{Site, remove};
use crate::command::{clean, run};
use crate::error::InstallError;
use firesteel_core::release::Version;
use std::fs;

/// Needed to read pyspark's source archive; pyspark up to 3.5 also takes `distutils` from it on Python 3.12.
const BUILD_TOOLS: &[&str] = &["setuptools==75.3.2", "wheel==0.45.1"];
const BUILD_TOOLS_OLD: &[&str] = &["setuptools==59.6.0", "wheel==0.37.1"];

/// What pandas needs beside numpy.
const PANDAS_NEEDS: &[&str] =
    &["python-dateutil==2.9.0.post0", "six==1.17.0", "pytz==2024.2", "tzdata==2024.2"];

pub(super) fn install(site: &Site) -> Result<(), InstallError> {
    let folder = site.folder.join("python");
    remove(&folder)?;
    site.say("making the Python environment");
    let mut venv = clean(&site.python.executable);
    run("make a virtual environment", venv.args(["-m", "venv"]).arg(&folder))?;
    let version = Version::parse(&site.python.version).map(Version::line).unwrap_or_default();
    let tools = if version < (3, 8) { BUILD_TOOLS_OLD } else { BUILD_TOOLS };
    pip_install(site, "install build tools", tools)?;
    let pins = pins(spark_line(site), version);
    match pins.is_empty() {
        true => site.say("no numpy, pandas and pyarrow fit this Spark and Python together; left out"),
        false => {
            site.say(&format!("installing {}", pins.join(", ")));
            pip_install(site, "install Python packages", &pins)?;
        }
    }
    keep_interpreters_only(site)
}

fn pip_install(site: &Site, step: &str, packages: &[&str]) -> Result<(), InstallError> {
    let mut pip = clean(site.venv_python());
    pip.args(["-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-warn-script-location"]);
    pip.args(["--no-deps", "--only-binary", ":all:"]).args(packages);
    run(step, &mut pip).map(drop)
}

fn spark_line(site: &Site) -> (u16, u16) {
    Version::parse(site.build.spark).map(Version::line).unwrap_or_default()
}

/// numpy, pandas and pyarrow that work with this Spark on this Python. EMR gives pandas and pyarrow from 6.12 on
/// (Spark 3.4); Spark's machine learning needs numpy before that too. Spark up to 3.5 breaks with numpy 2.
fn pins(spark: (u16, u16), python: (u16, u16)) -> Vec<&'static str> {
    let core: &[&str] = match (spark, python) {
        ((3, ..=3), (3, 7)) => return vec!["numpy==1.21.6"],
        ((3, ..=3), (3, 8..=10)) => return vec!["numpy==1.23.5"],
        ((3, 4), (3, 7)) => &["numpy==1.21.6", "pandas==1.3.5", "pyarrow==12.0.1"],
        ((3, 4), (3, 8..=11)) => &["numpy==1.23.5", "pandas==1.5.3", "pyarrow==12.0.1"],
        ((3, 5), (3, 8)) => &["numpy==1.24.4", "pandas==2.0.3", "pyarrow==15.0.2"],
        ((3, 5), (3, 9..=12)) => &["numpy==1.26.4", "pandas==2.1.4", "pyarrow==15.0.2"],
        ((4, _), (3, 9)) => &["numpy==2.0.2", "pandas==2.2.3", "pyarrow==18.1.0"],
        ((4, _), (3, 10..=13)) => &["numpy==2.1.3", "pandas==2.2.3", "pyarrow==18.1.0"],
        ((4, _), (3, 14)) => &["numpy==2.3.5", "pandas==2.3.3", "pyarrow==22.0.0"],
        _ => return Vec::new(),
    };
    [core, PANDAS_NEEDS].concat()
}

/// The environment is renamed into its place, which breaks the first line of every script in `bin`; jobs need none.
fn keep_interpreters_only(site: &Site) -> Result<(), InstallError> {
    let bin = site.folder.join("python/bin");
    let entries = fs::read_dir(&bin).map_err(InstallError::io(format!("read {}", bin.display())))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with("python") {
            remove(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::pins;
    use firesteel_core::release::all;

    #[test]
    fn every_pin_names_one_version() {
        for release in all() {
            let build = release.build();
            let spark = firesteel_core::release::Version::parse(build.spark).unwrap().line();
            for minor in build.python.low.1.max(7)..=build.python.high.1 {
                let pins = pins(spark, (3, minor));
                assert!(pins.iter().any(|pin| pin.starts_with("numpy==")), "{} on 3.{minor}", release.label);
                assert_eq!(pins.iter().any(|pin| pin.starts_with("pandas==")), spark >= (3, 4));
            }
        }
        assert!(pins((3, 2), (3, 6)).is_empty());
    }
}
