//! Who may be admitted: within the application's maximum capacity, and within what it holds of the installation's quota
//! and of the host's heap (`quota`).
//!
//! A driver is admitted together with room for one executor, and that room stays its run's while no executor of
//! it lives: drivers never wait for each other.

use crate::application::Application;
use crate::command::{Room, Wanted, WantedExecutor};
use crate::id::{HostId, JobRunId, WorkerId};
use crate::job_run::Needs;
use crate::size::{self, DEFAULT_DISK, Size, SizeError};
use crate::time::Millis;
use crate::worker::{Role, Worker};
use std::fmt;

/// What a worker gets when it is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Size as accounted.
    pub size: Size,
    /// Heap on the host, MiB.
    pub heap_mib: u64,
}

/// The attempt that a worker belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Of {
    /// Whose.
    pub run: JobRunId,
    /// Which attempt.
    pub attempt: u32,
    /// Its fence.
    pub fence: u64,
}

impl Grant {
    /// The worker that this grant admits at `now`: nobody has said hello as it yet.
    pub fn worker(self, of: Of, role: Role, room: &Room, now: Millis) -> Worker {
        Worker {
            run: of.run,
            attempt: of.attempt,
            fence: of.fence,
            role,
            size: self.size,
            heap_mib: self.heap_mib,
            host: room.host.clone(),
            admitted: now,
            greeted: None,
            started: None,
            released: None,
            ended: None,
            credentials_until: None,
        }
    }
}

/// Why a worker is not admitted now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The application's maximum capacity: what is asked and what is left of it.
    Capacity {
        /// What is asked.
        asked: Size,
        /// What is left.
        left: Size,
    },
    /// The installation's vCPU quota.
    Quota {
        /// vCPU asked.
        asked: u32,
        /// vCPU left.
        left: u32,
    },
    /// The host's memory.
    Host {
        /// MiB of heap asked.
        asked: u64,
        /// MiB left.
        left: u64,
    },
    /// No worker has this size.
    Size(SizeError),
}

impl Obstacle {
    /// The exceeded dimensions of maximumCapacity in EMR's words; empty for any other obstacle.
    pub fn exceeded(&self) -> Vec<String> {
        let Self::Capacity { asked, left } = self else { return Vec::new() };
        let dimensions = [
            (asked.cpu > left.cpu).then(|| format!("cpu: {} vCPU", asked.cpu)),
            (asked.memory > left.memory).then(|| format!("memory: {} GB", asked.memory)),
            (asked.disk > left.disk).then(|| format!("disk: {} GB", asked.disk)),
        ];
        dimensions.into_iter().flatten().collect()
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity { asked, left } => write!(
                f,
                "needs {} vCPU and {} GB, {} vCPU and {} GB are left of maximumCapacity",
                asked.cpu, asked.memory, left.cpu, left.memory
            ),
            Self::Quota { asked, left } if asked <= left => {
                write!(f, "needs {asked} vCPU of the installation's quota and is next for them")
            }
            Self::Quota { asked, left } => {
                write!(f, "needs {asked} vCPU, {left} are left of the installation's quota")
            }
            Self::Host { asked, left } if asked <= left => {
                write!(f, "needs {asked} MiB of the host's heap and is next for them")
            }
            Self::Host { asked, left } => {
                write!(f, "the host is full: needs {asked} MiB of heap, {left} MiB are left")
            }
            Self::Size(error) => error.fmt(f),
        }
    }
}

/// Capacity in use: live workers, and the room kept for the first executor of each run whose driver lives. It grows by
/// admissions only.
pub fn in_use(app: &Application) -> Size {
    in_use_besides(app, None)
}

/// As `in_use`, without the room kept for `run`.
pub(crate) fn in_use_besides(app: &Application, run: Option<&JobRunId>) -> Size {
    let live: Size = app.workers.values().filter(|worker| worker.is_live()).map(|worker| worker.size).sum();
    live + kept_rooms(app).filter(|kept| Some(kept.run) != run).map(|kept| kept.size).sum()
}

/// Heap in use on the room's host, MiB, kept rooms included but `run`'s.
pub(crate) fn heap_in_use_besides(app: &Application, room: &Room, run: Option<&JobRunId>) -> u64 {
    let live = app.workers.values().filter(|worker| worker.is_live() && worker.host == room.host);
    let kept = kept_rooms(app).filter(|kept| Some(kept.run) != run && *kept.host == room.host);
    live.map(|worker| worker.heap_mib).sum::<u64>() + kept.map(|kept| kept.heap_mib(room)).sum::<u64>()
}

/// Heap in use on `room`'s host by this application, MiB, kept rooms included.
pub fn heap_in_use(app: &Application, room: &Room) -> u64 {
    heap_in_use_besides(app, room, None)
}

/// Room kept for the first executor of a run: what its live executors leave of it, on its driver's host.
struct Kept<'a> {
    run: &'a JobRunId,
    host: &'a HostId,
    size: Size,
    needed_mib: u64,
    used_mib: u64,
}

impl Kept<'_> {
    fn heap_mib(&self, room: &Room) -> u64 {
        self.needed_mib.min(room.heap_share_mib).saturating_sub(self.used_mib)
    }
}

fn kept_rooms(app: &Application) -> impl Iterator<Item = Kept<'_>> {
    let drivers = app.workers.values().filter(|worker| worker.is_live() && worker.is_driver());
    drivers.filter_map(|driver| {
        let run = app.runs.get(&driver.run)?;
        let needs = &run.request.needs;
        let may_want = needs.wants_executors && run.outcome.is_none();
        may_want.then(|| {
            let (size, used_mib) = executors_of(app, driver);
            let size = needs.executor.minus(size);
            Kept { run: &driver.run, host: &driver.host, size, needed_mib: needs.executor_heap_mib, used_mib }
        })
    })
}

/// Size of the run's live executors, and the heap of those beside its driver.
fn executors_of(app: &Application, driver: &Worker) -> (Size, u64) {
    let executors = app.workers_of(&driver.run).map(|(_, worker)| worker);
    let executors = executors.filter(|worker| worker.is_live() && !worker.is_driver());
    executors.fold((Size::default(), 0), |(size, heap_mib), worker| {
        let here = if worker.host == driver.host { worker.heap_mib } else { 0 };
        (size + worker.size, heap_mib + here)
    })
}

/// True if a run's driver and one executor can never fit the application's maximum capacity.
pub fn never_fits(app: &Application, needs: &Needs) -> bool {
    let most = app.settings.as_ref().and_then(|settings| settings.maximum_capacity);
    most.is_some_and(|most| !size_with_first_executor(needs).fits(most.as_size()))
}

/// May this run's driver be admitted now?
pub fn driver(app: &Application, needs: &Needs, room: &Room) -> Result<Grant, Obstacle> {
    let (size, heap_mib) = with_first_executor(needs, room);
    check(app, room, None, size, heap_mib)?;
    Ok(Grant { size: needs.driver, heap_mib: needs.driver_heap_mib.min(room.heap_share_mib) })
}

/// May an executor of `run` with this size be admitted now?
pub fn executor(
    app: &Application,
    run: &JobRunId,
    size: Size,
    heap_mib: u64,
    room: &Room,
) -> Result<Grant, Obstacle> {
    let heap_mib = heap_mib.min(room.heap_share_mib);
    check(app, room, Some(run), size, heap_mib)?;
    Ok(Grant { size, heap_mib })
}

/// The wanted executors of this driver that are neither admitted nor to end, in the order in which Spark asked.
pub(crate) fn missing<'a>(
    app: &'a Application,
    driver: &'a Worker,
    wanted: &'a Wanted,
) -> impl Iterator<Item = &'a WantedExecutor> {
    let is_admitted = |executor: &WantedExecutor| {
        app.workers.contains_key(&WorkerId::executor(&driver.run, driver.attempt, &executor.uid))
    };
    wanted.executors.iter().filter(move |executor| executor.stopping.is_none() && !is_admitted(executor))
}

/// The worker that an executor needs.
pub fn executor_size(
    app: &Application,
    driver: &Worker,
    executor: &WantedExecutor,
) -> Result<Size, SizeError> {
    let disk = app.runs.get(&driver.run).map_or(DEFAULT_DISK, |run| run.request.needs.executor.disk);
    size::worker_for(executor.cpu, executor.memory_mib, disk)
}

/// Size and heap of a run's driver and its first executor, MiB.
pub(crate) fn with_first_executor(needs: &Needs, room: &Room) -> (Size, u64) {
    let driver = needs.driver_heap_mib.min(room.heap_share_mib);
    let executor = if needs.wants_executors { needs.executor_heap_mib.min(room.heap_share_mib) } else { 0 };
    (size_with_first_executor(needs), driver + executor)
}

fn size_with_first_executor(needs: &Needs) -> Size {
    if needs.wants_executors { needs.driver + needs.executor } else { needs.driver }
}

fn check(
    app: &Application,
    room: &Room,
    run: Option<&JobRunId>,
    asked: Size,
    heap: u64,
) -> Result<(), Obstacle> {
    let used = in_use_besides(app, run);
    if let Some(most) = app.settings.as_ref().and_then(|settings| settings.maximum_capacity) {
        let left = most.as_size().minus(used);
        if !asked.fits(left) {
            return Err(Obstacle::Capacity { asked, left });
        }
    }
    let held = &app.grant.amounts;
    if used.cpu + asked.cpu > held.cpu {
        let left = room.quota_cpu.saturating_sub(used.cpu);
        return Err(Obstacle::Quota { asked: asked.cpu, left });
    }
    let used = heap_in_use_besides(app, room, run);
    if used + heap > held.heap_on(&room.host) {
        let left = room.heap_mib.saturating_sub(used);
        return Err(Obstacle::Host { asked: heap, left });
    }
    Ok(())
}
