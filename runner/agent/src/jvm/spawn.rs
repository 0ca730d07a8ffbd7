//! Starts the job in a session of its own, tied to its guardian.

use super::command::Command;
use super::confine::Confinement;
use super::{guard, processes};
use crate::notes::append;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::Child;

/// How the guardian is started; its last argument is the job's mark.
#[derive(Clone, Debug)]
pub struct GuardCommand {
    /// Program.
    pub program: PathBuf,
    /// Arguments before the mark.
    pub arguments: Vec<String>,
    /// Extra environment.
    pub env: Vec<(String, String)>,
}

impl GuardCommand {
    /// This very program under its hidden verb.
    pub fn this_program() -> io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            arguments: vec![guard::VERB.to_owned()],
            env: Vec::new(),
        })
    }
}

/// Where and how jobs are started.
pub struct Spawner<'a> {
    /// The job's current folder.
    pub work: &'a Path,
    /// Its `stdout`.
    pub stdout: &'a Path,
    /// Its `stderr`.
    pub stderr: &'a Path,
    /// Its mark, `NAME=value`; the environment must hold it.
    pub mark: String,
    /// Its guardian.
    pub guard: GuardCommand,
}

/// A running job.
pub struct Job {
    child: Child,
    session: i32,
    mark: String,
    guard: Child,
    tie: File,
}

impl Spawner<'_> {
    /// Starts `command`. The guardian lives before the job does.
    pub fn spawn(&self, command: &Command, confinement: Option<Confinement>) -> io::Result<Job> {
        let (guard, tie) = self.start_guard()?;
        let Some((program, arguments)) = command.line.split_first() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "an empty command"));
        };
        let mut process = std::process::Command::new(program);
        process
            .args(arguments)
            .env_clear()
            .envs(&command.env)
            .current_dir(self.work)
            .stdin(Stdio::null())
            .stdout(append(self.stdout)?)
            .stderr(append(self.stderr)?);
        before_exec(&mut process, tie.as_raw_fd(), confinement);
        let child = tokio::process::Command::from(process).spawn()?;
        let session = child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or(0);
        Ok(Job { child, session, mark: self.mark.clone(), guard, tie })
    }

    fn start_guard(&self) -> io::Result<(Child, File)> {
        let (read, write): (OwnedFd, OwnedFd) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
        let mut process = tokio::process::Command::new(&self.guard.program);
        process
            .args(&self.guard.arguments)
            .arg(&self.mark)
            .env_clear()
            .envs(self.guard.env.iter().cloned())
            .current_dir("/")
            .stdin(Stdio::from(read))
            .stdout(Stdio::null());
        Ok((process.spawn()?, File::from(write)))
    }
}

/// In the child: a session of its own, its id to the guardian, the confinement.
#[allow(unsafe_code)]
fn before_exec(process: &mut std::process::Command, tie: i32, confinement: Option<Confinement>) {
    let mut confinement = confinement;
    let prepare = move || {
        let session = nix::unistd::setsid()?;
        // SAFETY: `tie` is open: the parent holds it until spawn returns, and descriptors survive the fork.
        let tie = unsafe { std::os::fd::BorrowedFd::borrow_raw(tie) };
        nix::unistd::write(tie, &session.as_raw().to_ne_bytes())?;
        match confinement.take() {
            Some(rules) => {
                rules.enforce().map(drop).map_err(|_| io::Error::from(io::ErrorKind::PermissionDenied))
            }
            None => Ok(()),
        }
    };
    // SAFETY: the closure runs between fork and exec and makes system calls only (setsid, write, prctl,
    // landlock_restrict_self); the rules were built before the fork.
    unsafe {
        process.pre_exec(prepare);
    }
}

impl Job {
    /// Children that this value waits for: the job's own process and its guardian.
    pub fn children(&self) -> Vec<i32> {
        self.guard.id().and_then(|id| i32::try_from(id).ok()).into_iter().chain([self.session]).collect()
    }

    /// Waits for the job's own process.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Sends a signal to the job's own process.
    pub fn signal(&self, signal: Signal) {
        if self.child.id().is_some() {
            // One that is gone already needs no signal.
            let _ = kill(Pid::from_raw(self.session), signal);
        }
    }

    /// Kills all that is left of the job, then lets the guardian go. False if something survived.
    pub async fn finish(mut self) -> bool {
        let (session, mark) = (self.session, self.mark.clone());
        let spared: Vec<i32> = self
            .guard
            .id()
            .into_iter()
            .chain([std::process::id()])
            .filter_map(|id| i32::try_from(id).ok())
            .collect();
        let killed = tokio::task::spawn_blocking(move || {
            processes::kill_job(session, &mark, &spared, Duration::from_secs(10))
        })
        .await
        .unwrap_or(false);
        let _ = self.child.wait().await;
        if killed {
            let _ = self.tie.write_all(b"Q");
        }
        drop(self.tie);
        let _ = tokio::time::timeout(Duration::from_secs(35), self.guard.wait()).await;
        killed
    }
}

/// The exit code of a process: its own, or 128 + n for signal n.
pub fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(255)
}
