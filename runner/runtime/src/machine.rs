//! What this machine has: its Pythons and its JDKs. Looked up by running them, never by guessing from names.

use crate::command::clean;
use firesteel_core::release::{Span, Version};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A Python that can make virtual environments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Python {
    /// The interpreter itself, not a shim.
    pub executable: PathBuf,
    /// E.g. `3.11.7`.
    pub version: String,
}

/// A JDK.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Java {
    /// JAVA_HOME.
    pub home: PathBuf,
    /// Feature release: 8, 11, 17, 21.
    pub feature: u16,
    /// The exact build; class-data archives are good for one build only.
    pub build: String,
}

impl Java {
    /// The `java` program.
    pub fn java(&self) -> PathBuf {
        self.home.join("bin/java")
    }
}

/// The Python to prefer: EMR's from 7.x on, and one for which all pinned packages have wheels.
const PREFERRED_PYTHON: (u16, u16) = (3, 11);

/// Finds a Python within the span: 3.11 first, then older ones, then newer. `Err` says what was found instead.
pub fn find_python(span: Span) -> Result<Python, String> {
    let mut found = Vec::new();
    for (major, minor) in python_order(span) {
        for candidate in python_candidates(major, minor) {
            match probe_python(&candidate) {
                Some(python) if line(&python.version) == Some((major, minor)) => return Ok(python),
                _ => continue,
            }
        }
    }
    for minor in 6..=15 {
        let outside = python_candidates(3, minor).iter().find_map(|candidate| probe_python(candidate));
        found.extend(outside.map(|python| python.version).filter(|version| !found.contains(version)));
    }
    let (low, high) = (span.low, span.high);
    Err(format!(
        "needs Python {}.{} to {}.{} with the venv module; found {}. Install one, or name its interpreter in {}",
        low.0,
        low.1,
        high.0,
        high.1,
        list(&found),
        python_setting(high.0, high.1)
    ))
}

fn python_order(span: Span) -> Vec<(u16, u16)> {
    let mut minors: Vec<u16> = (span.low.1..=span.high.1).collect();
    let rank = |minor: u16| match minor <= PREFERRED_PYTHON.1 {
        true => PREFERRED_PYTHON.1 - minor,
        false => minor,
    };
    minors.sort_by_key(|minor| rank(*minor));
    minors.into_iter().map(|minor| (span.low.0, minor)).collect()
}

/// The variable that names the interpreter of one Python version: `FIRESTEEL_PYTHON_3_10=/opt/python3.10/bin/python3`.
fn python_setting(major: u16, minor: u16) -> String {
    format!("FIRESTEEL_PYTHON_{major}_{minor}")
}

/// What the setting names, and nothing else if there is one. Else pyenv's versions first: its shims on the PATH answer
/// only for the versions that are switched on.
fn python_candidates(major: u16, minor: u16) -> Vec<PathBuf> {
    let named = std::env::var_os(python_setting(major, minor)).filter(|value| !value.is_empty());
    if let Some(named) = named {
        return vec![PathBuf::from(named)];
    }
    let name = format!("python{major}.{minor}");
    let root = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv")));
    let mut candidates: Vec<PathBuf> = root
        .and_then(|root| std::fs::read_dir(root.join("versions")).ok())
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(&name)))
        .filter(|path| path.exists())
        .collect();
    candidates.sort();
    candidates.push(PathBuf::from(name));
    candidates.push(PathBuf::from("python3"));
    candidates
}

const PROBE_PYTHON: &str = "import sys, os, venv, ensurepip; \
    print(os.path.realpath(sys.executable)); print('.'.join(map(str, sys.version_info[:3])))";

fn probe_python(candidate: &Path) -> Option<Python> {
    let output = clean(candidate).args(["-I", "-c", PROBE_PYTHON]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (executable, version) = text.trim().split_once('\n')?;
    (output.status.success())
        .then(|| Python { executable: executable.into(), version: version.trim().to_owned() })
}

/// Finds a JDK within the span: JAVA_HOME, then the PATH, then the usual folder, 17 before others.
/// `Err` says what was found instead.
pub fn find_java(span: Span) -> Result<Java, String> {
    let found: Vec<Java> = java_candidates().iter().filter_map(|candidate| probe_java(candidate)).collect();
    let fitting = || found.iter().filter(|java| span.holds((java.feature, 0)));
    let best = fitting().find(|java| java.feature == 17).or_else(|| fitting().next());
    best.cloned().ok_or_else(|| {
        let versions: Vec<String> = found.iter().map(|java| java.feature.to_string()).collect();
        format!("needs a JDK {} to {}; found {}", span.low.0, span.high.0, list(&versions))
    })
}

fn java_candidates() -> Vec<PathBuf> {
    let at_home = std::env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java"));
    let installed = std::fs::read_dir("/usr/lib/jvm").into_iter().flatten();
    let mut usual: Vec<PathBuf> =
        installed.filter_map(|entry| Some(entry.ok()?.path().join("bin/java"))).collect();
    usual.sort();
    at_home.into_iter().chain([PathBuf::from("java")]).chain(usual).collect()
}

/// A Java without a compiler beside it is not a JDK and is passed over.
fn probe_java(candidate: &Path) -> Option<Java> {
    let output = clean(candidate).args(["-XshowSettings:properties", "-version"]).output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let property = |name: &str| {
        let line = said.lines().find(|line| line.trim_start().starts_with(&format!("{name} =")))?;
        line.split_once('=').map(|(_, value)| value.trim().to_owned())
    };
    let home = PathBuf::from(property("java.home")?);
    let home = if home.ends_with("jre") { home.parent()?.to_path_buf() } else { home };
    let spec = property("java.specification.version")?;
    let feature = spec.strip_prefix("1.").unwrap_or(&spec).parse().ok()?;
    let build = format!("{} {}", property("java.vm.name")?, property("java.vm.version")?);
    home.join("bin/javac").exists().then_some(Java { home, feature, build })
}

fn line(version: &str) -> Option<(u16, u16)> {
    Version::parse(version).map(Version::line)
}

fn list(found: &[String]) -> String {
    if found.is_empty() { "none".into() } else { found.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pythons_are_tried_from_the_preferred_one_downwards_then_upwards() {
        let minors = |low, high| -> Vec<u16> {
            python_order(Span { low: (3, low), high: (3, high) }).iter().map(|v| v.1).collect()
        };
        assert_eq!(minors(8, 13), [11, 10, 9, 8, 12, 13]);
        assert_eq!(minors(7, 10), [10, 9, 8, 7]);
        assert_eq!(minors(12, 14), [12, 13, 14]);
    }

    #[test]
    fn what_is_missing_is_said_with_what_was_found() {
        let reason = find_java(Span { low: (900, 0), high: (901, 0) }).unwrap_err();
        assert!(reason.starts_with("needs a JDK 900 to 901; found "), "{reason}");
        let reason = find_python(Span { low: (3, 90), high: (3, 91) }).unwrap_err();
        assert!(reason.starts_with("needs Python 3.90 to 3.91 with the venv module; found "), "{reason}");
        assert!(reason.ends_with("name its interpreter in FIRESTEEL_PYTHON_3_91"), "{reason}");
    }
}
