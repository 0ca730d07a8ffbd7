//! Installs the runtimes of the labels given: `cargo run -p firesteel-runtime --example install -- emr-7.13.0`.

use firesteel_runtime::Installer;
use std::process::ExitCode;

fn main() -> ExitCode {
    let installer = Installer::new(Installer::default_cache());
    for label in std::env::args().skip(1) {
        let started = std::time::Instant::now();
        match installer
            .install(&label, &|line| eprintln!("{:6.1} s  {line}", started.elapsed().as_secs_f32()))
        {
            Ok(runtime) => println!("{label}: {}", runtime.spark_home.display()),
            Err(error) => {
                eprintln!("{label}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
