//! A `firesteel up` of a test's own: its folder, its port, and nothing left behind.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The binary under test.
pub const FIRESTEEL: &str = env!("CARGO_BIN_EXE_firesteel");

/// A command of the binary with nothing of the tester's environment that could lead it astray.
pub fn firesteel(data: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(FIRESTEEL);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("AWS_") || name.starts_with("FIRESTEEL_")) {
            command.env_remove(name);
        }
    }
    command.args(words).env("FIRESTEEL_HOME", data).env("FIRESTEEL_CACHE", data.with_extension("cache"));
    command.stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub fn output(data: &Path, words: &[&str]) -> Output {
    firesteel(data, words).output().unwrap()
}

/// What it printed; it must have succeeded.
pub fn stdout(data: &Path, words: &[&str]) -> String {
    let output = output(data, words);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{words:?}: {err}");
    out
}

/// A free port: bound and given back, as `up` wants a number.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A running server, killed when it is dropped.
pub struct Running {
    child: Child,
    /// The line that it printed when it was ready.
    pub line: String,
    log: PathBuf,
}

impl Running {
    /// Starts it and waits for its line.
    pub fn start(mut command: Command, log: PathBuf) -> Self {
        let errors = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let running = Self { child, line, log };
        assert!(running.line.contains(" is ready on http://"), "{:?}: {}", running.line, running.log());
        running
    }

    /// Where it is reached.
    pub fn endpoint(&self) -> &str {
        let begin = self.line.find("http://").unwrap();
        self.line[begin..].split(' ').next().unwrap()
    }

    /// What it said on stderr.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    /// Waits for its end; whether it ended well, and what more it had printed.
    pub fn ended(mut self, limit: Duration) -> (bool, String) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let mut rest = String::new();
                self.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
                return (status.success(), rest);
            }
            assert!(began.elapsed() < limit, "still running after {limit:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
