//! The installer without a network: what it says of releases, and of a cache that is not what it should be.

use firesteel_runtime::{InstallError, Installer, Readiness};
use std::fs;

#[test]
fn an_empty_cache_has_no_runtime() {
    let cache = tempfile::tempdir().unwrap();
    match Installer::new(cache.path()).readiness("emr-7.13.0") {
        Readiness::Missing => {}
        Readiness::Impossible(reason) => {
            assert!(reason.contains("emr-7.13.0 (Spark 3.5.6) cannot run"), "{reason}")
        }
        Readiness::Ready(runtime) => panic!("{runtime:?} in an empty cache"),
    }
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0, "asking must not write");
}

#[test]
fn an_unknown_label_is_refused_by_name() {
    let installer = Installer::new("/nowhere");
    assert_eq!(
        installer.readiness("emr-5.36.0"),
        Readiness::Impossible("unknown release label emr-5.36.0".into())
    );
    let error = installer.install("emr-5.36.0", &|_| {}).unwrap_err();
    assert!(matches!(error, InstallError::UnknownLabel(label) if label == "emr-5.36.0"));
}

#[test]
fn a_cache_that_cannot_be_written_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Installer::new(file.join("cache")).install("emr-7.13.0", &|_| {}).unwrap_err();
    assert!(error.to_string().contains("file/cache"), "{error}");
}

#[test]
fn a_manifest_without_files_is_not_ready() {
    let cache = tempfile::tempdir().unwrap();
    let installer = Installer::new(cache.path());
    for layout in 0..10 {
        let home = cache.path().join(format!("runtimes/spark-3.5.6-layout{layout}"));
        fs::create_dir_all(&home).unwrap();
        let manifest = format!(
            r#"{{"layout":{layout},"spark_asked":"3.5.6","spark_version":"3.5.6","hadoop_version":"3.3.4","python_version":"3.11.7",
            "java":{{"home":"/","feature":17,"build":"x"}},"java_options":[]}}"#
        );
        fs::write(home.join("runtime.json"), manifest).unwrap();
    }
    assert!(!matches!(installer.readiness("emr-7.13.0"), Readiness::Ready(_)));
}
