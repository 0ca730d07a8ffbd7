//! Starts the job in a session of its own, tied to its guardian.

use super::command::Command;
use super::confine::Confinement;
use super::processes::{self, Marks};
use super::{guard, reap};
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
        // Whoever started the control plane in the background may have ignored it: Python would not raise KeyboardInterrupt.
        // SAFETY: the default action is no handler.
        unsafe { nix::sys::signal::signal(Signal::SIGINT, nix::sys::signal::SigHandler::SigDfl) }?;
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
    // SAFETY: the closure runs between fork and exec and makes system calls only (setsid, signal, write, prctl,
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

    /// Asks the job's processes beside its own to end, each by the signal that it has a handler for; those that were asked.
    pub async fn ask(&self) -> Vec<i32> {
        let mut marks = self.marks();
        marks.spared.push(self.session);
        let asked = tokio::task::spawn_blocking(move || {
            let living = processes::of_job(&marks).into_iter();
            let polite = living.filter_map(|pid| Some((pid, processes::polite(pid)?)));
            polite
                .filter(|(pid, signal)| kill(Pid::from_raw(*pid), *signal).is_ok())
                .map(|(pid, _)| pid)
                .collect()
        });
        asked.await.unwrap_or_default()
    }

    /// How the job's processes are known. Its guardian and its runner carry its mark and are spared.
    fn marks(&self) -> Marks {
        let both = self.guard.id().into_iter().chain([std::process::id()]);
        let spared = both.filter_map(|id| i32::try_from(id).ok()).collect();
        Marks { session: self.session, mark: self.mark.clone(), parent: reap::adopter(), spared }
    }

    /// Kills all that is left of the job, then lets the guardian go. False if something survived.
    pub async fn finish(mut self) -> bool {
        let marks = self.marks();
        let killed =
            tokio::task::spawn_blocking(move || processes::kill_job(&marks, Duration::from_secs(10)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::time::Instant;

    const ROLE: &str = "FIRESTEEL_TEST_ROLE";
    const FOLDER: &str = "FIRESTEEL_TEST_FOLDER";
    const MARK: &str = "FIRESTEEL_TEST_MARK";

    /// This test program, to be started as one of its own tests.
    fn this_test(name: &str, role: &str, mark: &str) -> GuardCommand {
        let arguments = ["--exact", name, "--nocapture"].map(str::to_owned).to_vec();
        let env = vec![(ROLE.to_owned(), role.to_owned()), (MARK.to_owned(), mark.to_owned())];
        GuardCommand { program: std::env::current_exe().unwrap(), arguments, env }
    }

    fn is_role(role: &str) -> bool {
        std::env::var(ROLE).is_ok_and(|given| given == role)
    }

    fn start_job(folder: &Path, mark: &str, script: &str) -> Job {
        let (stdout, stderr) = (folder.join("stdout"), folder.join("stderr"));
        let spawner = Spawner {
            work: folder,
            stdout: &stdout,
            stderr: &stderr,
            mark: mark.to_owned(),
            guard: this_test("jvm::spawn::tests::as_guardian", "guardian", mark),
        };
        let (name, value) = mark.split_once('=').unwrap();
        let path = ("PATH".to_owned(), "/usr/bin:/bin".to_owned());
        let env = BTreeMap::from([(name.to_owned(), value.to_owned()), path]);
        let line = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        spawner.spawn(&Command { line, env }, None).unwrap()
    }

    /// A job with a child in its group, one in a session of its own, and one that is in the background of nobody.
    const TREE: &str = "sleep 300 & setsid sleep 300 & (setsid sleep 300 &) ; echo ready; wait";

    fn wait_until(what: &str, done: impl Fn() -> bool) {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn marked(mark: &str) -> Vec<i32> {
        let marks = Marks { session: -1, mark: mark.to_owned(), parent: None, spared: vec![] };
        processes::of_job(&marks)
    }

    fn unique(name: &str) -> String {
        format!("FIRESTEEL_TEST_JOB={name}-{}", std::process::id())
    }

    #[test]
    fn as_guardian() {
        if is_role("guardian") {
            let code = guard::guard(&std::env::var(MARK).unwrap());
            assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
        }
    }

    #[tokio::test]
    async fn as_runner() {
        if is_role("runner") {
            let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
            let mut job = start_job(&folder, &std::env::var(MARK).unwrap(), TREE);
            let _ = job.wait().await;
        }
    }

    #[test]
    fn a_runner_that_is_killed_takes_its_job_along() {
        let folder = tempfile::tempdir().unwrap();
        let mark = unique("killed");
        let command = this_test("jvm::spawn::tests::as_runner", "runner", &mark);
        let mut runner = std::process::Command::new(&command.program)
            .args(&command.arguments)
            .envs(command.env)
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("the job runs", || marked(&mark).len() >= 4);
        runner.kill().unwrap();
        runner.wait().unwrap();
        wait_until("nothing of the job lives", || marked(&mark).is_empty());
    }

    #[tokio::test]
    async fn what_a_job_leaves_behind_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let mark = unique("left");
        let mut job =
            start_job(folder.path(), &mark, "setsid sleep 300 & sleep 300 & echo out; echo err >&2; exit 3");
        assert_eq!(code(job.wait().await.unwrap()), 3);
        assert!(job.finish().await);
        assert!(marked(&mark).is_empty());
        assert_eq!(std::fs::read_to_string(folder.path().join("stdout")).unwrap(), "out\n");
        assert_eq!(std::fs::read_to_string(folder.path().join("stderr")).unwrap(), "err\n");
    }

    /// As the runner's own program: it adopts what the job's processes leave behind.
    #[tokio::test]
    async fn as_adopter() {
        if is_role("adopter") {
            reap::adopt_orphans();
            let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
            let hide = "env -i setsid sh -c 'echo $$ >> hidden; exec sleep 300'";
            let script = format!(
                ": > hidden; {hide} & ({hide} &) ; while [ $(wc -l < hidden) -lt 2 ]; do sleep 0.1; done"
            );
            let mut job = start_job(&folder, &std::env::var(MARK).unwrap(), &script);
            let _ = job.wait().await;
            assert!(job.finish().await);
        }
    }

    #[test]
    fn what_has_left_session_and_environment_behind_ends_with_its_job() {
        let folder = tempfile::tempdir().unwrap();
        let command = this_test("jvm::spawn::tests::as_adopter", "adopter", &unique("hidden"));
        let mut runner = std::process::Command::new(&command.program);
        let runner = runner.args(&command.arguments).envs(command.env).env(FOLDER, folder.path());
        assert!(runner.stdout(Stdio::null()).status().unwrap().success());
        let hidden = std::fs::read_to_string(folder.path().join("hidden")).unwrap();
        let hidden: Vec<i32> = hidden.lines().map(|pid| pid.parse().unwrap()).collect();
        assert_eq!(hidden.len(), 2);
        assert!(hidden.iter().all(|pid| !processes::lives(*pid)), "{hidden:?}");
    }

    #[tokio::test]
    async fn signals_reach_the_job_and_show_in_its_code() {
        let folder = tempfile::tempdir().unwrap();
        let mut job = start_job(folder.path(), &unique("signal"), "exec sleep 300");
        job.signal(Signal::SIGPWR);
        assert_eq!(code(job.wait().await.unwrap()), 128 + Signal::SIGPWR as i32);
        assert!(job.finish().await);
    }

    #[tokio::test]
    async fn processes_are_asked_by_the_signal_that_they_handle() {
        const PYTHON: &str = "python3 -c 'import time
try: print(1, flush=True); time.sleep(300)
finally: print(\"finally\", flush=True)'";
        let folder = tempfile::tempdir().unwrap();
        let script = format!(
            "sh -c 'trap \"echo TERM; exit 0\" TERM; echo 1; while :; do sleep 0.1; done' & sleep 300 & {PYTHON}; true"
        );
        let mut job = start_job(folder.path(), &unique("asked"), &script);
        let stdout = || std::fs::read_to_string(folder.path().join("stdout")).unwrap();
        wait_until("both have begun", || stdout() == "1\n1\n");
        let asked = job.ask().await;
        assert_eq!(asked.len(), 2, "the one that would only be killed is let alone");
        wait_until("both have ended", || !asked.iter().any(|pid| processes::lives(*pid)));
        let said = stdout();
        assert!(said.contains("TERM\n") && said.contains("finally\n"), "{said}");
        job.signal(Signal::SIGTERM);
        job.wait().await.unwrap();
        assert!(job.finish().await);
    }

    #[tokio::test]
    async fn a_confined_job_reads_its_own_folder_but_not_the_forbidden_one() {
        if !Confinement::is_supported() {
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let (own, secret) = (root.path().join("workers/w"), root.path().join("secret"));
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(&secret, "hush").unwrap();
        std::fs::write(own.join("mine"), "mine").unwrap();
        let rules = Confinement::new(root.path(), &[&own]).unwrap();
        let script = "cat mine; echo new > new; cat new; cat ../../secret; ls ../..; echo x > ../../planted; cat /etc/hostname > /dev/null && echo fine";
        let (stdout, stderr) = (own.join("stdout"), own.join("stderr"));
        let mark = unique("confined");
        let spawner = Spawner {
            work: &own,
            stdout: &stdout,
            stderr: &stderr,
            mark: mark.clone(),
            guard: this_test("jvm::spawn::tests::as_guardian", "guardian", &mark),
        };
        let line = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        let env = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let mut job = spawner.spawn(&Command { line, env }, Some(rules)).unwrap();
        job.wait().await.unwrap();
        assert!(job.finish().await);
        assert_eq!(std::fs::read_to_string(&stdout).unwrap(), "minenew\nfine\n");
        assert!(!root.path().join("planted").exists());
    }
}
