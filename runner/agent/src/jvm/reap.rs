//! Buries orphans: the runner is the parent of whatever the job's processes leave behind.

use super::processes;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use std::time::Duration;

/// How often orphans are looked for.
const EVERY: Duration = Duration::from_secs(2);

/// Makes this process the parent of its descendants' orphans.
pub fn adopt_orphans() {
    // Without it, orphans go to process 1, which buries them as well.
    let _ = nix::sys::prctl::set_child_subreaper(true);
}

/// This process, if it is the parent of its descendants' orphans.
pub fn adopter() -> Option<i32> {
    let adopts = nix::sys::prctl::get_child_subreaper().unwrap_or(false);
    adopts.then(|| i32::try_from(std::process::id()).ok()).flatten()
}

/// Buries dead children for ever, but for `kept`: somebody waits for those.
pub async fn reap(kept: Vec<i32>) {
    let me = i32::try_from(std::process::id()).unwrap_or(0);
    loop {
        tokio::time::sleep(EVERY).await;
        for process in processes::all() {
            if process.zombie && process.parent == me && !kept.contains(&process.pid) {
                // One that somebody else has buried meanwhile is no loss.
                let _ = waitpid(Pid::from_raw(process.pid), Some(WaitPidFlag::WNOHANG));
            }
        }
    }
}
