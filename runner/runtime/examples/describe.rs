//! Says as JSON what an installed runtime is: `cargo run -p firesteel-runtime --example describe -- emr-7.13.0`.

use firesteel_runtime::{Installer, Readiness, Role};
use std::process::ExitCode;

fn main() -> ExitCode {
    let label = std::env::args().nth(1).unwrap_or_default();
    let runtime = match Installer::new(Installer::default_cache()).readiness(&label) {
        Readiness::Ready(runtime) => runtime,
        Readiness::Missing => {
            eprintln!("{label} is not installed");
            return ExitCode::FAILURE;
        }
        Readiness::Impossible(reason) => {
            eprintln!("{reason}");
            return ExitCode::FAILURE;
        }
    };
    let described = serde_json::json!({
        "label": runtime.label,
        "spark": runtime.spark_version,
        "hadoop": runtime.hadoop_version,
        "spark_home": runtime.spark_home,
        "python": runtime.python,
        "python_path": runtime.python_path(),
        "java_home": runtime.java_home(),
        "java_options": runtime.java_options(),
        "driver_cds": runtime.cds_options(Role::Driver, &runtime.java),
        "executor_cds": runtime.cds_options(Role::Executor, &runtime.java),
        "defaults": runtime.defaults(),
    });
    println!("{described:#}");
    ExitCode::SUCCESS
}
