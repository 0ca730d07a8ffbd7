//! The imagined substrate: the suite, and that chance alone decides.

use crate::suite::{self, DIES, EXITS, STAYS, Stage, an_exit, order};
use firesteel_core::id::{HostId, WorkerId};
use firesteel_substrate::imagined::{Chance, Fair, Fate, Imagined, LaunchFate};
use firesteel_substrate::{HostFacts, LaunchError, Sighted, Substrate, SubstrateError};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

struct Players {
    port: Imagined,
    begun: RefCell<BTreeMap<WorkerId, usize>>,
}

fn facts() -> HostFacts {
    HostFacts { id: HostId::new("imagined-1"), cpus: 2, memory_mib: 8_192 }
}

impl Stage for Players {
    fn port(&self) -> &dyn Substrate {
        &self.port
    }

    fn play(&self) {
        for runner in self.port.begun() {
            let worker = runner.order.worker;
            *self.begun.borrow_mut().entry(worker.clone()).or_default() += 1;
            match runner.order.token.as_str() {
                STAYS => {}
                EXITS => self.port.exit(&worker, an_exit()),
                DIES => self.port.die(&worker),
                other => panic!("no such part: {other}"),
            }
        }
    }

    fn begun(&self, worker: &WorkerId) -> usize {
        self.begun.borrow().get(worker).copied().unwrap_or(0)
    }
}

#[tokio::test(start_paused = true)]
async fn passes_the_suite() {
    suite::run(async || Players { port: Imagined::new(facts(), Fair), begun: RefCell::default() }).await;
}

/// Fates in the order of the calls.
#[derive(Default)]
struct Script {
    launches: VecDeque<LaunchFate>,
    kills: VecDeque<Fate>,
    looks: VecDeque<Fate>,
}

impl Chance for Script {
    fn launch(&mut self, worker: &WorkerId) -> LaunchFate {
        self.launches.pop_front().unwrap_or_else(|| Fair.launch(worker))
    }
    fn kill(&mut self, _: &WorkerId) -> Fate {
        self.kills.pop_front().unwrap_or(Fate::Done)
    }
    fn look(&mut self) -> Fate {
        self.looks.pop_front().unwrap_or(Fate::Done)
    }
}

async fn state(port: &Imagined, worker: &str) -> Option<Sighted> {
    let all = port.sightings().await.unwrap();
    all.into_iter().find(|sighting| sighting.worker.as_str() == worker).map(|sighting| sighting.state)
}

#[tokio::test(start_paused = true)]
async fn launches_meet_their_fates() {
    let late = LaunchFate::Arrives { begins_after: Duration::from_secs(5), reply_lost: true };
    let launches =
        [LaunchFate::Lost, LaunchFate::NotStarted, late, LaunchFate::NotStarted, LaunchFate::Stillborn];
    let port = Imagined::new(facts(), Script { launches: launches.into(), ..Script::default() });
    let first = order("a", STAYS);
    assert!(matches!(port.launch(&first).await, Err(LaunchError::Unknown { .. })));
    assert_eq!(state(&port, "a").await, None);
    assert!(matches!(port.launch(&first).await, Err(LaunchError::NotStarted { .. })));
    assert_eq!(state(&port, "a").await, None);
    assert!(matches!(port.launch(&first).await, Err(LaunchError::Unknown { .. })));
    assert_eq!(state(&port, "a").await, Some(Sighted::Alive { pid: None }));
    assert_eq!(port.launch(&first).await, Ok(()));
    assert_eq!(port.begun(), []);
    assert_eq!(port.next_begins(), Some(Instant::now() + Duration::from_secs(5)));
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(port.begun().into_iter().map(|begun| begun.order).collect::<Vec<_>>(), [first]);
    assert_eq!((port.begun(), port.next_begins()), (vec![], None));
    port.launch(&order("b", STAYS)).await.unwrap();
    assert_eq!(state(&port, "b").await, Some(Sighted::Gone));
}

#[tokio::test(start_paused = true)]
async fn lost_calls_and_lost_answers_differ_only_in_what_was_done() {
    let script = Script {
        kills: [Fate::Lost, Fate::ReplyLost].into(),
        looks: [Fate::Lost, Fate::Done, Fate::Done, Fate::Lost, Fate::Done, Fate::ReplyLost].into(),
        ..Script::default()
    };
    let port = Imagined::new(facts(), script);
    let worker = WorkerId::new("a");
    port.launch(&order("a", STAYS)).await.unwrap();
    assert!(matches!(port.sightings().await, Err(SubstrateError::Unreachable(_))));
    assert!(matches!(port.kill(&worker).await, Err(SubstrateError::Unreachable(_))));
    assert!(state(&port, "a").await.unwrap().is_alive());
    assert!(matches!(port.kill(&worker).await, Err(SubstrateError::Unreachable(_))));
    assert_eq!(state(&port, "a").await, Some(Sighted::Gone));
    assert!(port.forget(&worker).await.is_err());
    assert_eq!(state(&port, "a").await, Some(Sighted::Gone));
    assert!(port.forget(&worker).await.is_err());
    assert_eq!(state(&port, "a").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_clone_is_another_control_plane_of_the_same_world() {
    let one = Imagined::new(facts(), Fair);
    one.launch(&order("a", STAYS)).await.unwrap();
    let two = one.clone();
    drop(one);
    assert!(state(&two, "a").await.unwrap().is_alive());
    let three = two.clone();
    tokio::time::timeout(Duration::from_secs(1), two.changed()).await.unwrap();
    two.die(&WorkerId::new("a"));
    for port in [&two, &three] {
        tokio::time::timeout(Duration::from_secs(1), port.changed()).await.unwrap();
        assert_eq!(state(port, "a").await, Some(Sighted::Gone));
    }
}

#[tokio::test(start_paused = true)]
async fn a_world_that_is_cut_off_does_nothing_and_lives_on() {
    let port = Imagined::new(facts(), Fair);
    port.launch(&order("a", STAYS)).await.unwrap();
    port.set_reachable(false);
    assert!(matches!(port.launch(&order("b", STAYS)).await, Err(LaunchError::Unknown { .. })));
    assert!(port.kill(&WorkerId::new("a")).await.is_err());
    assert!(port.sightings().await.is_err());
    assert!(port.is_alive(&WorkerId::new("a")));
    port.set_reachable(true);
    assert!(state(&port, "a").await.unwrap().is_alive());
    assert_eq!(state(&port, "b").await, None);
}
