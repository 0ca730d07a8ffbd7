//! The folders of the workers: what is written about each, and which is written before which.
//!
//! ```text
//! <root>/lock                      held by the control plane that uses this root
//! <root>/host-id                   the host's name, made once
//! <root>/workers/<worker>/         one worker: worker.json, exit.json (the runner's), runner.log, work/, local/, …
//! <root>/workers/.new-<worker>/    a worker's folder before it has its worker.json
//! <root>/forgotten/<worker>/       empty, or being emptied: the name was used
//! ```
//!
//! `worker.json` exists before anything is started (without a process), and names the process before the process is
//! told what it is to do: so a worker whose `worker.json` names no process can never have done anything.

use super::table::Process;
use firesteel_core::id::{HostId, WorkerId};
use firesteel_protocol::Exit;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a used name is remembered after the worker is forgotten.
const NAME_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
const NEW: &str = ".new-";

/// A forgotten worker's files on their way out; need not be waited for.
pub(crate) type Emptying = JoinHandle<io::Result<()>>;

/// What `worker.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Whose worker it is.
    pub(crate) installation: String,
    /// On which host it lives.
    pub(crate) host: HostId,
    /// In which boot of that host it was started.
    pub(crate) boot: String,
    /// Its own loopback address.
    pub(crate) address: String,
    /// Its runner's process; none while it is being started.
    pub(crate) process: Option<Leader>,
}

/// A runner's process: the leader of the worker's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leader {
    /// Process id, which is the session's id as well.
    pub(crate) pid: u32,
    /// Start, in clock ticks since boot.
    pub(crate) started: u64,
}

impl Leader {
    /// True if `process` is this very process and lives.
    pub(crate) fn is(&self, process: &Process) -> bool {
        self.pid == process.pid && self.started == process.started && !process.zombie
    }
}

/// The folders under one root.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    root: PathBuf,
}

impl Folders {
    /// Makes what is missing and sweeps what a crash left half made or half removed.
    pub(crate) fn open(root: &Path, installation: &str) -> io::Result<Self> {
        private_dir(root)?;
        let folders = Self { root: root.canonicalize()? };
        private_dir(&folders.workers())?;
        private_dir(&folders.forgotten())?;
        folders.sweep(installation)?;
        Ok(folders)
    }

    /// The root itself, without symbolic links.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A worker's folder.
    pub(crate) fn of(&self, worker: &WorkerId) -> PathBuf {
        self.workers().join(worker.as_str())
    }

    /// True if a worker of this name was ever made here.
    pub(crate) fn used(&self, worker: &WorkerId) -> bool {
        self.of(worker).exists() || self.forgotten().join(worker.as_str()).exists()
    }

    /// Makes a worker's folder with its first `worker.json`, both at once or not at all.
    pub(crate) fn create(&self, worker: &WorkerId, record: &Record) -> io::Result<()> {
        let new = self.workers().join(format!("{NEW}{worker}"));
        for part in ["", "work", "local"] {
            private_dir(&new.join(part))?;
        }
        write_whole(&new, "worker.json", record)?;
        fs::rename(&new, self.of(worker))
    }

    /// Replaces a worker's `worker.json`.
    pub(crate) fn update(&self, worker: &WorkerId, record: &Record) -> io::Result<()> {
        write_whole(&self.of(worker), "worker.json", record)
    }

    /// A worker's record; none if there is no such worker (or its record is not one).
    pub(crate) fn read(&self, worker: &WorkerId) -> Option<Record> {
        read_json(&self.of(worker).join("worker.json"))
    }

    /// The exit that the runner wrote, if it did.
    pub(crate) fn exit(&self, worker: &WorkerId) -> Option<Exit> {
        read_json(&self.of(worker).join("exit.json"))
    }

    /// Every worker with a record, by name.
    pub(crate) fn all(&self) -> io::Result<Vec<(WorkerId, Record)>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(self.workers())? {
            let name = entry?.file_name();
            let Some(worker) = name.to_str().filter(|name| !name.starts_with('.')).map(WorkerId::new) else {
                continue;
            };
            if let Some(record) = self.read(&worker) {
                all.push((worker, record));
            }
        }
        all.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(all)
    }

    /// Removes a worker that certainly never ran, so that its name may be used.
    pub(crate) fn undo(&self, worker: &WorkerId) -> io::Result<()> {
        fs::remove_dir_all(self.of(worker))
    }

    /// Removes a worker's folder but remembers its name. What was in it goes in the background: a slow disk needs a
    /// minute for ten thousand files, and it is an application's tick that waits here. A start sweeps the rest.
    pub(crate) fn forget(&self, worker: &WorkerId) -> io::Result<Option<Emptying>> {
        let grave = self.forgotten().join(worker.as_str());
        match fs::rename(self.of(worker), &grave) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(()) => Ok(Some(thread::spawn(move || empty(&grave)))),
        }
    }

    fn workers(&self) -> PathBuf {
        self.root.join("workers")
    }

    fn forgotten(&self) -> PathBuf {
        self.root.join("forgotten")
    }

    fn sweep(&self, installation: &str) -> io::Result<()> {
        for entry in fs::read_dir(self.workers())? {
            let entry = entry?;
            if !entry.file_name().to_string_lossy().starts_with(NEW) {
                continue;
            }
            let record: Option<Record> = read_json(&entry.path().join("worker.json"));
            if record.is_none_or(|record| record.installation == installation) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        let graves = self.forgotten();
        // Not waited for, either; what cannot be removed now is tried again by the next start.
        thread::spawn(move || sweep_graves(&graves));
        Ok(())
    }
}

/// Why a worker's name cannot be a folder's name; none if it can.
pub(crate) fn unfit_name(worker: &WorkerId) -> Option<&'static str> {
    let name = worker.as_str();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > 200 {
        return Some("its name is empty or longer than 200 bytes");
    }
    if name.starts_with('.') || !name.bytes().all(plain) {
        return Some(
            "its name has characters other than letters, digits, '-', '_' and '.', or begins with '.'",
        );
    }
    None
}

/// Makes a folder that is its owner's alone, unless it is there.
fn private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Empties the folders of forgotten workers, and forgets the names that are old enough.
fn sweep_graves(graves: &Path) -> io::Result<()> {
    for entry in fs::read_dir(graves)? {
        let entry = entry?;
        let buried = entry.metadata()?.modified()?;
        empty(&entry.path())?;
        if buried.elapsed().is_ok_and(|age| age > NAME_KEPT) {
            fs::remove_dir(entry.path())?;
        }
    }
    Ok(())
}

/// Removes what is in a folder but not the folder. A start's sweep and the forgetting of a worker may empty the same
/// folder at the same time: what is gone already is no error for either.
fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let removed = match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}

fn write_whole<T: Serialize>(folder: &Path, name: &str, value: &T) -> io::Result<()> {
    let new = folder.join(format!(".{name}.new"));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    fs::rename(new, folder.join(name))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    let bytes = fs::read(path).ok()?;
    serde_json::from_slice(&bytes)
        .inspect_err(|error| tracing::warn!(path = %path.display(), %error, "this is not what it should be"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            installation: "ours".into(),
            host: HostId::new("h"),
            boot: "b".into(),
            address: "127.0.0.2".into(),
            process: None,
        }
    }

    #[test]
    fn the_first_form_of_worker_json_is_read_for_ever() {
        let text = r#"{"installation":"ours","host":"h","boot":"b","address":"127.0.0.2","process":{"pid":7,"started":99}}"#;
        let read: Record = serde_json::from_str(text).unwrap();
        assert_eq!(read, Record { process: Some(Leader { pid: 7, started: 99 }), ..record() });
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }

    #[test]
    fn names_that_leave_the_folder_are_unfit() {
        for name in ["", ".", "..", "../x", "a/b", ".new-a", "a b", "ä", "a\0b", &"x".repeat(201)] {
            assert!(unfit_name(&WorkerId::new(name)).is_some(), "{name:?}");
        }
        for name in ["00abc-1-driver", "00abc-1-7b1c2d3e-0000-4000-8000-000000000000", "a.b_c"] {
            assert_eq!(unfit_name(&WorkerId::new(name)), None, "{name:?}");
        }
    }

    #[test]
    fn a_forgotten_name_stays_used_and_its_bytes_go() {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::open(root.path(), "ours").unwrap();
        let worker = WorkerId::new("w");
        folders.create(&worker, &record()).unwrap();
        let emptying = folders.forget(&worker).unwrap().unwrap();
        assert!(folders.forget(&worker).unwrap().is_none());
        emptying.join().unwrap().unwrap();
        assert!(folders.used(&worker));
        assert_eq!(folders.all().unwrap(), []);
        assert_eq!(fs::read_dir(folders.forgotten().join("w")).unwrap().count(), 0);
    }

    #[test]
    fn two_may_empty_one_folder_at_once() {
        let root = tempfile::tempdir().unwrap();
        for round in 0..50 {
            let grave = root.path().join(round.to_string());
            for name in 0..20 {
                private_dir(&grave.join(format!("d{name}/deep"))).unwrap();
                fs::write(grave.join(format!("f{name}")), "x").unwrap();
            }
            thread::scope(|scope| {
                let both = [scope.spawn(|| empty(&grave)), scope.spawn(|| empty(&grave))];
                both.into_iter().for_each(|one| one.join().unwrap().unwrap());
            });
            assert_eq!(fs::read_dir(&grave).unwrap().count(), 0);
        }
    }

    #[test]
    fn half_made_folders_are_swept_unless_they_are_anothers() {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::open(root.path(), "ours").unwrap();
        let theirs = Record { installation: "theirs".into(), ..record() };
        for (name, record) in [("a", Some(record())), ("b", Some(theirs)), ("c", None)] {
            let new = folders.workers().join(format!("{NEW}{name}"));
            private_dir(&new.join("work")).unwrap();
            record.into_iter().for_each(|record| write_whole(&new, "worker.json", &record).unwrap());
        }
        let folders = Folders::open(root.path(), "ours").unwrap();
        let left: Vec<_> = fs::read_dir(folders.workers()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, [".new-b"]);
    }
}
