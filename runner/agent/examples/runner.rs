//! The runner as a program of its own, for tests: `runner --errand-fd N`, and its guardian, `runner-guard MARK`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--errand-fd", number] => number.parse().map_or(ExitCode::FAILURE, firesteel_agent::run),
        [verb, mark] if verb == firesteel_agent::GUARD_VERB => firesteel_agent::guard(mark),
        _ => ExitCode::FAILURE,
    }
}
