//! Cancelling, and other ends that are not the job's own.

use crate::stage::{Stage, exit};
use firesteel_core::command::Command;
use firesteel_core::exit::ExitCode;
use firesteel_core::id::{HostId, JobRunId};
use firesteel_core::job_run::JobRunState::*;
use firesteel_core::plan::{Effect, Seen};
use firesteel_core::worker::SHIPPING_TIME;

fn cancel(id: &str) -> Command {
    Command::CancelJobRun { run: JobRunId::new(id), grace: 15_000 }
}

#[test]
fn a_run_without_a_driver_is_cancelled_at_once() {
    let mut stage = Stage::new(None);
    stage.submit("r1");
    stage.must(cancel("r1"));
    assert_eq!(stage.state_of("r1"), Cancelled);
}

#[test]
fn a_running_run_ends_when_its_driver_has_and_whatever_its_exit_says() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.must(cancel("r1"));
    assert_eq!(stage.state_of("r1"), Cancelling);
    let release = stage.app.workers.get(&driver).and_then(|worker| worker.released.clone());
    assert_eq!(release.map(|release| release.grace), Some(15_000));
    assert_eq!(stage.must(cancel("r1")), []);
    stage.end(&driver, "m1", 0).expect("heard");
    assert_eq!(stage.state_of("r1"), Cancelled);
    assert_eq!(stage.must(cancel("r1")), []);
}

#[test]
fn a_driver_that_does_not_obey_is_killed_after_its_grace() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.must(cancel("r1"));
    stage.tick_after(14_000);
    assert_eq!(stage.plan(&[(&driver, Seen::Alive)]).effects, []);
    stage.tick_after(1_000 + SHIPPING_TIME);
    assert_eq!(stage.plan(&[(&driver, Seen::Alive)]).effects, [Effect::Kill(driver)]);
}

#[test]
fn a_scheduled_run_whose_driver_never_said_hello_ends_at_once() {
    let mut stage = Stage::new(None);
    stage.submit("r1");
    stage.tick();
    assert_eq!(stage.state_of("r1"), Scheduled);
    stage.must(cancel("r1"));
    assert_eq!(stage.state_of("r1"), Cancelled);
    assert_eq!(stage.plan(&[]).effects, [Effect::Archive(JobRunId::new("r1"))]);
}

#[test]
fn a_lost_driver_fails_its_run_and_says_that_logs_are_missing() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    let mut exit = exit(stage.now, ExitCode::LOST.0);
    exit.logs_complete = false;
    stage.must(Command::Lost { worker: driver, exit });
    assert_eq!(stage.state_of("r1"), Failed);
    assert_eq!(stage.run("r1").state_details, "ValueError: no (logs incomplete)");
}

#[test]
fn the_runs_of_a_host_that_stops_fail_and_those_that_wait_go_on_waiting() {
    let mut stage = Stage::cpu_limit(2);
    let driver = stage.running("r1");
    stage.submit("r2");
    stage.tick();
    let details = "control plane stopped".to_owned();
    stage.must(Command::Abandon { host: HostId::new("host"), details });
    stage.end(&driver, "m1", 143).expect("heard");
    assert_eq!(stage.state_of("r1"), Failed);
    assert_eq!(stage.run("r1").state_details, "control plane stopped");
    assert_eq!(stage.state_of("r2"), Pending);
}
