//! Executors come and go with the wanted set.

use crate::stage::{Stage, executor, run, start, wanted};
use firesteel_core::command::{Stopping, Wanted};
use firesteel_core::id::WorkerId;
use firesteel_core::job_run::ShuffleDisks;
use firesteel_core::worker::Role;

fn live(stage: &Stage) -> Vec<&WorkerId> {
    stage.app.workers.iter().filter(|(_, w)| w.is_live() && !w.is_driver()).map(|(id, _)| id).collect()
}

#[test]
fn a_wanted_executor_is_admitted_once_and_numbered() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.report(&driver, "m1", &["u1", "u2"], 1);
    assert_eq!(stage.report(&driver, "m1", &["u1", "u2"], 1), []);
    let ordinals: Vec<u32> = stage
        .app
        .workers
        .values()
        .filter_map(|worker| match worker.role {
            Role::Executor { ordinal, .. } => Some(ordinal),
            Role::Driver => None,
        })
        .collect();
    assert_eq!(ordinals, [1, 2]);
}

#[test]
fn an_executor_that_is_no_longer_wanted_is_released() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.report(&driver, "m1", &["u1"], 1);
    stage.hello(&executor("r1", "u1"), "m2").expect("heard");
    stage.report(&driver, "m1", &[], 2);
    let worker = stage.app.workers.get(&executor("r1", "u1")).expect("known");
    assert!(worker.released.is_some() && worker.is_live());
}

#[test]
fn decommissioning_is_passed_on() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.report(&driver, "m1", &["u1"], 1);
    stage.hello(&executor("r1", "u1"), "m2").expect("heard");
    let mut leaving = wanted("u1");
    leaving.stopping = Some(Stopping { decommission: true, grace: 30_000, reason: "pod deleted".to_owned() });
    let set = Wanted { version: 2, executors: vec![leaving] };
    stage.report_wanted(&driver, "m1", Some(set)).expect("heard");
    let release = stage.app.workers.get(&executor("r1", "u1")).and_then(|w| w.released.clone());
    assert!(release.is_some_and(|release| release.decommission && release.grace == 30_000));
}

#[test]
fn an_ended_executor_is_forgotten_with_its_pod_and_stays_on_the_bill() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.report(&driver, "m1", &["u1"], 1);
    let id = executor("r1", "u1");
    stage.hello(&id, "m2").expect("heard");
    stage.now = stage.now.plus(10_000);
    stage.end(&id, "m2", 0).expect("heard");
    stage.report(&driver, "m1", &["u1"], 1);
    assert!(stage.app.workers.contains_key(&id));
    stage.report(&driver, "m1", &[], 2);
    assert!(!stage.app.workers.contains_key(&id));
    assert_eq!(stage.run("r1").bill.total.cpu, 11);
    assert_eq!(stage.run("r1").bill.billed.cpu, 60);
}

#[test]
fn of_a_shuffle_optimised_disk_all_is_billed() {
    for (executors, billed) in [(false, 0), (true, 20 * 60)] {
        let mut stage = Stage::new(None);
        let mut new = run("r1");
        new.needs.shuffle_disks = ShuffleDisks { driver: false, executors };
        let stored = serde_json::to_value(&new).expect("JSON");
        assert_eq!(stored["needs"].get("shuffle_disks").is_some(), executors, "as it was stored before");
        stage.must(start(new));
        stage.tick();
        stage.tick();
        let driver = stage.begin("r1", 1);
        stage.report(&driver, "m1", &["u1"], 1);
        stage.hello(&executor("r1", "u1"), "m2").expect("heard");
        stage.end(&executor("r1", "u1"), "m2", 0).expect("heard");
        stage.report(&driver, "m1", &[], 2);
        assert_eq!(stage.run("r1").bill.billed.disk, billed);
    }
}

#[test]
fn an_older_set_brings_no_forgotten_executor_back() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.report(&driver, "m1", &["u1"], 1);
    stage.hello(&executor("r1", "u1"), "m2").expect("heard");
    stage.end(&executor("r1", "u1"), "m2", 1).expect("heard");
    stage.report(&driver, "m1", &[], 2);
    assert_eq!(stage.report(&driver, "m1", &["u1"], 1), []);
    assert_eq!(live(&stage), Vec::<&WorkerId>::new());
}

#[test]
fn no_executor_is_admitted_for_a_run_that_is_ending() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    let run = stage.run("r1").request.id.clone();
    stage.must(firesteel_core::command::Command::CancelJobRun { run, grace: 0 });
    stage.report(&driver, "m1", &["u1"], 1);
    assert_eq!(live(&stage), Vec::<&WorkerId>::new());
}

#[test]
fn an_executor_released_before_its_hello_ends_and_its_runner_is_refused() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.report(&driver, "m1", &["u1"], 1);
    stage.report(&driver, "m1", &[], 2);
    assert_eq!(live(&stage), Vec::<&WorkerId>::new());
    assert!(stage.hello(&executor("r1", "u1"), "m2").is_err());
}
