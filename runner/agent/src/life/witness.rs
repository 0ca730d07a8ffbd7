//! What the machine knows of a job's end that the job's logs do not: the kernel's kills for memory, a disk that was full.
//!
//! `Witness` looks; `account` is pure and puts what was seen beside what the logs say.

use nix::sys::signal::Signal;
use nix::sys::statvfs::statvfs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// How often the disk is looked at.
const EVERY: Duration = Duration::from_millis(500);
/// A disk with less than this is full: what could not be written any more was larger than what is left.
const FULL: u64 = 1 << 20;
/// Exit code of a process that SIGKILL ended, also as a shell, or Spark for its Python, passes it on.
const KILLED: i32 = 128 + 9;

/// EMR's words for a worker that was killed for its memory.
const MEMORY: &str =
    "Worker has been killed as memory usage exceeded configured memory size, consider increasing memory size";

/// Watches while a job runs.
pub(super) struct Witness {
    folder: PathBuf,
    kills_before: Option<u64>,
    disk_was_full: Arc<AtomicBool>,
    watcher: JoinHandle<()>,
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The kernel killed some process of this machine for its memory meanwhile.
    pub(super) memory_kill: bool,
    /// The disk of the worker's folder was full at some moment.
    pub(super) disk_full: bool,
}

impl Witness {
    /// Begins to watch the machine and the disk of `folder`.
    pub(super) fn begin(folder: &Path) -> Self {
        let disk_was_full = Arc::new(AtomicBool::new(false));
        let (folder, flag) = (folder.to_owned(), disk_was_full.clone());
        let watched = folder.clone();
        let watcher = tokio::spawn(async move {
            while !is_full(&watched) {
                tokio::time::sleep(EVERY).await;
            }
            flag.store(true, Ordering::Relaxed);
        });
        Self { folder, kills_before: memory_kills(), disk_was_full, watcher }
    }

    /// What was seen until now.
    pub(super) fn seen(&self) -> Seen {
        let kills = self.kills_before.zip(memory_kills());
        Seen {
            memory_kill: kills.is_some_and(|(before, now)| now > before),
            disk_full: self.disk_was_full.load(Ordering::Relaxed) || is_full(&self.folder),
        }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

fn is_full(folder: &Path) -> bool {
    statvfs(folder).is_ok_and(|disk| disk.blocks_available() * disk.fragment_size() < FULL)
}

/// The kernel's count of processes killed for memory, in containers and out of them.
fn memory_kills() -> Option<u64> {
    let counters = std::fs::read_to_string("/proc/vmstat").ok()?;
    counters.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

/// What the logs say of a failed job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// The last exceptions.
    pub(super) exceptions: String,
    /// The JVM ran out of heap.
    pub(super) out_of_memory: bool,
    /// Something found no room on a disk.
    pub(super) no_space: bool,
}

/// Why a job's process ended with this status and code, in words. Empty if it ended well.
pub(super) fn account(status: Option<ExitStatus>, code: i32, seen: Seen, said: &Said) -> String {
    let signal = status.and_then(|status| status.signal());
    match (code, signal) {
        (0, _) => String::new(),
        (KILLED, _) if seen.memory_kill || said.out_of_memory => MEMORY.to_owned(),
        (KILLED, _) => {
            "The job's process was killed from outside (signal 9, SIGKILL), not for its memory".to_owned()
        }
        _ if seen.disk_full || said.no_space => disk_full(&said.exceptions),
        (_, Some(signal)) => {
            let name = Signal::try_from(signal).map_or("unknown", Signal::as_str);
            format!("The job's process was killed by signal {signal} ({name})")
        }
        _ => said.exceptions.clone(),
    }
}

fn disk_full(exceptions: &str) -> String {
    format!("The worker's disk is full. {exceptions}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(exceptions: &str) -> Said {
        Said { exceptions: exceptions.to_owned(), ..Said::default() }
    }

    #[test]
    fn who_or_what_ended_the_job() {
        let signal = |number: i32| ExitStatus::from_raw(number);
        let exited = |code: i32| ExitStatus::from_raw(code << 8);
        let nothing = Seen::default();
        let memory = Seen { memory_kill: true, ..nothing };
        let disk = Seen { disk_full: true, ..nothing };
        let heap = Said { out_of_memory: true, ..said("x") };
        let no_space = Said { no_space: true, ..said("OSError: [Errno 28] No space left on device") };
        let outside = "The job's process was killed from outside (signal 9, SIGKILL), not for its memory";
        let table = [
            (exited(0), 0, disk, said("x"), ""),
            (exited(1), 1, nothing, said("ValueError: no"), "ValueError: no"),
            (exited(1), 1, memory, said("ValueError: no"), "ValueError: no"),
            (signal(9), 137, nothing, said("x"), outside),
            (exited(137), 137, nothing, said("x"), outside),
            (signal(9), 137, disk, said("x"), outside),
            (signal(9), 137, memory, said("x"), MEMORY),
            (exited(137), 137, memory, said("x"), MEMORY),
            (signal(9), 137, nothing, heap, MEMORY),
            (signal(11), 139, nothing, said("x"), "The job's process was killed by signal 11 (SIGSEGV)"),
            (exited(1), 1, disk, said(""), "The worker's disk is full."),
            (
                exited(1),
                1,
                nothing,
                no_space,
                "The worker's disk is full. OSError: [Errno 28] No space left on device",
            ),
        ];
        for (status, code, seen, said, expected) in table {
            assert_eq!(account(Some(status), code, seen, &said), expected, "{status} {code}");
        }
    }

    #[tokio::test]
    async fn a_machine_with_room_says_so() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!Witness::begin(folder.path()).seen().disk_full);
        assert!(is_full(Path::new("/proc")), "a file system without any room");
    }
}
