//! Workers that exist in memory only: the substrate of a simulation.
//!
//! An [`Imagined`] is one control plane's handle on a world; its clones see the same world, and a control plane that
//! "crashes" merely drops its own. Time is tokio's (to be paused), chance comes from outside, everything is ordered:
//! the same chance and the same calls give the same world. What it must not know: what a runner does. The simulator
//! plays the runners: it takes those that have begun ([`Imagined::begun`]) and says how they end.

use crate::hint::Hint;
use crate::{HostFacts, LaunchError, LaunchOrder, Sighted, Sighting, Substrate, SubstrateError};
use async_trait::async_trait;
use firesteel_core::id::{HostId, WorkerId};
use firesteel_protocol::Exit;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Decides what becomes of each call. It is asked once a call, in the order of the calls.
pub trait Chance: Send {
    /// What becomes of an order to launch.
    fn launch(&mut self, worker: &WorkerId) -> LaunchFate;
    /// What becomes of an order to kill.
    fn kill(&mut self, worker: &WorkerId) -> Fate;
    /// What becomes of a look at the workers, and of forgetting one.
    fn look(&mut self) -> Fate;
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is done and answered.
    Done,
    /// It is done, but the answer is lost: the caller cannot know.
    ReplyLost,
    /// It is lost on its way: nothing is done, and the caller cannot know.
    Lost,
}

/// What becomes of an order to launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaunchFate {
    /// The order arrives.
    Arrives {
        /// From then until the runner begins.
        begins_after: Duration,
        /// True if the answer is lost.
        reply_lost: bool,
    },
    /// The order arrives, but the worker dies before its runner begins.
    Stillborn,
    /// The host refuses for now, and says so.
    NotStarted,
    /// The order is lost on its way.
    Lost,
}

/// Everything goes well and at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fair;

impl Chance for Fair {
    fn launch(&mut self, _: &WorkerId) -> LaunchFate {
        LaunchFate::Arrives { begins_after: Duration::ZERO, reply_lost: false }
    }
    fn kill(&mut self, _: &WorkerId) -> Fate {
        Fate::Done
    }
    fn look(&mut self) -> Fate {
        Fate::Done
    }
}

/// A runner that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// What it was launched with.
    pub order: LaunchOrder,
    /// Its address.
    pub address: String,
}

/// One control plane's handle on an imagined world.
#[derive(Clone)]
pub struct Imagined {
    world: Arc<Mutex<World>>,
    hint: Hint,
}

struct World {
    host: HostFacts,
    chance: Box<dyn Chance>,
    workers: BTreeMap<WorkerId, Life>,
    reachable: bool,
}

struct Life {
    order: LaunchOrder,
    address: String,
    begins: Instant,
    state: State,
}

#[derive(Clone, PartialEq, Eq)]
enum State {
    /// Launched; the simulator has not taken it over yet.
    Launched,
    /// Played by the simulator.
    Begun,
    Exited(Exit),
    Gone,
    /// Only its name is left, so that it is never launched again.
    Forgotten,
}

impl State {
    fn is_alive(&self) -> bool {
        matches!(self, Self::Launched | Self::Begun)
    }
}

impl Imagined {
    /// An empty world.
    pub fn new(host: HostFacts, chance: impl Chance + 'static) -> Self {
        let world = World { host, chance: Box::new(chance), workers: BTreeMap::new(), reachable: true };
        Self { world: Arc::new(Mutex::new(world)), hint: Hint::default() }
    }

    /// The runners that have begun since the last call and still live, in the order of their beginning.
    pub fn begun(&self) -> Vec<Begun> {
        let now = Instant::now();
        let mut world = self.world();
        let due = |life: &&mut Life| life.state == State::Launched && life.begins <= now;
        let mut begun: Vec<(Instant, Begun)> = Vec::new();
        for life in world.workers.values_mut().filter(due) {
            life.state = State::Begun;
            begun.push((life.begins, Begun { order: life.order.clone(), address: life.address.clone() }));
        }
        begun.sort_by_key(|(begins, _)| *begins);
        begun.into_iter().map(|(_, begun)| begun).collect()
    }

    /// When the next runner begins, if one is launched and not yet taken.
    pub fn next_begins(&self) -> Option<Instant> {
        let world = self.world();
        world.workers.values().filter(|life| life.state == State::Launched).map(|life| life.begins).min()
    }

    /// True while the worker lives. A simulator asks before each step of a runner: a killed one steps no more.
    pub fn is_alive(&self, worker: &WorkerId) -> bool {
        self.world().workers.get(worker).is_some_and(|life| life.state.is_alive())
    }

    /// The runner leaves word of its job's end and exits. Without effect on a worker that does not live.
    pub fn exit(&self, worker: &WorkerId, exit: Exit) {
        self.end(worker, State::Exited(exit));
    }

    /// The runner dies without a word. Without effect on a worker that does not live.
    pub fn die(&self, worker: &WorkerId) {
        self.end(worker, State::Gone);
    }

    /// The host's power fails: every worker dies without a word.
    pub fn fall(&self) {
        for life in self.world().workers.values_mut().filter(|life| life.state.is_alive()) {
            life.state = State::Gone;
        }
        self.hint.give();
    }

    /// True if the worker was ever launched here.
    pub fn knows(&self, worker: &WorkerId) -> bool {
        self.world().workers.contains_key(worker)
    }

    /// The host's id.
    pub fn name(&self) -> HostId {
        self.world().host.id.clone()
    }

    /// Cuts the whole substrate off from every control plane, or joins it again. The workers live on.
    pub fn set_reachable(&self, reachable: bool) {
        self.world().reachable = reachable;
        self.hint.give();
    }

    fn end(&self, worker: &WorkerId, state: State) {
        if self.world().end(worker, state) {
            self.hint.give();
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// True if the worker lived until now.
    fn end(&mut self, worker: &WorkerId, state: State) -> bool {
        match self.workers.get_mut(worker).filter(|life| life.state.is_alive()) {
            Some(life) => {
                life.state = state;
                true
            }
            None => false,
        }
    }

    fn launch(&mut self, order: &LaunchOrder) -> Result<(), LaunchError> {
        let worker = order.worker.clone();
        let unknown =
            |reason: &str| LaunchError::Unknown { worker: worker.clone(), reason: reason.to_owned() };
        if !self.reachable {
            return Err(unknown("the substrate is cut off"));
        }
        let (begins_after, state, reply_lost) = match self.chance.launch(&worker) {
            LaunchFate::Arrives { begins_after, reply_lost } => (begins_after, State::Launched, reply_lost),
            LaunchFate::Stillborn => (Duration::ZERO, State::Gone, false),
            LaunchFate::Lost => return Err(unknown("the order was lost")),
            // A host that has the worker already does not refuse to start it.
            LaunchFate::NotStarted if self.workers.contains_key(&worker) => return Ok(()),
            LaunchFate::NotStarted => {
                return Err(LaunchError::NotStarted {
                    worker,
                    reason: "the host has no room now".to_owned(),
                });
            }
        };
        let next = self.workers.len() as u32;
        self.workers.entry(worker.clone()).or_insert_with(|| Life {
            order: order.clone(),
            address: std::net::Ipv4Addr::from(0x0A00_0001 + next).to_string(),
            begins: Instant::now() + begins_after,
            state,
        });
        if reply_lost { Err(unknown("the answer was lost")) } else { Ok(()) }
    }

    /// What becomes of a call other than launch.
    fn fate(&mut self, ask: impl FnOnce(&mut dyn Chance) -> Fate) -> Fate {
        if self.reachable { ask(self.chance.as_mut()) } else { Fate::Lost }
    }

    fn sightings(&self) -> Vec<Sighting> {
        let seen = |(worker, life): (&WorkerId, &Life)| {
            let state = match &life.state {
                State::Launched | State::Begun => Sighted::Alive { pid: None },
                State::Exited(exit) => Sighted::Exited(exit.clone()),
                State::Gone => Sighted::Gone,
                State::Forgotten => return None,
            };
            Some(Sighting { worker: worker.clone(), state, address: life.address.clone() })
        };
        self.workers.iter().filter_map(seen).collect()
    }

    fn forget(&mut self, worker: &WorkerId) -> Result<(), SubstrateError> {
        match self.workers.get_mut(worker) {
            Some(life) if life.state.is_alive() => Err(SubstrateError::Alive(worker.clone())),
            Some(life) => {
                life.state = State::Forgotten;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn lost(fate: Fate) -> Result<(), SubstrateError> {
    match fate {
        Fate::Done => Ok(()),
        Fate::ReplyLost => Err(SubstrateError::Unreachable("the answer was lost".to_owned())),
        Fate::Lost => Err(SubstrateError::Unreachable("the call was lost".to_owned())),
    }
}

#[async_trait]
impl Substrate for Imagined {
    async fn launch(&self, order: &LaunchOrder) -> Result<(), LaunchError> {
        let answer = self.world().launch(order);
        self.hint.give();
        answer
    }

    async fn kill(&self, worker: &WorkerId) -> Result<(), SubstrateError> {
        let fate = self.world().fate(|chance| chance.kill(worker));
        if fate != Fate::Lost {
            self.end(worker, State::Gone);
        }
        lost(fate)
    }

    async fn sightings(&self) -> Result<Vec<Sighting>, SubstrateError> {
        let mut world = self.world();
        let fate = world.fate(|chance| chance.look());
        lost(fate).map(|()| world.sightings())
    }

    async fn forget(&self, worker: &WorkerId) -> Result<(), SubstrateError> {
        let mut world = self.world();
        let fate = world.fate(|chance| chance.look());
        let forgotten = if fate == Fate::Lost { Ok(()) } else { world.forget(worker) };
        lost(fate).and(forgotten)
    }

    fn host(&self) -> HostFacts {
        self.world().host.clone()
    }

    async fn changed(&self) {
        self.hint.taken().await;
    }
}
