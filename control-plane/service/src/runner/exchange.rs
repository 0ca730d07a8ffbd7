//! Exchange → answer: whole sets in both directions, held until the answer would be another one.

use super::hello::{find, launch_key};
use super::{Desk, NoAnswer, refusal};
use crate::applications::now;
use crate::body;
use crate::engine::{Admitting, room_without_admission};
use crate::home::{Home, application};
use bytes::Bytes;
use firesteel_core::admission;
use firesteel_core::application::Application;
use firesteel_core::command::{self, Command, Room, Stopping};
use firesteel_core::exit::ExitCode;
use firesteel_core::id::WorkerId;
use firesteel_core::quota::{self, Step};
use firesteel_core::time::{HOUR, MINUTE};
use firesteel_core::worker::Worker;
use firesteel_journal::{Created, keys};
use firesteel_protocol::{
    Answer, Exchange, ExecutorSighting, ExecutorStatus, StopOrder, Wanted, WantedExecutor,
};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// Longest that a call is held.
const LONGEST_HOLD: Duration = Duration::from_secs(25);
/// While an executor waits for room, or others write to the state, it is looked at this often even without a hint.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Longest grace that Spark may give an executor, milliseconds.
const LONGEST_GRACE: u64 = 24 * HOUR as u64;
/// Credentials that end within this time are renewed: half of what STS gives by default.
const RENEW_WITHIN: i64 = 30 * MINUTE;

impl Desk {
    /// Answers an exchange, at the latest when its time is over.
    pub async fn exchange(&self, home: &Home, exchange: Exchange) -> Result<Answer, NoAnswer> {
        let deadline = Instant::now() + Duration::from_millis(exchange.wait_ms).min(LONGEST_HOLD);
        let mut changed = home.journal.changed();
        if self.is_of_another_attempt(home, &exchange) {
            return Ok(Answer { stale: true, ..Answer::default() });
        }
        self.note_its_host(home, &exchange.worker);
        let unknown_launches = self.take_launches(home, &exchange).await?;
        loop {
            changed.mark_unchanged();
            let mut answer = match self.report(home, &exchange, &unknown_launches).await? {
                Some(room) => self.answer(home, &exchange, &room),
                None => Answer { stale: true, ..Answer::default() },
            };
            answer.unknown_launches = unknown_launches.iter().cloned().collect();
            let over = Instant::now() >= deadline;
            if over && !answer.stale && self.belongs_elsewhere(home, &exchange, &answer) {
                return Err(NoAnswer::Unavailable(
                    "ask the control plane of your own host: this one is full".to_owned(),
                ));
            }
            if answer.stale || over || answer.digest != exchange.seen || !answer.unknown_launches.is_empty() {
                answer.credentials = self.renewed(home, &exchange).await?;
                return Ok(answer);
            }
            let waiting = answer.executors.iter().any(|e| matches!(e.status, ExecutorStatus::Waiting { .. }));
            // What other control planes commit is seen only by looking.
            let looks = waiting || !self.parts.config.alone;
            let pause = if looks { deadline.min(Instant::now() + LOOK_AGAIN) } else { deadline };
            tokio::select! {
                biased;
                closed = changed.changed() => if closed.is_err() {
                    return Err(NoAnswer::Unavailable("the control plane stops".to_owned()));
                },
                () = tokio::time::sleep_until(pause) => {}
            }
        }
    }

    /// Executors are admitted on the host of the control plane that their driver speaks to. A driver of another host that finds
    /// no room here, and whose own host's control plane is there again, must go back to it: the room for its first executor is kept
    /// there, and two drivers that each wait on the other's host would wait for ever. No answer gives the next one its turn.
    fn belongs_elsewhere(&self, home: &Home, exchange: &Exchange, answer: &Answer) -> bool {
        let state = home.state();
        let Some(driver) = find(application(&state), &exchange.worker) else { return false };
        let is_guest = driver.host != self.engine.gate.host().id;
        let waits = answer.executors.iter().any(|e| matches!(e.status, ExecutorStatus::Waiting { .. }));
        is_guest && waits && self.parts.neighbours.is_there(&driver.host) && home.sends_home(&exchange.worker)
    }

    /// Whoever speaks for a worker proves that its host is there.
    pub(super) fn note_its_host(&self, home: &Home, worker: &WorkerId) {
        if let Some(worker) = find(application(&home.state()), worker) {
            self.parts.neighbours.heard(&worker.host);
        }
    }

    /// A worker's fence never changes, so any state that knows the worker can tell.
    fn is_of_another_attempt(&self, home: &Home, exchange: &Exchange) -> bool {
        find(application(&home.state()), &exchange.worker).is_some_and(|known| known.fence != exchange.fence)
    }

    /// Commits what the runner reports. None if it is not that worker; else the room that was used.
    async fn report(
        &self,
        home: &Home,
        exchange: &Exchange,
        unknown: &BTreeSet<String>,
    ) -> Result<Option<Room>, NoAnswer> {
        let wanted = exchange.wanted.as_ref().filter(|_| unknown.is_empty()).map(as_wanted);
        let reporting = Reporting { exchange, wanted };
        let (submitted, room) = if self.may_admit(home, exchange) {
            self.engine.admit(home, &reporting).await
        } else {
            let room = room_without_admission(self.engine.gate.host());
            (home.journal.submit(reporting.command(room.clone())).await, room)
        };
        match submitted {
            Ok(accepted) => {
                self.engine.note(&accepted.events);
                if !accepted.events.is_empty() {
                    home.wake.notify_one();
                }
                Ok(Some(room))
            }
            Err(error) => refusal(error).map(|_| None),
        }
    }

    /// True if some wanted executor is not in the state yet.
    fn may_admit(&self, home: &Home, exchange: &Exchange) -> bool {
        let state = home.state();
        let app = application(&state);
        let Some(driver) = find(app, &exchange.worker) else { return false };
        let mut wanted = exchange.wanted.iter().flat_map(|wanted| &wanted.executors);
        wanted.any(|e| e.stopping.is_none() && !app.workers.contains_key(&executor_id(driver, &e.uid)))
    }

    /// Stores the launches that came along, and names those that neither came nor are known.
    async fn take_launches(&self, home: &Home, exchange: &Exchange) -> Result<BTreeSet<String>, NoAnswer> {
        let state = home.state();
        let Some(driver) = find(application(&state), &exchange.worker) else { return Ok(BTreeSet::new()) };
        let Some(wanted) = &exchange.wanted else { return Ok(BTreeSet::new()) };
        for (hash, launch) in &wanted.launches {
            let key = launch_key(driver, hash);
            if home.launch(&key).is_some() {
                continue;
            }
            let (attempt, _) = key.split_once('/').unwrap_or_default();
            let body = Bytes::from(launch.to_string());
            let object = keys::launch(home.id.as_str(), attempt, hash);
            if self.parts.state.create(&object, body).await? == Created::Unknown {
                return Err(NoAnswer::Unavailable(format!("no answer about {object}")));
            }
            home.note_launch(key, launch.clone());
        }
        let hashes = wanted.executors.iter().filter(|e| e.stopping.is_none()).map(|e| &e.launch);
        Ok(hashes.filter(|hash| home.launch(&launch_key(driver, hash)).is_none()).cloned().collect())
    }

    fn answer(&self, home: &Home, exchange: &Exchange, room: &Room) -> Answer {
        let state = home.state();
        let app = application(&state);
        let Some(worker) = find(app, &exchange.worker) else {
            return Answer { stale: true, ..Answer::default() };
        };
        let wanted = exchange.wanted.iter().flat_map(|wanted| &wanted.executors);
        let executors = wanted.map(|executor| sighting(app, worker, executor, room)).collect();
        let stop = worker.released.as_ref().map(|release| StopOrder {
            decommission: release.decommission,
            grace_ms: release.grace.max(0) as u64,
            reason: release.reason.clone(),
        });
        let endpoints = self.parts.neighbours.endpoints();
        let mut answer = Answer { executors, stop, endpoints, ..Answer::default() };
        answer.digest = digest(&answer);
        answer
    }

    async fn renewed(
        &self,
        home: &Home,
        exchange: &Exchange,
    ) -> Result<Option<firesteel_protocol::Credentials>, NoAnswer> {
        let near = now(&self.parts).plus(RENEW_WITHIN);
        if exchange.credentials_expire.is_none_or(|expire| expire > near) {
            return Ok(None);
        }
        let state = home.state();
        let app = application(&state);
        let Some(worker) = find(app, &exchange.worker) else { return Ok(None) };
        let Some(run) = app.runs.get(&worker.run) else { return Ok(None) };
        let body = body::read(&self.parts, &home.id, run).await;
        let body = body.map_err(|error| NoAnswer::Unavailable(error.to_string()))?;
        let Ok(credentials) = self.credentials(home, run, &body.narrowing()).await? else { return Ok(None) };
        let granted = Command::Credentials { worker: exchange.worker.clone(), until: credentials.expires };
        match home.submit(granted).await {
            Ok(_) => Ok(Some(credentials)),
            Err(error) => refusal(error).map(|_| None),
        }
    }
}

/// A report admits executors. Nothing is kept for them: a run's first has its room already.
struct Reporting<'a> {
    exchange: &'a Exchange,
    wanted: Option<command::Wanted>,
}

impl Admitting for Reporting<'_> {
    const QUEUES: bool = false;
    const ON_A_FRESH_STATE: bool = false;

    fn command(&self, room: Room) -> Command {
        Command::Report {
            worker: self.exchange.worker.clone(),
            mark: self.exchange.mark.clone(),
            started: self.exchange.started,
            wanted: self.wanted.clone(),
            room,
        }
    }

    fn lacks(&self, app: &Application, room: &Room) -> Option<Vec<Step>> {
        let driver = find(app, &self.exchange.worker).filter(|worker| worker.is_driver())?;
        Some(quota::for_executors(app, driver, self.wanted.as_ref()?, room))
    }
}

fn executor_id(driver: &Worker, uid: &str) -> WorkerId {
    WorkerId::executor(&driver.run, driver.attempt, uid)
}

/// The whole set: an executor that is left out is one that Spark no longer wants. So a set of which some launch is
/// unknown is not decided on at all; the runner sends it again with the launch.
fn as_wanted(wanted: &Wanted) -> command::Wanted {
    command::Wanted {
        version: wanted.version,
        executors: wanted.executors.iter().map(as_wanted_executor).collect(),
    }
}

fn as_wanted_executor(wanted: &WantedExecutor) -> command::WantedExecutor {
    command::WantedExecutor {
        uid: wanted.uid.clone(),
        cpu: wanted.cpu,
        memory_mib: wanted.memory_mib,
        heap_mib: wanted.heap_mib,
        launch: wanted.launch.clone(),
        own: wanted.own.clone(),
        stopping: wanted.stopping.as_ref().map(|stop| Stopping {
            decommission: stop.decommission,
            grace: stop.grace_ms.min(LONGEST_GRACE) as i64,
            reason: stop.reason.clone(),
        }),
    }
}

fn sighting(app: &Application, driver: &Worker, wanted: &WantedExecutor, room: &Room) -> ExecutorSighting {
    let status = match find(app, &executor_id(driver, &wanted.uid)) {
        None => waiting(app, driver, wanted, room),
        Some(worker) => status(worker),
    };
    ExecutorSighting { uid: wanted.uid.clone(), status }
}

fn status(worker: &Worker) -> ExecutorStatus {
    match (&worker.ended, worker.started, &worker.greeted) {
        (Some(ended), ..) => ExecutorStatus::Ended {
            code: ended.exit.code.0,
            summary: ended.exit.summary.clone(),
            evicted: !ended.exit.code.is_the_jobs() && ended.exit.code != ExitCode::RUNTIME,
        },
        (None, Some(_), Some(greeted)) => ExecutorStatus::Running { address: greeted.address.clone() },
        _ => ExecutorStatus::Starting,
    }
}

fn waiting(app: &Application, driver: &Worker, wanted: &WantedExecutor, room: &Room) -> ExecutorStatus {
    let obstacle = match admission::executor_size(app, driver, &as_wanted_executor(wanted)) {
        Ok(size) => admission::executor(app, &driver.run, size, wanted.heap_mib, room).err(),
        Err(error) => Some(admission::Obstacle::Size(error)),
    };
    match obstacle {
        Some(obstacle) => {
            ExecutorStatus::Waiting { reason: obstacle.to_string(), exceeded: obstacle.exceeded() }
        }
        None => ExecutorStatus::Waiting { reason: "waits its turn".to_owned(), exceeded: Vec::new() },
    }
}

/// The same for the same content in every process: FNV-1a over the answer's JSON.
fn digest(answer: &Answer) -> u64 {
    let text = serde_json::to_vec(answer).unwrap_or_default();
    text.iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
        .max(1)
}
