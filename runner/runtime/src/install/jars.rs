//! The jars that stock Spark lacks for S3: hadoop-aws of exactly its Hadoop, the AWS SDK by modules, the cloud jar.
//!
//! They go into `SPARK_HOME/jars` itself: users' `extraClassPath` would overwrite any other place, and class-data
//! archives want one folder. Whatever Spark already has in another version is left out.

use super::{Site, remove};
use crate::command::{clean, run};
use crate::error::InstallError;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// An artifact: group, name, version, and whether it comes with what it depends on.
struct Artifact {
    group: &'static str,
    name: String,
    version: &'static str,
    with_dependencies: bool,
}

/// Pinned, so that an installation of today and one of next year do the same.
const COPY_GOAL: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/// Dependencies of the SDK that Spark brings itself, by artifact name: a second version must not come beside them.
const SPARK_HAS: &[&str] = &[
    "netty-buffer",
    "netty-codec",
    "netty-codec-http",
    "netty-codec-http2",
    "netty-common",
    "netty-handler",
    "netty-resolver",
    "netty-transport",
    "netty-transport-classes-epoll",
    "netty-transport-native-unix-common",
    "slf4j-api",
    "commons-codec",
    "commons-logging",
    "httpclient",
    "httpcore",
];

pub(super) fn install(site: &Site) -> Result<(), InstallError> {
    let scratch = site.scratch("jars")?;
    let artifacts = artifacts(site.build.hadoop, site.build.scala, site.build.cloud);
    site.say(&format!("fetching hadoop-aws {} and the AWS SDK by modules", site.build.hadoop));
    if let Some(cloud) = site.build.cloud.filter(|cloud| *cloud != site.build.spark) {
        site.say(&format!(
            "spark-hadoop-cloud {cloud} stands in for {}: same line, same classes",
            site.build.spark
        ));
    }
    let pom = scratch.join("pom.xml");
    fs::write(&pom, pom_of(&artifacts)).map_err(InstallError::io(format!("write {}", pom.display())))?;
    let out = scratch.join("out");
    let mut maven = clean("mvn");
    maven.env("JAVA_HOME", &site.java.home);
    maven.args(["-q", "-B", "-C", "-f"]).arg(&pom).arg(COPY_GOAL);
    maven.arg(format!("-DoutputDirectory={}", out.display()));
    run("fetch the S3 jars", &mut maven)?;
    check_complete(&artifacts, &out)?;
    place(&out, &site.jars())?;
    remove(&scratch)
}

fn artifacts(hadoop: &'static str, scala: &str, cloud: Option<&'static str>) -> Vec<Artifact> {
    let one =
        |group, name: &str, version| Artifact { group, name: name.into(), version, with_dependencies: false };
    let mut list = vec![one("org.apache.hadoop", "hadoop-aws", hadoop)];
    if let Some(version) = cloud {
        list.push(one("org.apache.spark", &format!("spark-hadoop-cloud_{scala}"), version));
    }
    match sdk_v1(hadoop) {
        Some(sdk) => {
            let modules =
                ["aws-java-sdk-core", "aws-java-sdk-s3", "aws-java-sdk-dynamodb", "aws-java-sdk-sts"];
            list.extend(modules.map(|name| one("com.amazonaws", name, sdk)));
            list.push(one("com.amazonaws", "jmespath-java", sdk));
        }
        None => {
            let modules = ["s3", "s3-transfer-manager", "sts", "apache-client"];
            let whole = |name: &str| Artifact {
                with_dependencies: true,
                ..one("software.amazon.awssdk", name, SDK_V2)
            };
            list.extend(modules.map(whole));
        }
    }
    if hadoop == "3.4.2" {
        list.push(one("software.amazon.s3.analyticsaccelerator", "analyticsaccelerator-s3", "1.2.1"));
    }
    list
}

/// The SDK of version 1 that hadoop-project names for this Hadoop; `None` from Hadoop 3.4 on, which uses version 2.
fn sdk_v1(hadoop: &str) -> Option<&'static str> {
    match hadoop {
        "3.3.1" => Some("1.11.901"),
        "3.3.2" => Some("1.11.1026"),
        "3.3.4" => Some("1.12.262"),
        _ => None,
    }
}

/// 3.4.2's own; 3.4.1 names 2.24.6, whose transfer manager is not served everywhere, and works with this one.
const SDK_V2: &str = "2.29.52";

fn pom_of(artifacts: &[Artifact]) -> String {
    let mut pom = String::from(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>io.firesteel</groupId><artifactId>s3-jars</artifactId><version>1</version>\
         <packaging>pom</packaging><dependencies>\n",
    );
    for Artifact { group, name, version, with_dependencies } in artifacts {
        let _ = write!(
            pom,
            "<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>"
        );
        if !with_dependencies {
            pom.push_str("<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>");
        }
        pom.push_str("</dependency>\n");
    }
    pom.push_str("</dependencies></project>\n");
    pom
}

fn check_complete(artifacts: &[Artifact], out: &Path) -> Result<(), InstallError> {
    for Artifact { name, version, .. } in artifacts {
        let jar = out.join(format!("{name}-{version}.jar"));
        if !jar.exists() {
            return Err(InstallError::Mismatch(format!("Maven did not bring {}", jar.display())));
        }
    }
    Ok(())
}

fn place(from: &Path, jars: &Path) -> Result<(), InstallError> {
    let entries = fs::read_dir(from).map_err(InstallError::io(format!("read {}", from.display())))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !SPARK_HAS.contains(&artifact_of(&name)) {
            let to = jars.join(&name);
            fs::rename(&path, &to).map_err(InstallError::io(format!("move to {}", to.display())))?;
        }
    }
    Ok(())
}

/// `netty-codec-http-4.1.115.Final.jar` → `netty-codec-http`: the name ends where a number begins after a dash.
fn artifact_of(file: &str) -> &str {
    let version =
        file.match_indices('-').find(|(at, _)| file[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    version.map_or(file, |(at, _)| &file[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_core::release::all;

    #[test]
    fn names_end_where_versions_begin() {
        assert_eq!(artifact_of("netty-codec-http2-4.1.115.Final.jar"), "netty-codec-http2");
        assert_eq!(artifact_of("netty-nio-client-2.29.52.jar"), "netty-nio-client");
        assert_eq!(artifact_of("s3-2.29.52.jar"), "s3");
        assert_eq!(artifact_of("plain.jar"), "plain.jar");
    }

    #[test]
    fn every_hadoop_of_the_catalogue_has_its_sdk() {
        for release in all() {
            let build = release.build();
            assert_eq!(sdk_v1(build.hadoop).is_some(), build.hadoop.starts_with("3.3."), "{}", build.hadoop);
        }
    }

    #[test]
    fn only_the_new_sdk_brings_its_dependencies() {
        let old = pom_of(&artifacts("3.3.4", "2.12", Some("3.5.8")));
        assert_eq!(old.matches("<exclusion>").count(), old.matches("<dependency>").count());
        assert!(old.contains("<artifactId>spark-hadoop-cloud_2.12</artifactId><version>3.5.8</version>"));
        let new = pom_of(&artifacts("3.4.2", "2.13", Some("4.1.1")));
        assert_eq!(new.matches("<dependency>").count() - new.matches("<exclusion>").count(), 4);
        assert!(new.contains("analyticsaccelerator-s3"));
    }
}
