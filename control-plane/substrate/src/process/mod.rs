//! Workers as sessions of processes on this machine (Linux).
//!
//! A worker is a session of its own with its own folder and, where the system allows, its own loopback address. It
//! outlives the control plane that started it: nothing ties it to its parent, and whoever opens the same root later
//! adopts it. What it must not know: runs, applications, capacity.

mod address;
mod host;
mod record;
mod start;
mod table;
mod watch;
mod whole;

pub use start::{RunnerCommand, WORKER_FOLDER};

use crate::hint::Hint;
use crate::{HostFacts, LaunchError, LaunchOrder, Sighted, Sighting, Substrate, SubstrateError};
use async_trait::async_trait;
use firesteel_core::id::WorkerId;
use firesteel_protocol::transport::Errand;
use record::{Folders, Leader, Record};
use start::Waiting;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use table::Process;

/// What a process substrate is opened with.
#[derive(Clone, Debug)]
pub struct ProcessSettings {
    /// Folder for the workers; one control plane at a time uses it.
    pub root: PathBuf,
    /// The installation's id: workers of another one are never touched.
    pub installation: String,
    /// Every worker's first process.
    pub runner: RunnerCommand,
    /// What a runner finds in its environment beyond `PATH`, `HOME` (its folder), `LANG`, [`WORKER_FOLDER`] and
    /// Rust's two for logging.
    pub environment: BTreeMap<String, OsString>,
    /// Folder that no job may read, if there is one (see [`Errand::forbidden`]).
    pub forbidden: Option<PathBuf>,
    /// Folder where runtimes are installed.
    pub runtimes: PathBuf,
    /// Certificate authority that runners are to trust, PEM.
    pub authority: Option<String>,
}

/// The process substrate. Dropping it leaves its workers running.
pub struct ProcessSubstrate {
    inner: Arc<Inner>,
}

struct Inner {
    settings: ProcessSettings,
    host: HostFacts,
    boot: String,
    folders: Folders,
    /// Held while a worker is being started: nobody sees one half started, nobody gets another's address.
    starting: Mutex<()>,
    hint: Hint,
    /// Kept locked for as long as this lives.
    _lock: File,
}

impl ProcessSubstrate {
    /// Opens the root, and adopts the workers that live there. Fails with `WouldBlock` if another control plane uses
    /// it. Must be called inside a tokio runtime with time and I/O.
    pub async fn open(settings: ProcessSettings) -> io::Result<Self> {
        let open = move || {
            let inner = Inner::open(settings)?;
            inner.adopt()?;
            Ok(Self { inner: Arc::new(inner) })
        };
        blocking(open).await
    }
}

#[async_trait]
impl Substrate for ProcessSubstrate {
    async fn launch(&self, order: &LaunchOrder) -> Result<(), LaunchError> {
        let (inner, order, worker) = (self.inner.clone(), order.clone(), order.worker.clone());
        // Not cancelled half way: it runs to its end even if nobody waits for it any more.
        let launched = tokio::task::spawn_blocking(move || inner.launch(&order)).await;
        launched.unwrap_or_else(|error| Err(LaunchError::Unknown { worker, reason: error.to_string() }))
    }

    async fn kill(&self, worker: &WorkerId) -> Result<(), SubstrateError> {
        let (inner, worker) = (self.inner.clone(), worker.clone());
        blocking(move || Ok(inner.kill(&worker))).await.map_err(storage)?
    }

    async fn sightings(&self) -> Result<Vec<Sighting>, SubstrateError> {
        let inner = self.inner.clone();
        blocking(move || inner.sightings()).await.map_err(storage)
    }

    async fn forget(&self, worker: &WorkerId) -> Result<(), SubstrateError> {
        let (inner, worker) = (self.inner.clone(), worker.clone());
        blocking(move || Ok(inner.forget(&worker))).await.map_err(storage)?
    }

    fn host(&self) -> HostFacts {
        self.inner.host.clone()
    }

    async fn changed(&self) {
        self.inner.hint.taken().await;
    }
}

impl Inner {
    fn open(settings: ProcessSettings) -> io::Result<Self> {
        let lock = lock(&settings.root)?;
        let folders = Folders::open(&settings.root, &settings.installation)?;
        let host = host::facts(folders.root())?;
        let boot = table::boot_id()?;
        Ok(Self {
            settings,
            host,
            boot,
            folders,
            starting: Mutex::new(()),
            hint: Hint::default(),
            _lock: lock,
        })
    }

    /// Watches the living workers of this installation and host.
    fn adopt(&self) -> io::Result<()> {
        let table = table::scan()?;
        for (worker, record) in self.own()? {
            if let Some(leader) = whole::living(&record, &self.boot, &table) {
                self.watch(&worker, record, leader);
            }
        }
        Ok(())
    }

    /// When the runner dies: clears away what it leaves behind, takes note of its death, and gives the hint.
    fn watch(&self, worker: &WorkerId, record: Record, leader: Leader) {
        let (boot, folder, hint) = (self.boot.clone(), self.folders.of(worker), self.hint.clone());
        tokio::spawn(async move {
            watch::death(leader).await;
            let cleared = blocking(move || whole::end(&record, &boot, &folder)).await;
            if !matches!(&cleared, Ok(left) if left.is_empty()) {
                tracing::warn!(
                    pid = leader.pid,
                    ?cleared,
                    "a dead runner's processes are not all cleared away"
                );
            }
            hint.give();
        });
    }

    /// The workers of this installation and host.
    fn own(&self) -> io::Result<Vec<(WorkerId, Record)>> {
        let mut all = self.folders.all()?;
        all.retain(|(_, record)| self.owns(record));
        Ok(all)
    }

    fn owns(&self, record: &Record) -> bool {
        record.installation == self.settings.installation && record.host == self.host.id
    }

    fn launch(&self, order: &LaunchOrder) -> Result<(), LaunchError> {
        let worker = &order.worker;
        let refused = |reason: String| LaunchError::Refused { worker: worker.clone(), reason };
        if let Some(reason) = record::unfit_name(worker) {
            return Err(refused(reason.to_owned()));
        }
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(record) = self.folders.read(worker)
            && !self.owns(&record)
        {
            return Err(refused("its folder belongs to another installation or host".to_owned()));
        }
        if self.folders.used(worker) {
            return Ok(());
        }
        let not_started =
            |error: io::Error| LaunchError::NotStarted { worker: worker.clone(), reason: error.to_string() };
        let record = self.first_record().map_err(not_started)?;
        let errand =
            start::errand_bytes(&self.errand(order, &record)).map_err(|error| refused(error.to_string()))?;
        self.folders.create(worker, &record).map_err(not_started)?;
        let started = self.start(worker, record, &errand);
        match &started {
            Ok((record, leader)) => self.watch(worker, record.clone(), *leader),
            // Certain: no process, or one that was killed before it was told anything.
            Err(_) => self.folders.undo(worker).map_err(not_started)?,
        }
        self.hint.give();
        started.map(|_| ()).map_err(not_started)
    }

    /// Folder first, then the process, then its name in the folder, then its errand (see [`record`]).
    fn start(&self, worker: &WorkerId, mut record: Record, errand: &[u8]) -> io::Result<(Record, Leader)> {
        let folder = self.folders.of(worker);
        let mut waiting = Waiting::start(&self.settings.runner, &folder, &self.settings.environment)?;
        let sent = waiting.leader().and_then(|leader| {
            record.process = Some(leader);
            self.folders.update(worker, &record)?;
            waiting.send(errand)?;
            Ok(leader)
        });
        match sent {
            Ok(leader) => Ok((record, leader)),
            Err(error) => {
                waiting.abandon();
                Err(error)
            }
        }
    }

    fn first_record(&self) -> io::Result<Record> {
        let taken: BTreeSet<String> =
            self.folders.all()?.into_iter().map(|(_, record)| record.address).collect();
        Ok(Record {
            installation: self.settings.installation.clone(),
            host: self.host.id.clone(),
            boot: self.boot.clone(),
            address: address::allocate(self.host.id.as_str(), &taken).to_string(),
            process: None,
        })
    }

    fn errand(&self, order: &LaunchOrder, record: &Record) -> Errand {
        Errand {
            worker: order.worker.clone(),
            host: self.host.id.clone(),
            endpoints: order.endpoints.clone(),
            token: order.token.clone(),
            address: record.address.clone(),
            folder: self.folders.of(&order.worker),
            forbidden: self.settings.forbidden.clone(),
            runtimes: self.settings.runtimes.clone(),
            authority: self.settings.authority.clone(),
        }
    }

    /// The worker's record, if it is ours; waits until it is not half started.
    fn settled(&self, worker: &WorkerId) -> Option<Record> {
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if record::unfit_name(worker).is_some() {
            return None;
        }
        self.folders.read(worker).filter(|record| self.owns(record))
    }

    fn kill(&self, worker: &WorkerId) -> Result<(), SubstrateError> {
        let Some(record) = self.settled(worker) else { return Ok(()) };
        let left = whole::end(&record, &self.boot, &self.folders.of(worker)).map_err(storage)?;
        if left.is_empty() {
            return Ok(());
        }
        Err(SubstrateError::Unkillable { worker: worker.clone(), pids: left })
    }

    fn forget(&self, worker: &WorkerId) -> Result<(), SubstrateError> {
        let Some(record) = self.settled(worker) else { return Ok(()) };
        let table = table::scan().map_err(storage)?;
        if whole::living(&record, &self.boot, &table).is_some() {
            return Err(SubstrateError::Alive(worker.clone()));
        }
        self.kill(worker)?;
        self.folders.forget(worker).map(drop).map_err(storage)
    }

    fn sightings(&self) -> io::Result<Vec<Sighting>> {
        let (own, table) = {
            let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
            let own = self.own()?;
            let table = if own.is_empty() { Vec::new() } else { table::scan()? };
            (own, table)
        };
        own.into_iter().map(|(worker, record)| self.sight(worker, record, &table)).collect()
    }

    fn sight(&self, worker: WorkerId, record: Record, table: &[Process]) -> io::Result<Sighting> {
        let state = match whole::living(&record, &self.boot, table) {
            Some(leader) => Sighted::Alive { pid: Some(leader.pid) },
            None => {
                let left = whole::end(&record, &self.boot, &self.folders.of(&worker))?;
                if !left.is_empty() {
                    tracing::warn!(%worker, ?left, "processes of a dead worker do not die");
                }
                self.folders.exit(&worker).map_or(Sighted::Gone, Sighted::Exited)
            }
        };
        Ok(Sighting { worker, state, address: record.address })
    }
}

/// Takes the root for this control plane alone. The lock ends with this process, however it ends: runners do not
/// inherit it. It is asked for a second long, because a process that is just dying, or a child of it on its way to
/// become a runner, may hold it for a moment.
fn lock(root: &Path) -> io::Result<File> {
    std::fs::create_dir_all(root)?;
    let lock = File::create(root.join("lock"))?;
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                let message = format!("{} is used by another control plane", root.display());
                return Err(io::Error::new(io::ErrorKind::WouldBlock, message));
            }
        }
    }
}

fn storage(error: io::Error) -> SubstrateError {
    SubstrateError::Storage(error.to_string())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
