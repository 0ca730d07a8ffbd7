//! The `firesteel` binary.

fn main() -> std::process::ExitCode {
    firesteel_cli::run(std::env::args_os().collect())
}
