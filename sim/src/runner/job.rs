//! A job under its runner: how long it runs, which executors a driver wants, how it obeys.

use super::Runner;
use crate::chance::Dice;
use crate::mistake::Mistake;
use crate::server::{Call, Reply};
use firesteel_core::time::Millis;
use firesteel_protocol::{
    Answer, Assignment, Exchange, ExecutorStatus, ExitCode, StopOrder, Wanted, WantedExecutor,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Heap of every driver and executor, MiB.
pub const HEAP_MIB: u64 = 1024;
/// Longer than any simulation.
const FOR_EVER: Duration = Duration::from_secs(1 << 24);
const LAUNCH: &str = "launch-of-this-profile";

/// Why a job ended.
pub enum Ending {
    /// With this code.
    Code(ExitCode),
    /// Another process is the worker: it has nothing to say.
    Stale,
}

impl Ending {
    /// The code to report, if there is anything to report.
    pub fn code(&self) -> Option<ExitCode> {
        match self {
            Self::Code(code) => Some(*code),
            Self::Stale => None,
        }
    }
}

/// What the job does next.
struct Job {
    ends: Instant,
    code: ExitCode,
    /// It hangs when it is told to end.
    deaf: bool,
    wishes: Option<Wishes>,
    stop: Option<(Instant, StopOrder)>,
    seen: u64,
}

/// What a driver wants.
struct Wishes {
    version: u64,
    executors: BTreeMap<u32, bool>,
    next_uid: u32,
    changes: Instant,
    send_launch: bool,
    /// It does not end before it has seen an executor run.
    needs_one: bool,
    dice: Dice,
}

impl Runner {
    /// Lives with the job until it is over, by itself or by order.
    pub(super) async fn run_job(&mut self, assignment: &Assignment, started: Millis) -> Ending {
        let mut job = self.job(assignment);
        let every = Duration::from_millis(assignment.common().contact_every_ms);
        let fence = assignment.common().fence;
        let mut expire = assignment.common().credentials.expires;
        self.common.truth.credentials(&self.worker, expire);
        self.talk.heard();
        loop {
            let due = job.due();
            let call = self.exchange(&mut job, fence, started, expire);
            let answered = tokio::select! {
                biased;
                () = tokio::time::sleep_until(due) => None,
                answered = self.talk.call(call) => Some(answered),
            };
            if !self.is_alive() {
                return Ending::Stale;
            }
            let pause = match answered {
                None => Duration::ZERO,
                Some(Some(Reply::Answer(answer))) if answer.stale => return Ending::Stale,
                Some(Some(Reply::Answer(answer))) => {
                    expire = answer.credentials.as_ref().map_or(expire, |fresh| fresh.expires);
                    self.common.truth.credentials(&self.worker, expire);
                    if job.hears(answer, self.common.mistake) { Duration::ZERO } else { every }
                }
                Some(_) => self.dice.millis(200, 3_000),
            };
            if self.talk.is_lost() && self.common.mistake != Some(Mistake::OutliveContact) {
                return Ending::Code(ExitCode::NO_CONTROL_PLANE);
            }
            tokio::time::sleep_until(job.due().min(Instant::now() + pause)).await;
            if let Some(code) = job.passes() {
                return Ending::Code(code);
            }
        }
    }

    fn job(&mut self, assignment: &Assignment) -> Job {
        let is_driver = matches!(assignment, Assignment::Driver(_));
        // Some jobs run longer than the contact's limit, so that it matters.
        let (least, most) = match (is_driver, self.dice.permille(80)) {
            (true, false) => (3_000, 150_000),
            (true, true) => (150_000, 500_000),
            (false, _) => (20_000, 400_000),
        };
        let long = self.dice.millis(least, most);
        let code = if self.dice.permille(150) { ExitCode(1) } else { ExitCode::SUCCESS };
        let wishes = is_driver.then(|| Wishes {
            version: 0,
            executors: BTreeMap::new(),
            next_uid: 1,
            changes: Instant::now() + self.dice.millis(100, 5_000),
            send_launch: true,
            needs_one: self.dice.permille(400),
            dice: Dice::new(self.dice.draw(), "wishes"),
        });
        let deaf = self.dice.permille(60);
        Job { ends: Instant::now() + long, code, deaf, wishes, stop: None, seen: 0 }
    }

    fn exchange(&mut self, job: &mut Job, fence: u64, started: Millis, expire: Millis) -> Call {
        Call::Exchange(Exchange {
            worker: self.worker.clone(),
            mark: self.mark.clone(),
            fence,
            started: Some(started),
            wanted: job.wishes.as_ref().map(Wishes::wanted),
            seen: job.seen,
            wait_ms: if self.dice.permille(700) { 25_000 } else { 0 },
            credentials_expire: Some(expire),
        })
    }
}

impl Job {
    /// When something happens by itself.
    fn due(&self) -> Instant {
        let stop = self.stop.as_ref().map(|(at, _)| *at);
        let changes = self.wishes.as_ref().map(|wishes| wishes.changes);
        let ends = if self.may_end() { Some(self.ends) } else { None };
        let far = Instant::now() + Duration::from_secs(3_600);
        [stop, changes, ends].into_iter().flatten().min().unwrap_or(far)
    }

    fn may_end(&self) -> bool {
        self.wishes.as_ref().is_none_or(|wishes| !wishes.needs_one)
    }

    /// Time has passed; the code, if the job is over.
    fn passes(&mut self) -> Option<ExitCode> {
        let now = Instant::now();
        if self.stop.as_ref().is_some_and(|(at, _)| now >= *at) {
            return Some(ExitCode::STOPPED);
        }
        if self.may_end() && now >= self.ends {
            return Some(self.code);
        }
        if let Some(wishes) = self.wishes.as_mut().filter(|wishes| now >= wishes.changes) {
            wishes.change();
        }
        None
    }

    /// Takes an answer in; true if there is something new to say at once.
    fn hears(&mut self, answer: Answer, mistake: Option<Mistake>) -> bool {
        self.seen = answer.digest;
        if let (Some(order), None) = (answer.stop, &self.stop)
            && mistake != Some(Mistake::OutliveContact)
        {
            let grace = Duration::from_millis(order.grace_ms.min(8_000));
            let grace = if self.deaf { FOR_EVER } else { grace };
            self.ends = if self.deaf { Instant::now() + FOR_EVER } else { self.ends };
            self.stop = Some((Instant::now() + grace, order));
        }
        let Some(wishes) = &mut self.wishes else { return false };
        wishes.send_launch = !answer.unknown_launches.is_empty();
        let mut changed = wishes.send_launch;
        for executor in answer.executors {
            let uid = executor.uid.trim_start_matches('e').parse().unwrap_or(0);
            match executor.status {
                ExecutorStatus::Running { .. } => wishes.needs_one = false,
                ExecutorStatus::Ended { .. } => changed |= wishes.forget(uid),
                ExecutorStatus::Waiting { .. } | ExecutorStatus::Starting => {}
            }
        }
        changed
    }
}

impl Wishes {
    fn wanted(&self) -> Wanted {
        let executor = |(uid, stopping): (&u32, &bool)| WantedExecutor {
            uid: format!("e{uid}"),
            cpu: 1,
            memory_mib: HEAP_MIB + 384,
            heap_mib: HEAP_MIB,
            launch: LAUNCH.to_owned(),
            own: Value::from(*uid),
            stopping: stopping.then(|| StopOrder {
                decommission: true,
                grace_ms: 5_000,
                reason: "idle".to_owned(),
            }),
        };
        let launches = [(LAUNCH.to_owned(), Value::from("java"))];
        Wanted {
            version: self.version,
            executors: self.executors.iter().map(executor).collect(),
            launches: launches.into_iter().filter(|_| self.send_launch).collect(),
        }
    }

    /// Spark changes its mind.
    fn change(&mut self) {
        self.changes = Instant::now() + self.dice.millis(2_000, 40_000);
        self.version += 1;
        let wanted = self.executors.values().filter(|stopping| !**stopping).count();
        let stops = wanted > 0 && !self.needs_one && self.dice.permille(400);
        if stops {
            let victim = self.executors.iter_mut().find(|(_, stopping)| !**stopping);
            if let Some((_, stopping)) = victim {
                *stopping = true;
            }
        } else if wanted < 3 {
            self.executors.insert(self.next_uid, false);
            self.next_uid += 1;
        }
    }

    /// An executor has ended and Spark deletes its pod. True if it was wanted.
    fn forget(&mut self, uid: u32) -> bool {
        let known = self.executors.remove(&uid).is_some();
        self.version += u64::from(known);
        known
    }
}
