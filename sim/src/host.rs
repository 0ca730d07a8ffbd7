//! Hosts: the imagined substrate with chance and a record of what was ordered.

use crate::chance::Dice;
use crate::cord::Cord;
use crate::mistake::Mistake;
use crate::truth::{Step, Truth};
use async_trait::async_trait;
use firesteel_core::id::{HostId, WorkerId};
use firesteel_substrate::imagined::{Chance, Fate, Imagined, LaunchFate};
use firesteel_substrate::{
    HostFacts, LaunchError, LaunchOrder, Sighted, Sighting, Substrate, SubstrateError,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A new host with this much memory, MiB.
pub fn host(seed: u64, number: usize, memory_mib: u64, storm: Arc<AtomicBool>) -> Imagined {
    let facts = HostFacts { id: HostId::new(format!("host-{number}")), cpus: 4, memory_mib };
    Imagined::new(facts, Odds { dice: Dice::new(seed, &format!("host {number}")), storm })
}

struct Odds {
    dice: Dice,
    storm: Arc<AtomicBool>,
}

impl Odds {
    fn fate(&mut self) -> Fate {
        let storm = self.storm.load(Ordering::SeqCst);
        match self.dice.below(100) {
            0..=4 if storm => Fate::Lost,
            5..=9 if storm => Fate::ReplyLost,
            _ => Fate::Done,
        }
    }
}

impl Chance for Odds {
    fn launch(&mut self, _: &WorkerId) -> LaunchFate {
        let storm = self.storm.load(Ordering::SeqCst);
        let begins_after = self.dice.millis(10, if storm { 20_000 } else { 1_000 });
        match self.dice.below(100) {
            0..=4 if storm => LaunchFate::Stillborn,
            5..=9 if storm => LaunchFate::NotStarted,
            10..=14 if storm => LaunchFate::Lost,
            15..=24 if storm => LaunchFate::Arrives { begins_after, reply_lost: true },
            _ => LaunchFate::Arrives { begins_after, reply_lost: false },
        }
    }

    fn kill(&mut self, _: &WorkerId) -> Fate {
        self.fate()
    }

    fn look(&mut self) -> Fate {
        self.fate()
    }
}

/// One control plane's handle on its host.
pub struct Handle {
    /// Its life.
    pub cord: Cord,
    /// The host.
    pub host: Imagined,
    /// The truth.
    pub truth: Arc<Truth>,
    /// What is wrong on purpose.
    pub mistake: Option<Mistake>,
}

impl Handle {
    fn ordered(&self, order: &LaunchOrder, alive_before: bool) {
        let starts = !alive_before && self.host.is_alive(&order.worker);
        self.truth.step(&Step::Launched { worker: &order.worker, starts });
    }

    /// The mistake: what fell silent after its hello is begun again, and not seen as dead.
    fn relaunch_the_silent(&self, sightings: Vec<Sighting>) -> Vec<Sighting> {
        let silent = |sighting: &Sighting| {
            let known = self.truth.known();
            let greeted =
                known.told_of(&sighting.worker).is_some_and(|t| t.greeted.contains_key(&sighting.worker));
            greeted && sighting.state == Sighted::Gone
        };
        let (gone, rest): (Vec<_>, Vec<_>) = sightings.into_iter().partition(silent);
        for sighting in gone {
            self.truth.step(&Step::Launched { worker: &sighting.worker, starts: true });
        }
        rest
    }
}

#[async_trait]
impl Substrate for Handle {
    async fn launch(&self, order: &LaunchOrder) -> Result<(), LaunchError> {
        let launch = async {
            let alive_before = self.host.is_alive(&order.worker);
            let answer = self.host.launch(order).await;
            self.ordered(order, alive_before);
            answer
        };
        self.cord.act(launch).await
    }

    async fn kill(&self, worker: &WorkerId) -> Result<(), SubstrateError> {
        if self.mistake == Some(Mistake::KillIsIgnored) {
            return Ok(());
        }
        let kill = async {
            if self.host.is_alive(worker) {
                self.truth.step(&Step::Killed { worker });
            }
            self.host.kill(worker).await
        };
        self.cord.act(kill).await
    }

    async fn sightings(&self) -> Result<Vec<Sighting>, SubstrateError> {
        let sightings = self.cord.act(self.host.sightings()).await?;
        if self.mistake == Some(Mistake::RelaunchTheSilent) {
            return Ok(self.relaunch_the_silent(sightings));
        }
        Ok(sightings)
    }

    async fn forget(&self, worker: &WorkerId) -> Result<(), SubstrateError> {
        self.cord.act(self.host.forget(worker)).await
    }

    fn host(&self) -> HostFacts {
        let mut facts = self.host.host();
        if self.mistake == Some(Mistake::HeapIsIgnored) {
            facts.memory_mib *= 10;
        }
        facts
    }

    async fn changed(&self) {
        self.cord.act(self.host.changed()).await;
    }
}
