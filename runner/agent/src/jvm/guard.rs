//! The guardian: a small process that ends the job when its runner dies, however the runner dies.
//!
//! It reads the job's session id from its standard input and then waits for the end of that input, which the kernel
//! brings about when the runner is gone. (A death signal would be tied to a thread, not to the process.)

use super::processes::{Marks, kill_job};
use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

/// The hidden verb under which the runner starts its guardian; its one argument is the job's mark, `NAME=value`.
pub const VERB: &str = "runner-guard";

/// Waits for the runner's death or farewell, then kills the job.
///
/// The input holds four bytes: the job's session id. Without them no job was started. `Q` after them is a farewell:
/// the runner has ended the job itself.
pub fn guard(mark: &str) -> ExitCode {
    // A session of its own: signals for the runner's group or terminal are not for the guardian.
    let _ = nix::unistd::setsid();
    let mut input = Vec::new();
    let read = std::io::stdin().read_to_end(&mut input);
    let Some(session) = input.first_chunk::<4>().map(|bytes| i32::from_ne_bytes(*bytes)) else {
        return ExitCode::SUCCESS;
    };
    if read.is_ok() && input.len() > 4 {
        return ExitCode::SUCCESS;
    }
    // The runner is dead, and its orphans went to somebody who has other children too.
    let spared = vec![std::process::id() as i32];
    let marks = Marks { session, mark: mark.to_owned(), parent: None, spared };
    let gone = kill_job(&marks, Duration::from_secs(30));
    if gone { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
