//! Who may be admitted: the application's maximum capacity, the installation's quota, and what a host can bear.
//!
//! A driver is admitted together with room for one executor, and that room stays its run's while no executor of
//! it lives: drivers never wait for each other.

use crate::application::Application;
use crate::command::Room;
use crate::id::JobRunId;
use crate::job_run::Needs;
use crate::size::{Size, SizeError};
use crate::time::Millis;
use crate::worker::{Role, Worker};
use std::collections::BTreeSet;
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
            Self::Quota { asked, left } => {
                write!(f, "needs {asked} vCPU, {left} are left of the installation's quota")
            }
            Self::Host { asked, left } => {
                write!(f, "the host is full: needs {asked} MiB of heap, {left} MiB are left")
            }
            Self::Size(error) => error.fmt(f),
        }
    }
}

/// Capacity in use: live workers, and the room kept for the first executor of runs that have none.
pub fn in_use(app: &Application) -> Size {
    in_use_besides(app, None)
}

/// As `in_use`, without the room kept for `run`.
fn in_use_besides(app: &Application, run: Option<&JobRunId>) -> Size {
    let live: Size = app.workers.values().filter(|worker| worker.is_live()).map(|worker| worker.size).sum();
    live + kept_rooms(app).filter(|(id, _)| Some(*id) != run).map(|(_, needs)| needs.executor).sum()
}

/// Heap in use on the room's host, MiB, kept rooms included but `run`'s.
fn heap_in_use_besides(app: &Application, room: &Room, run: Option<&JobRunId>) -> u64 {
    let live = app.workers.values().filter(|worker| worker.is_live() && worker.host == room.host);
    let kept = kept_rooms(app).filter(|(id, _)| Some(*id) != run);
    live.map(|worker| worker.heap_mib).sum::<u64>()
        + kept.map(|(_, needs)| needs.executor_heap_mib.min(room.heap_share_mib)).sum::<u64>()
}

/// Heap in use on `room`'s host by this application, MiB: what other applications must leave to it.
pub fn heap_in_use(app: &Application, room: &Room) -> u64 {
    heap_in_use_besides(app, room, None)
}

/// Runs whose driver lives, that may want executors and have none: each keeps room for one.
fn kept_rooms(app: &Application) -> impl Iterator<Item = (&JobRunId, &Needs)> {
    let live = || app.workers.values().filter(|worker| worker.is_live());
    let served: BTreeSet<&JobRunId> =
        live().filter(|worker| !worker.is_driver()).map(|worker| &worker.run).collect();
    live().filter(|worker| worker.is_driver()).filter_map(move |driver| {
        let run = app.runs.get(&driver.run)?;
        let waits =
            run.request.needs.wants_executors && run.outcome.is_none() && !served.contains(&driver.run);
        waits.then_some((&driver.run, &run.request.needs))
    })
}

/// True if a run's driver and one executor can never fit the application's maximum capacity.
pub fn never_fits(app: &Application, needs: &Needs) -> bool {
    let most = app.settings.as_ref().and_then(|settings| settings.maximum_capacity);
    most.is_some_and(|most| !with_first_executor(needs).fits(most.as_size()))
}

/// May this run's driver be admitted now?
pub fn driver(app: &Application, needs: &Needs, room: &Room) -> Result<Grant, Obstacle> {
    let heap = needs.driver_heap_mib.min(room.heap_share_mib);
    let with_executor =
        if needs.wants_executors { needs.executor_heap_mib.min(room.heap_share_mib) } else { 0 };
    check(app, room, None, with_first_executor(needs), heap + with_executor)?;
    Ok(Grant { size: needs.driver, heap_mib: heap })
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

fn with_first_executor(needs: &Needs) -> Size {
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
    let left = room.quota_cpu.saturating_sub(used.cpu);
    if asked.cpu > left {
        return Err(Obstacle::Quota { asked: asked.cpu, left });
    }
    let left = room.heap_mib.saturating_sub(heap_in_use_besides(app, room, run));
    if heap > left {
        return Err(Obstacle::Host { asked: heap, left });
    }
    Ok(())
}
