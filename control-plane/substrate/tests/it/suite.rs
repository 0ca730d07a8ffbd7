//! What every substrate promises. A stage brings a substrate and players for its runners; the part that a runner
//! plays is its order's token.

use firesteel_core::id::WorkerId;
use firesteel_core::size::Size;
use firesteel_core::time::Millis;
use firesteel_protocol::{Exit, ExitCode};
use firesteel_substrate::{LaunchOrder, Sighted, Sighting, Substrate, SubstrateError};
use std::time::Duration;

/// Lives until it is killed.
pub const STAYS: &str = "stays";
/// Leaves word ([`an_exit`]) and exits.
pub const EXITS: &str = "exits";
/// Dies without a word.
pub const DIES: &str = "dies";

/// A substrate with players.
pub trait Stage {
    /// The substrate.
    fn port(&self) -> &dyn Substrate;
    /// Lets every runner play that is due.
    fn play(&self);
    /// How many runners have begun for this worker, ever.
    fn begun(&self, worker: &WorkerId) -> usize;
}

pub fn order(worker: &str, part: &str) -> LaunchOrder {
    LaunchOrder {
        worker: WorkerId::new(worker),
        token: part.to_owned(),
        endpoints: vec!["http://127.0.0.1:1".to_owned()],
        size: Size { cpu: 1, memory: 2, disk: 20 },
    }
}

pub fn an_exit() -> Exit {
    Exit {
        code: ExitCode(3),
        summary: "script said 3".to_owned(),
        started: Some(Millis(1_000)),
        ended: Millis(2_000),
        logs_complete: true,
    }
}

/// The worker as it is sighted now.
pub async fn sighted(stage: &dyn Stage, worker: &str) -> Option<Sighting> {
    stage.play();
    let all = stage.port().sightings().await.unwrap();
    all.into_iter().find(|sighting| sighting.worker.as_str() == worker)
}

/// Waits until the worker is sighted in a state that will do.
pub async fn until(stage: &dyn Stage, worker: &str, will_do: impl Fn(&Sighted) -> bool) -> Sighted {
    for _ in 0..1_500 {
        match sighted(stage, worker).await {
            Some(sighting) if will_do(&sighting.state) => return sighting.state,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("worker {worker} is {:?}", sighted(stage, worker).await);
}

async fn until_begun(stage: &dyn Stage, worker: &str) {
    for _ in 0..1_500 {
        stage.play();
        if stage.begun(&WorkerId::new(worker)) > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("worker {worker} never began");
}

/// Runs the whole suite on stages that are made anew for each part.
pub async fn run<S: Stage>(new: impl AsyncFn() -> S) {
    a_launched_worker_is_sighted_and_starts_once(&new().await).await;
    kill_ends_it_and_may_be_repeated(&new().await).await;
    an_exit_is_seen_and_is_final(&new().await).await;
    a_death_without_a_word_is_seen_and_is_final(&new().await).await;
    only_the_ended_are_forgotten_and_their_names_are_used_up(&new().await).await;
    sightings_are_in_order_and_tell_workers_apart(&new().await).await;
    every_change_gives_a_hint(&new().await).await;
    a_host_has_a_name_and_room(&new().await).await;
}

async fn a_launched_worker_is_sighted_and_starts_once(stage: &dyn Stage) {
    assert_eq!(stage.port().sightings().await.unwrap(), []);
    let order = order("w", STAYS);
    stage.port().launch(&order).await.unwrap();
    let first = sighted(stage, "w").await.unwrap();
    assert!(first.state.is_alive());
    assert!(!first.address.is_empty());
    until_begun(stage, "w").await;
    stage.port().launch(&order).await.unwrap();
    tokio::join!(stage.port().launch(&order), stage.port().launch(&order)).0.unwrap();
    assert_eq!(sighted(stage, "w").await.unwrap(), first);
    assert_eq!(stage.begun(&order.worker), 1);
    stage.port().kill(&order.worker).await.unwrap();
}

async fn kill_ends_it_and_may_be_repeated(stage: &dyn Stage) {
    for worker in ["other", "w"] {
        stage.port().launch(&order(worker, STAYS)).await.unwrap();
        until_begun(stage, worker).await;
    }
    let worker = WorkerId::new("w");
    for _ in 0..3 {
        stage.port().kill(&worker).await.unwrap();
        assert_eq!(sighted(stage, "w").await.unwrap().state, Sighted::Gone);
    }
    stage.port().launch(&order("w", STAYS)).await.unwrap();
    assert_eq!(sighted(stage, "w").await.unwrap().state, Sighted::Gone);
    assert!(sighted(stage, "other").await.unwrap().state.is_alive());
    stage.port().kill(&WorkerId::new("never-seen")).await.unwrap();
    stage.port().kill(&WorkerId::new("../never-seen")).await.unwrap();
    stage.port().kill(&WorkerId::new("other")).await.unwrap();
}

async fn an_exit_is_seen_and_is_final(stage: &dyn Stage) {
    let order = order("w", EXITS);
    stage.port().launch(&order).await.unwrap();
    let ended = until(stage, "w", |state| !state.is_alive()).await;
    assert_eq!(ended, Sighted::Exited(an_exit()));
    stage.port().launch(&order).await.unwrap();
    stage.port().kill(&order.worker).await.unwrap();
    assert_eq!(sighted(stage, "w").await.unwrap().state, ended);
    assert_eq!(stage.begun(&order.worker), 1);
}

async fn a_death_without_a_word_is_seen_and_is_final(stage: &dyn Stage) {
    let order = order("w", DIES);
    stage.port().launch(&order).await.unwrap();
    let ended = until(stage, "w", |state| !state.is_alive()).await;
    assert_eq!(ended, Sighted::Gone);
    stage.port().launch(&order).await.unwrap();
    assert_eq!(sighted(stage, "w").await.unwrap().state, Sighted::Gone);
    assert_eq!(stage.begun(&order.worker), 1);
}

async fn only_the_ended_are_forgotten_and_their_names_are_used_up(stage: &dyn Stage) {
    let order = order("w", STAYS);
    stage.port().launch(&order).await.unwrap();
    until_begun(stage, "w").await;
    let refused = stage.port().forget(&order.worker).await;
    assert_eq!(refused, Err(SubstrateError::Alive(order.worker.clone())));
    stage.port().kill(&order.worker).await.unwrap();
    for _ in 0..2 {
        stage.port().forget(&order.worker).await.unwrap();
        assert_eq!(sighted(stage, "w").await, None);
        stage.port().launch(&order).await.unwrap();
        assert_eq!(sighted(stage, "w").await, None);
    }
    stage.port().kill(&order.worker).await.unwrap();
    stage.port().forget(&WorkerId::new("never-seen")).await.unwrap();
    assert_eq!(stage.begun(&order.worker), 1);
}

async fn sightings_are_in_order_and_tell_workers_apart(stage: &dyn Stage) {
    for worker in ["c", "a", "b"] {
        stage.port().launch(&order(worker, STAYS)).await.unwrap();
    }
    let all = stage.port().sightings().await.unwrap();
    let names: Vec<_> = all.iter().map(|sighting| sighting.worker.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let mut addresses: Vec<_> = all.iter().map(|sighting| sighting.address.as_str()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert!(addresses.len() == 3 || addresses == ["127.0.0.1"], "{addresses:?}");
    for sighting in &all {
        stage.port().kill(&sighting.worker).await.unwrap();
    }
}

async fn every_change_gives_a_hint(stage: &dyn Stage) {
    let port = stage.port();
    let moment = Duration::from_millis(200);
    assert!(tokio::time::timeout(moment, port.changed()).await.is_err(), "nothing has changed");
    port.launch(&order("w", STAYS)).await.unwrap();
    hinted(stage).await;
    until_begun(stage, "w").await;
    while tokio::time::timeout(moment, port.changed()).await.is_ok() {}
    port.kill(&WorkerId::new("w")).await.unwrap();
    hinted(stage).await;
    port.launch(&order("x", DIES)).await.unwrap();
    hinted(stage).await;
    until_begun(stage, "x").await;
    while sighted(stage, "x").await.unwrap().state.is_alive() {
        hinted(stage).await;
    }
}

async fn hinted(stage: &dyn Stage) {
    let hint = tokio::time::timeout(Duration::from_secs(15), stage.port().changed()).await;
    assert!(hint.is_ok(), "a change gave no hint");
}

async fn a_host_has_a_name_and_room(stage: &dyn Stage) {
    let host = stage.port().host();
    assert!(!host.id.as_str().is_empty() && host.cpus > 0 && host.memory_mib > 0, "{host:?}");
    assert_eq!(stage.port().host(), host);
}
