//! Starting a runner: a session of its own that outlives this process, an environment built from nothing, and an
//! errand that comes last. It must not know why.

use super::record::Leader;
use super::table;
use firesteel_protocol::transport::Errand;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, PipeWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Set in a runner's environment to its worker's folder. The runner hands it on to what it starts, so that a process
/// of the worker is known even if it left the session.
pub const WORKER_FOLDER: &str = "FIRESTEEL_WORKER_FOLDER";
/// What a pipe holds at least before a writer must wait.
const PIPE_HOLDS: usize = 16 * 1024;

/// The program that is every worker's first process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerCommand {
    /// Program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl RunnerCommand {
    /// This very program as `runner --errand-fd 0`: the errand is read from the standard input.
    pub fn this_program() -> io::Result<Self> {
        let arguments = ["runner", "--errand-fd", "0"].map(OsString::from).into();
        Ok(Self { program: std::env::current_exe()?, arguments })
    }
}

/// A runner that was started and waits for its errand; dropped, it is left with none and ends by itself.
pub(crate) struct Waiting {
    child: Child,
    errand: PipeWriter,
}

impl Waiting {
    /// Starts the runner in `folder`.
    pub(crate) fn start(
        command: &RunnerCommand,
        folder: &Path,
        extra: &BTreeMap<String, OsString>,
    ) -> io::Result<Self> {
        let (reader, errand) = io::pipe()?;
        let log = open_log(folder)?;
        let mut runner = Command::new(&command.program);
        runner.args(&command.arguments).current_dir(folder);
        runner.env_clear().envs(environment(folder)).envs(extra);
        runner.stdin(Stdio::from(reader)).stdout(log.try_clone()?).stderr(log);
        detach(&mut runner);
        Ok(Self { child: runner.spawn()?, errand })
    }

    /// Which process it is.
    pub(crate) fn leader(&self) -> io::Result<Leader> {
        let pid = self.child.id();
        let process = table::look(pid).ok_or_else(|| io::Error::new(ErrorKind::NotFound, "not in /proc"))?;
        Ok(Leader { pid, started: process.started })
    }

    /// Gives the runner its errand. A runner that is dead already does not read it: that is no error here.
    pub(crate) fn send(&mut self, errand: &[u8]) -> io::Result<()> {
        match self.errand.write_all(errand) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Kills the runner before it was told anything, and takes note of its death.
    pub(crate) fn abandon(mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

/// The errand's bytes; an error if they are more than a pipe holds (the runner might never read them).
pub(crate) fn errand_bytes(errand: &Errand) -> io::Result<Vec<u8>> {
    let bytes = serde_json::to_vec(errand)?;
    if bytes.len() > PIPE_HOLDS {
        let message = format!("its errand has {} bytes, more than {PIPE_HOLDS}", bytes.len());
        return Err(io::Error::new(ErrorKind::InvalidInput, message));
    }
    Ok(bytes)
}

/// What a runner finds in its environment, and nothing else.
fn environment(folder: &Path) -> Vec<(&'static str, OsString)> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let mut variables = vec![
        ("PATH", path),
        ("HOME", folder.as_os_str().to_owned()),
        ("LANG", "C.UTF-8".into()),
        (WORKER_FOLDER, folder.as_os_str().to_owned()),
    ];
    let handed_on = ["RUST_LOG", "RUST_BACKTRACE"];
    variables.extend(handed_on.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    variables
}

fn open_log(folder: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join("runner.log"))
}

/// Gives the child a session of its own (a terminal's signals do not reach it) and no open file of this process but
/// its standard three, not even those that this process inherited itself.
#[allow(unsafe_code)]
fn detach(command: &mut Command) {
    let between_fork_and_exec = || {
        rustix::process::setsid()?;
        // SAFETY: close_range(2) reads no memory. Old kernels refuse it; then only inherited files stay open.
        unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
        Ok(())
    };
    // SAFETY: between fork and exec only the two system calls above are made: no allocation, no lock.
    unsafe { command.pre_exec(between_fork_and_exec) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_core::id::{HostId, WorkerId};

    #[test]
    fn an_errand_that_does_not_fit_a_pipe_is_refused() {
        let errand = |token: String| Errand {
            worker: WorkerId::new("w"),
            host: HostId::new("h"),
            endpoints: vec![],
            token,
            address: "127.0.0.2".into(),
            folder: "/f".into(),
            forbidden: None,
            runtimes: "/r".into(),
            authority: None,
        };
        let fits = errand("t".repeat(1_000));
        assert_eq!(serde_json::from_slice::<Errand>(&errand_bytes(&fits).unwrap()).unwrap(), fits);
        assert!(errand_bytes(&errand("t".repeat(20_000))).is_err());
    }

    #[test]
    fn a_runner_that_is_left_without_an_errand_reads_an_end_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let arguments =
            ["-c", "cat > errand; echo $$ > ended.new; mv ended.new ended"].map(OsString::from).into();
        let command = RunnerCommand { program: "/bin/sh".into(), arguments };
        let waiting = Waiting::start(&command, folder.path(), &BTreeMap::new()).unwrap();
        let leader = waiting.leader().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!folder.path().join("ended").exists(), "it did not wait");
        drop(waiting);
        let pid = rustix::process::Pid::from_raw(leader.pid as i32);
        rustix::process::waitpid(pid, rustix::process::WaitOptions::empty()).unwrap();
        assert!(folder.path().join("ended").exists());
        assert_eq!(std::fs::read(folder.path().join("errand")).unwrap(), b"");
    }

    #[test]
    fn the_environment_is_short() {
        let names: Vec<_> = environment(Path::new("/f")).into_iter().map(|(name, _)| name).collect();
        let allowed = ["PATH", "HOME", "LANG", WORKER_FOLDER, "RUST_LOG", "RUST_BACKTRACE"];
        assert!(names.iter().all(|name| allowed.contains(name)), "{names:?}");
        assert_eq!(names[..4], allowed[..4]);
    }
}
