//! Waits for the end of a runner, whosever child it is. It must not know why anyone wants to know.

use super::record::Leader;
use super::{table, whole};
use rustix::process::PidfdFlags;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// How often it is looked where the system has no descriptors for processes (Linux before 5.3).
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Resolves when the process is dead.
pub(crate) async fn death(leader: Leader) {
    if let Some(fd) = descriptor(leader).and_then(readable)
        && fd.readable().await.is_ok()
    {
        return;
    }
    while lives(leader) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A descriptor of this very process, if it lives.
fn descriptor(leader: Leader) -> Option<OwnedFd> {
    let fd = rustix::process::pidfd_open(whole::pid(leader.pid)?, PidfdFlags::empty()).ok()?;
    lives(leader).then_some(fd)
}

#[allow(unsafe_code)]
fn readable(fd: OwnedFd) -> Option<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is open, and owned by what is returned until that is dropped.
    unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.ok()
}

fn lives(leader: Leader) -> bool {
    table::look(leader.pid).is_some_and(|process| leader.is(&process))
}
