//! Imagined runners: they follow the protocol honestly, but they die, are cut off, repeat themselves and are overtaken.

mod job;
mod talk;

use crate::chance::Dice;
use crate::mistake::Mistake;
use crate::server::{Call, Common, Reply, Server};
use crate::site::Site;
use firesteel_core::id::{Mark, WorkerId};
use firesteel_core::time::Millis;
use firesteel_protocol::{Assignment, End, Exit, ExitCode, Greeting, Hello};
use firesteel_substrate::Substrate;
use firesteel_substrate::imagined::{Begun, Imagined};
use job::Ending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use talk::Talk;

/// Begins every runner that is launched on the host, for as long as the simulation lasts.
pub async fn begin_all(
    common: Arc<Common>,
    site: Arc<Site>,
    servers: Vec<Arc<Server>>,
    number: Arc<AtomicU32>,
) {
    let host = site.host.clone();
    let mut dice = Dice::new(common.seed, host_name(&host).as_str());
    loop {
        for begun in host.begun() {
            let processes = Arc::new(AtomicU32::new(0));
            // Sometimes a container is begun twice: two processes with one worker's name.
            let twins = if common.storms() && dice.permille(80) { 2 } else { 1 };
            for _ in 0..twins {
                processes.fetch_add(1, Ordering::SeqCst);
                let number = number.fetch_add(1, Ordering::SeqCst);
                let dice = Dice::new(dice.draw(), "runner");
                let runner = Runner::new(&common, &site, &servers, &begun, number, dice, &processes);
                tokio::spawn(runner.live());
            }
        }
        let next = host.next_begins();
        tokio::select! {
            biased;
            () = host.changed() => {}
            () = sleep_until(next) => {}
        }
    }
}

fn host_name(host: &Imagined) -> String {
    format!("runners of {}", host.host().id)
}

async fn sleep_until(then: Option<tokio::time::Instant>) {
    match then {
        Some(then) => tokio::time::sleep_until(then).await,
        None => std::future::pending().await,
    }
}

/// One runner's process.
pub struct Runner {
    common: Arc<Common>,
    host: Imagined,
    site: Arc<Site>,
    worker: WorkerId,
    address: String,
    mark: Mark,
    dice: Dice,
    talk: Talk,
    processes: Arc<AtomicU32>,
}

impl Runner {
    fn new(
        common: &Arc<Common>,
        site: &Arc<Site>,
        servers: &[Arc<Server>],
        begun: &Begun,
        number: u32,
        mut dice: Dice,
        processes: &Arc<AtomicU32>,
    ) -> Self {
        let ways = (site.clone(), servers.to_vec());
        let talk = Talk::new(common.clone(), ways, begun, number, Dice::new(dice.draw(), "talk"));
        Self {
            common: common.clone(),
            host: site.host.clone(),
            site: site.clone(),
            worker: begun.order.worker.clone(),
            address: begun.address.clone(),
            mark: Mark::new(format!("{:016x}", dice.draw())),
            dice,
            talk,
            processes: processes.clone(),
        }
    }

    /// From its first breath to its last; it may die at any moment between.
    async fn live(mut self) {
        let (host, worker, common) = (self.host.clone(), self.worker.clone(), self.common.clone());
        let processes = self.processes.clone();
        let dies = common.storms() && self.dice.permille(150);
        let death = if dies { self.dice.millis(1, 120_000) } else { Duration::from_secs(1 << 30) };
        tokio::select! {
            biased;
            () = tokio::time::sleep(death) => common.truth.note(&format!("{worker} dies by itself")),
            () = self.work() => {}
        }
        if processes.fetch_sub(1, Ordering::SeqCst) == 1 {
            host.die(&worker);
        }
    }

    async fn work(&mut self) {
        if self.common.mistake == Some(Mistake::StartBeforeHello) {
            self.common.truth.started(&self.worker, &self.mark);
        }
        let Some(greeting) = self.greet().await else { return };
        let assignment = match greeting {
            Greeting::Assigned(assignment) => *assignment,
            Greeting::Refused(why) => {
                self.common.truth.note(&format!("{} {} is refused: {why:?}", self.worker, self.mark));
                if self.common.mistake == Some(Mistake::StartAfterRefusal) && self.is_alive() {
                    self.common.truth.started(&self.worker, &self.mark);
                    self.pause(1_000, 20_000).await;
                }
                return;
            }
        };
        self.assigned(&assignment).await;
    }

    async fn greet(&mut self) -> Option<Greeting> {
        let hello = Hello {
            worker: self.worker.clone(),
            mark: self.mark.clone(),
            host: self.host.host().id,
            address: self.address.clone(),
            ui_port: None,
        };
        loop {
            if let Some(Reply::Greeting(greeting)) = self.talk.call(Call::Hello(hello.clone())).await {
                return Some(greeting);
            }
            if self.talk.is_lost() || !self.is_alive() {
                return None;
            }
            self.pause(200, 3_000).await;
        }
    }

    async fn assigned(&mut self, assignment: &Assignment) {
        self.pause(100, 15_000).await;
        let staged = !(self.common.storms() && self.dice.permille(40));
        let mut started = None;
        let ending = if staged && self.is_alive() {
            self.common.truth.started(&self.worker, &self.mark);
            started = Some(self.now());
            let ending = self.run_job(assignment, self.now()).await;
            if !self.is_alive() {
                return;
            }
            ending
        } else {
            Ending::Code(ExitCode::STAGING)
        };
        self.common.truth.job_ended(&self.worker);
        if let Some(code) = ending.code() {
            self.conclude(assignment, code, started).await;
        }
    }

    async fn conclude(&mut self, assignment: &Assignment, code: ExitCode, started: Option<Millis>) {
        let early = self.common.mistake == Some(Mistake::EndBeforeLogs);
        let whole = early || self.ship().await;
        if !self.is_alive() {
            return;
        }
        let summary = format!("ended with {}", code.0);
        let exit = Exit { code, summary, started, ended: self.now(), logs_complete: whole };
        if !(self.common.storms() && self.dice.permille(100)) {
            self.report(assignment.common().fence, &exit).await;
        }
        // What is written to the exit file is found when the process is gone.
        self.host.exit(&self.worker, exit);
        if early {
            self.ship().await;
        }
    }

    /// True if every byte is in S3.
    async fn ship(&mut self) -> bool {
        self.pause(50, 5_000).await;
        let refused = self.common.storms() && self.dice.permille(50);
        if refused || !self.is_alive() || !self.site.reaches_out() {
            return false;
        }
        self.common.truth.shipped(&self.worker);
        true
    }

    async fn report(&mut self, fence: u64, exit: &Exit) {
        let (worker, mark) = (self.worker.clone(), self.mark.clone());
        let end = End { worker, mark, fence, exit: exit.clone() };
        self.talk.heard();
        while self.is_alive() {
            if let Some(Reply::Ended) = self.talk.call(Call::End(end.clone())).await {
                return;
            }
            if self.talk.is_lost() {
                return;
            }
            self.pause(200, 3_000).await;
        }
    }

    fn is_alive(&self) -> bool {
        self.host.is_alive(&self.worker)
    }

    async fn pause(&mut self, least: u64, most: u64) {
        let pause = self.dice.millis(least, most);
        tokio::time::sleep(pause).await;
    }

    fn now(&self) -> Millis {
        crate::truth::BEGINNING.plus(self.common.origin.elapsed().as_millis() as i64)
    }
}
