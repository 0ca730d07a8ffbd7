//! Which processes belong to a job, from `/proc`: those of its session, those that carry its mark, and their children.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// One process as `/proc` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its parent's id.
    pub parent: i32,
    /// Its session.
    pub session: i32,
    /// True if it is dead and waits for its parent.
    pub zombie: bool,
}

/// All processes that can be seen.
pub fn all() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| read(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn read(pid: i32) -> Option<Process> {
    parse(pid, &std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name in parentheses may hold anything, so fields are counted from the last one.
fn parse(pid: i32, stat: &str) -> Option<Process> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    Some(Process { pid, parent, session, zombie: matches!(state, "Z" | "X") })
}

/// How the processes of one job are known.
#[derive(Clone, Debug)]
pub struct Marks {
    /// The job's session.
    pub session: i32,
    /// What their environment carries, `NAME=value`.
    pub mark: String,
    /// Who adopts their orphans, if that is certain: one that has left session and environment behind is known by it.
    pub parent: Option<i32>,
    /// Processes with such a mark that are not the job's.
    pub spared: Vec<i32>,
}

/// Living processes of the job: those with one of its marks, and all that descend from them.
pub fn of_job(marks: &Marks) -> Vec<i32> {
    let Marks { session, mark, parent, spared } = marks;
    let all = all();
    let carries = |pid: i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    let mut members: BTreeSet<i32> = all
        .iter()
        .filter(|p| p.session == *session || carries(p.pid))
        .map(|p| p.pid)
        .chain(*parent)
        .collect();
    loop {
        let before = members.len();
        members.extend(all.iter().filter(|p| members.contains(&p.parent)).map(|p| p.pid).collect::<Vec<_>>());
        if members.len() == before {
            break;
        }
    }
    let living = all.iter().filter(|p| !p.zombie && members.contains(&p.pid) && !spared.contains(&p.pid));
    living.map(|p| p.pid).collect()
}

/// The signal by which a process can be ended through its own handlers: SIGTERM if it has one for that, else SIGINT, which
/// Python turns into a KeyboardInterrupt. None if both would end it without a word.
pub fn polite(pid: i32) -> Option<Signal> {
    caught(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn caught(status: &str) -> Option<Signal> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    [Signal::SIGTERM, Signal::SIGINT].into_iter().find(|signal| mask >> (*signal as i32 - 1) & 1 == 1)
}

/// Whether a process is there that has not ended.
pub fn lives(pid: i32) -> bool {
    read(pid).is_some_and(|process| !process.zombie)
}

/// Kills a job whole, again and again until nothing of it lives; false if something survives `limit`.
pub fn kill_job(marks: &Marks, limit: Duration) -> bool {
    let begun = Instant::now();
    loop {
        let living = of_job(marks);
        if living.is_empty() {
            return true;
        }
        for pid in living {
            // One that is gone already needs no signal.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        if begun.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_anything() {
        let found = parse(7, "7 (a) b (c) S 3 5 4 0 -1");
        assert_eq!(found, Some(Process { pid: 7, parent: 3, session: 4, zombie: false }));
        assert_eq!(parse(7, "7 (x) Z 3 5 4 0").map(|process| process.zombie), Some(true));
    }

    #[test]
    fn the_signal_that_a_process_handles() {
        for (mask, expected) in [
            ("0000000000000000", None),
            ("0000000000000002", Some(Signal::SIGINT)),
            ("0000000000004000", Some(Signal::SIGTERM)),
            ("2000000181005ccf", Some(Signal::SIGTERM)),
            ("x", None),
        ] {
            assert_eq!(caught(&format!("Name:\ta\nSigIgn:\tffff\nSigCgt:\t{mask}\n")), expected, "{mask}");
        }
        assert_eq!(caught(""), None);
    }

    #[test]
    fn this_process_is_seen() {
        let me = std::process::id() as i32;
        assert!(all().iter().any(|process| process.pid == me && !process.zombie));
    }
}
