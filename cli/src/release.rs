//! `firesteel release`: the catalogue as it stands on this machine, and installing from it.

use crate::arguments::Release;
use crate::failure::Failure;
use firesteel_core::release::{self, Span};
use firesteel_runtime::{Installer, Readiness};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Does what is asked.
pub fn run(release: Release) -> Result<(), Failure> {
    let installer = Installer::new(std::path::absolute(Installer::default_cache())?);
    match release {
        Release::List => crate::say(list(&mut |label| installer.readiness(label)).trim_end()),
        Release::Install { label } => install(&installer, &label),
    }
}

fn install(installer: &Installer, label: &str) -> Result<(), Failure> {
    let began = std::time::Instant::now();
    let progress = |line: &str| eprintln!("{:7.1} s  {line}", began.elapsed().as_secs_f32());
    match installer.install(label, &progress) {
        Ok(runtime) => {
            crate::say(&format!("{label}: Spark {} in {}", runtime.spark_version, runtime.home.display()))
        }
        Err(error) => Err(Failure::Other(anyhow::anyhow!("{label}: {error}"))),
    }
}

fn list(readiness: &mut dyn FnMut(&str) -> Readiness) -> String {
    let mut text =
        format!("{:<22}{:<8}{:<8}{:<12}{:<10}{}\n", "RELEASE", "SPARK", "HADOOP", "PYTHON", "JAVA", "HERE");
    // Labels of one Spark share its runtime, and looking for a fitting Python takes its time.
    let mut looked = BTreeMap::new();
    for release in release::all() {
        let build = release.build();
        let looked = looked.entry(build.spark);
        let (first, here) = &*looked.or_insert_with(|| (release.label, here(readiness(release.label))));
        let here = here.replace(first, release.label);
        let (python, java) = (versions(build.python, true), versions(build.java, false));
        let columns = (release.label, build.spark, build.hadoop);
        writeln!(text, "{:<22}{:<8}{:<8}{python:<12}{java:<10}{here}", columns.0, columns.1, columns.2).ok();
    }
    text
}

fn here(readiness: Readiness) -> String {
    match readiness {
        Readiness::Ready(_) => "installed".to_owned(),
        Readiness::Missing => "can be installed".to_owned(),
        Readiness::Impossible(why) => format!("impossible: {why}"),
    }
}

fn versions(span: Span, minor: bool) -> String {
    let one = |(major, step): (u16, u16)| if minor { format!("{major}.{step}") } else { major.to_string() };
    format!("{}-{}", one(span.low), one(span.high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_has_a_line() {
        let mut asked = Vec::new();
        let text = list(&mut |label| {
            asked.push(label.to_owned());
            if label == "emr-6.8.0" {
                Readiness::Impossible(format!("{label} has no Java"))
            } else {
                Readiness::Missing
            }
        });
        assert!(asked.len() < release::all().len() && asked.contains(&"emr-7.11.0".to_owned()), "{asked:?}");
        assert_eq!(text.lines().count(), release::all().len() + 1);
        let line = |label: &str| text.lines().find(|line| line.starts_with(label)).unwrap().to_owned();
        assert!(line("emr-6.8.0").ends_with("impossible: emr-6.8.0 has no Java"));
        assert!(line("emr-6.9.0").ends_with("impossible: emr-6.9.0 has no Java"), "its Spark is the same");
        let words: Vec<String> = line("emr-7.13.0").split_whitespace().map(str::to_owned).collect();
        assert_eq!(words[..5], ["emr-7.13.0", "3.5.6", "3.3.4", "3.8-3.12", "8-17"]);
    }
}
