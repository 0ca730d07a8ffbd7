//! The process substrate with stand-ins for its runners, and what the system says of them.

use crate::suite::Stage;
use firesteel_core::id::WorkerId;
use firesteel_substrate::Substrate;
use firesteel_substrate::process::{ProcessSettings, ProcessSubstrate, RunnerCommand, WORKER_FOLDER};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Reads its errand, notes that it began, and plays the part that is its token.
const STAND_IN: &str = r#"
errand=$(cat)
echo $$ >> began
printf %s "$errand" > errand.json
case "$errand" in
  *'"token":"stays'*) while :; do sleep 1000; done ;;
  *'"token":"exits"'*)
    echo '{"code":3,"summary":"script said 3","started":1000,"ended":2000,"logs_complete":true}' > exit.json ;;
  *'"token":"dies"'*) kill -9 $$ ;;
  *'"token":"family"'*) exec python3 -c "$FAMILY" ;;
  *'"token":"orphans"'*) python3 -c "$FAMILY" & while [ ! -s family ]; do sleep 0.02; done; kill -9 $$ ;;
  '') exit 0 ;;
esac
"#;

/// Descendants of every kind, whose ids are written to `family` when all of them are there.
const FAMILY: &str = r#"
import os, signal, time
notes = os.pipe()
def child(then):
    pid = os.fork()
    if pid == 0:
        then()
        os.write(notes[1], b"%d\n" % os.getpid())
        then = None
        while True: time.sleep(1000)
def deaf():
    for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)
def own_group(): os.setpgid(0, 0)
def own_session(): os.setsid()
def stranger():
    # nothing but the session still shows whose it is
    os.setpgid(0, 0)
    os.chdir("/")
    if os.fork() > 0: os._exit(0)
    os.write(notes[1], b"%d\n" % os.getpid())
    os.execve("/bin/sleep", ["sleep", "1000"], {})
def reparented():
    # the one in between goes, so that this one's parent is the system
    os.setpgid(0, 0)
    if os.fork() > 0: os._exit(0)
kinds = [deaf, own_group, own_session, reparented] + ([] if os.environ.get("NO_STRANGER") else [stranger])
for kind in kinds: child(kind)
lines = b""
while lines.count(b"\n") < len(kinds): lines += os.read(notes[0], 4096)
open("family.new", "wb").write(lines)
os.rename("family.new", "family")
while True: time.sleep(1000)
"#;

/// A root of its own, which leaves no process behind.
pub struct Root(TempDir);

impl Root {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    pub fn folder(&self, worker: &str) -> PathBuf {
        self.path().join("workers").join(worker)
    }

    /// The ids in a file of a worker's folder, one a line.
    pub fn pids(&self, worker: &str, file: &str) -> Vec<u32> {
        let text = fs::read_to_string(self.folder(worker).join(file)).unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    pub fn settings(&self, installation: &str) -> ProcessSettings {
        ProcessSettings {
            root: self.path(),
            installation: installation.to_owned(),
            runner: stand_in(),
            environment: BTreeMap::from([("FAMILY".to_owned(), FAMILY.into())]),
            forbidden: Some("/forbidden".into()),
            runtimes: "/runtimes".into(),
            authority: Some("an authority".to_owned()),
        }
    }

    pub async fn open(&self) -> ProcessSubstrate {
        ProcessSubstrate::open(self.settings("ours")).await.unwrap()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let marker = format!("{WORKER_FOLDER}={}/", self.path().display());
        for pid in every_pid() {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            if environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(marker.as_bytes())) {
                signal(pid, "KILL");
            }
        }
    }
}

pub fn stand_in() -> RunnerCommand {
    RunnerCommand { program: "/bin/sh".into(), arguments: ["-c", STAND_IN].map(Into::into).into() }
}

/// A process substrate whose runners play by themselves.
pub struct Processes {
    pub root: Root,
    pub port: ProcessSubstrate,
}

impl Processes {
    pub async fn new() -> Self {
        let root = Root::new();
        let port = root.open().await;
        Self { root, port }
    }

    /// The stage after the control plane went and another came.
    pub async fn reopened(self) -> Self {
        let Self { root, port } = self;
        drop(port);
        let port = root.open().await;
        Self { root, port }
    }
}

impl Stage for Processes {
    fn port(&self) -> &dyn Substrate {
        &self.port
    }

    fn play(&self) {}

    fn begun(&self, worker: &WorkerId) -> usize {
        let forgotten = self.root.path().join("forgotten").join(worker.as_str());
        self.root.pids(worker.as_str(), "began").len() + usize::from(forgotten.exists())
    }
}

pub fn signal(pid: u32, name: &str) {
    Command::new("/bin/sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap();
}

/// Fields of /proc/<pid>/stat after the name: state, parent, group, session, …
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}

pub fn session(pid: u32) -> Option<u32> {
    stat(pid)?[3].parse().ok()
}

pub fn start_ticks(pid: u32) -> Option<u64> {
    stat(pid)?[19].parse().ok()
}

/// True if the process exists and is not merely waiting to be taken note of.
pub fn runs(pid: u32) -> bool {
    stat(pid).is_some_and(|fields| fields[0] != "Z" && fields[0] != "X")
}

/// True if the process is a dead child of this one that nobody took note of.
pub fn is_our_zombie(pid: u32) -> bool {
    let own = std::process::id().to_string();
    stat(pid).is_some_and(|fields| fields[0] == "Z" && fields[1] == own)
}

pub fn every_pid() -> Vec<u32> {
    let names = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.parse().ok()).collect()
}

/// Waits until a file is there and not empty.
pub async fn appears(path: &Path) -> String {
    for _ in 0..1_500 {
        match fs::read_to_string(path) {
            Ok(text) if !text.is_empty() => return text,
            _ => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
    panic!("{} does not appear", path.display());
}
