//! A worker as a whole: which processes are its own, and their end. Never a process of anybody else: before any
//! signal it is made sure that the id still names the process that was meant.

use super::record::{Leader, Record};
use super::start::WORKER_FOLDER;
use super::table::{self, Process};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long killed processes may take to vanish.
const PATIENCE: Duration = Duration::from_secs(5);

/// The living runner of a worker, if it lives.
pub(crate) fn living(record: &Record, boot: &str, table: &[Process]) -> Option<Leader> {
    let leader = record.process.filter(|_| record.boot == boot)?;
    table.iter().any(|process| leader.is(process)).then_some(leader)
}

/// Kills every process of the worker, waits for their end, and takes note of it where they are this process's
/// children. Gives the ids of those that do not die.
pub(crate) fn end(record: &Record, boot: &str, folder: &Path) -> std::io::Result<Vec<u32>> {
    let deadline = Instant::now() + PATIENCE;
    let mut hunt = Hunt { record, folder, certain: false, known: BTreeSet::new() };
    loop {
        let table = table::scan()?;
        let left = if record.boot == boot { hunt.members(&table) } else { vec![] };
        if left.is_empty() {
            reap(record, &table);
            return Ok(vec![]);
        }
        if Instant::now() > deadline {
            return Ok(left.iter().map(|process| process.pid).collect());
        }
        left.iter().for_each(kill);
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What is known of a worker's processes from one scan to the next.
struct Hunt<'a> {
    record: &'a Record,
    folder: &'a Path,
    /// True if the session's number has been the worker's at every scan.
    certain: bool,
    /// Everything found so far: a process may lose its parent and its session between two scans.
    known: BTreeSet<(u32, u64)>,
}

impl Hunt<'_> {
    /// The processes of the worker that are not dead.
    fn members(&mut self, table: &[Process]) -> Vec<Process> {
        let own = std::process::id();
        self.certain = self.session_is_ours(table);
        let alive = table.iter().filter(|process| !process.zombie && process.pid != own);
        let mut found: Vec<Process> = alive.filter(|process| self.is_member(process)).cloned().collect();
        with_descendants(&mut found, table);
        found.retain(|process| process.pid != own);
        self.known.extend(found.iter().map(|process| (process.pid, process.started)));
        found
    }

    /// The system gives a session's number to no other process before its last member is dead. So the session is the
    /// worker's while its leader is there, if only as a zombie, and goes on to be until the number names another.
    fn session_is_ours(&self, table: &[Process]) -> bool {
        let Some(leader) = self.record.process else { return false };
        match table.iter().find(|process| process.pid == leader.pid) {
            Some(process) => process.started == leader.started,
            None => self.certain,
        }
    }

    fn is_member(&self, process: &Process) -> bool {
        let in_session = self.record.process.is_some_and(|leader| leader.pid == process.session);
        (in_session && self.certain)
            || self.known.contains(&(process.pid, process.started))
            || shows(process, self.folder, in_session)
    }
}

/// True if the process carries the worker's folder: in its environment, or, in the session, as its place of work.
fn shows(process: &Process, folder: &Path, in_session: bool) -> bool {
    table::has_variable(process.pid, WORKER_FOLDER, folder)
        || (in_session && table::directory(process.pid).is_some_and(|place| place.starts_with(folder)))
}

fn with_descendants(found: &mut Vec<Process>, table: &[Process]) {
    let mut pids: BTreeSet<u32> = found.iter().map(|process| process.pid).collect();
    loop {
        let before = found.len();
        for process in table.iter().filter(|process| !process.zombie) {
            if pids.contains(&process.parent) && pids.insert(process.pid) {
                found.push(process.clone());
            }
        }
        if found.len() == before {
            return;
        }
    }
}

/// Kills one process, but not one that took its id since.
fn kill(process: &Process) {
    let Some(pid) = pid(process.pid) else { return };
    let same = || table::look(process.pid).is_some_and(|now| now.started == process.started);
    let outcome = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) if same() => rustix::process::pidfd_send_signal(&fd, Signal::KILL),
        Err(Errno::NOSYS | Errno::PERM) if same() => rustix::process::kill_process(pid, Signal::KILL),
        _ => Ok(()),
    };
    if let Err(error) = outcome
        && error != Errno::SRCH
    {
        tracing::warn!(pid = process.pid, %error, "a process of a worker cannot be killed");
    }
}

/// Takes note of the death of the worker's processes that are this process's children: its runner, and, where this
/// process is the first of a container, the orphans it inherits. No one else's children are touched.
fn reap(record: &Record, table: &[Process]) {
    let Some(leader) = record.process else { return };
    let own = std::process::id();
    let dead = table.iter().filter(|process| process.zombie && process.parent == own);
    let ours = dead.filter(|process| process.session == leader.pid && process.started >= leader.started);
    for pid in ours.filter_map(|process| pid(process.pid)) {
        // Another thread may have been first.
        rustix::process::waitpid(Some(pid), WaitOptions::NOHANG).ok();
    }
}

pub(crate) fn pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}
