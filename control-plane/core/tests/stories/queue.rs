//! Runs that the application's concurrency holds back.

use crate::stage::{Stage, run, start};
use firesteel_core::application::ApplicationState;
use firesteel_core::command::Command;
use firesteel_core::event::Event;
use firesteel_core::id::JobRunId;
use firesteel_core::job_run::JobRunState::{self, *};
use firesteel_core::plan::Waiting;
use firesteel_core::refusal::Refusal;
use firesteel_core::time::MINUTE;
use serde_json::json;

/// A started application that runs so many at once.
fn at_once(runs: usize) -> Stage {
    let mut stage = Stage::new(None);
    limit(&mut stage, runs);
    stage.must(Command::Start);
    stage.tick();
    stage
}

fn limit(stage: &mut Stage, runs: usize) {
    let scheduler = json!({ "maxConcurrentRuns": runs, "queueTimeoutMinutes": 15 });
    stage.set("schedulerConfiguration", scheduler).expect("may always change");
}

fn states(stage: &Stage, runs: &[&str]) -> Vec<JobRunState> {
    runs.iter().map(|id| stage.state_of(id)).collect()
}

fn cancel(id: &str) -> Command {
    Command::CancelJobRun { run: JobRunId::new(id), grace: 0 }
}

#[test]
fn more_than_the_application_runs_at_once_are_queued_first_in_first_out() {
    let mut stage = at_once(1);
    let first = stage.running("r1");
    stage.submit("r3");
    stage.submit("r2");
    stage.tick();
    assert_eq!(states(&stage, &["r1", "r2", "r3"]), [Running, Queued, Queued]);
    assert_eq!(stage.waits_for("r2"), Some(Waiting::Queued(1, 0)));
    assert_eq!(stage.waits_for("r3"), Some(Waiting::Queued(1, 1)));
    let since = stage.run("r2").queued.expect("queued");
    stage.now = stage.now.plus(5_000);
    stage.end(&first, "m1", 0).expect("heard");
    stage.tick();
    assert_eq!(states(&stage, &["r2", "r3"]), [Scheduled, Queued]);
    assert_eq!(stage.run("r2").queued_for(), Some(stage.now.since(since)));
    assert_eq!(stage.run("r3").queued_for(), None);
}

#[test]
fn without_a_scheduler_nothing_is_queued() {
    let mut stage = Stage::new(None);
    stage.running("r1");
    for id in ["r2", "r3"] {
        stage.submit(id);
    }
    stage.tick();
    assert_eq!(states(&stage, &["r2", "r3"]), [Scheduled, Scheduled]);
    assert_eq!(stage.run("r2").queued, None);
}

#[test]
fn a_higher_limit_lets_the_next_ones_go_at_once() {
    let mut stage = at_once(1);
    stage.running("r1");
    for id in ["r2", "r3", "r4"] {
        stage.submit(id);
    }
    stage.tick();
    limit(&mut stage, 3);
    stage.tick();
    assert_eq!(states(&stage, &["r2", "r3", "r4"]), [Scheduled, Scheduled, Queued]);
}

#[test]
fn a_lower_limit_leaves_what_runs() {
    let mut stage = at_once(2);
    let driver = stage.running("r1");
    stage.running("r2");
    limit(&mut stage, 1);
    stage.submit("r3");
    stage.tick();
    stage.end(&driver, "m1", 0).expect("heard");
    stage.tick();
    assert_eq!(states(&stage, &["r1", "r2", "r3"]), [Success, Running, Queued]);
}

#[test]
fn who_is_queued_for_too_long_fails_and_says_so() {
    let mut stage = at_once(1);
    stage.running("r1");
    stage.submit("r2");
    stage.tick();
    let since = stage.run("r2").queued.expect("queued");
    assert!(stage.plan(&[]).wake_at.is_some_and(|at| at <= since.plus(15 * MINUTE)));
    stage.tick_after(14 * MINUTE);
    stage.submit("r3");
    stage.tick();
    assert_eq!(states(&stage, &["r2", "r3"]), [Queued, Queued]);
    stage.tick_after(MINUTE);
    assert_eq!(states(&stage, &["r2", "r3"]), [Failed, Queued]);
    let text = "Job run failed as it was QUEUED for 15 minutes, the application's queue timeout.";
    assert_eq!(stage.run("r2").state_details, text);
    assert!(stage.run("r2").queued_for().is_some_and(|waited| waited >= 15 * MINUTE));
}

#[test]
fn who_is_queued_is_cancelled_at_once() {
    let mut stage = at_once(1);
    stage.running("r1");
    stage.submit("r2");
    stage.tick();
    stage.must(cancel("r2"));
    assert_eq!(stage.state_of("r2"), Cancelled);
}

#[test]
fn a_stop_cancels_who_is_queued_and_is_refused_for_all_others() {
    let mut stage = at_once(1);
    let driver = stage.running("r1");
    stage.submit("r2");
    stage.tick();
    assert_eq!(stage.try_to(Command::Stop), Err(Refusal::ActiveRuns(1)));
    assert_eq!(stage.state_of("r2"), Queued);
    stage.end(&driver, "m1", 0).expect("heard");
    stage.must(Command::Stop);
    assert_eq!(stage.state_of("r2"), Cancelled);
    stage.tick();
    assert!(stage.is(ApplicationState::Stopped));
}

#[test]
fn an_application_with_queued_runs_is_not_idle() {
    let mut stage = at_once(1);
    let driver = stage.running("r1");
    stage.submit("r2");
    stage.tick();
    stage.end(&driver, "m1", 0).expect("heard");
    assert_eq!(stage.state_of("r2"), Queued);
    stage.grants(0, 0);
    for _ in 0..4 {
        stage.tick_after(10 * MINUTE);
    }
    assert_eq!(stage.state_of("r2"), Pending);
    assert!(stage.is(ApplicationState::Started));
}

#[test]
fn at_most_two_thousand_are_queued_and_the_others_are_not_lost() {
    let mut stage = at_once(1);
    stage.running("r0");
    for number in 0..2_010 {
        stage.must(start(run(&format!("s{number:04}"))));
    }
    let mut events = 1;
    while events > 0 {
        events = stage.tick().iter().filter(|event| matches!(event, Event::JobRunMoved { .. })).count();
        assert!(events <= 1_000, "an entry has a bound");
    }
    let count = |state| stage.app.runs.values().filter(|run| run.state == state).count();
    assert_eq!((count(Queued), count(Submitted)), (2_000, 10));
    assert_eq!(stage.waits_for("s2009"), Some(Waiting::Behind(2_000)));
    stage.must(cancel("s0000"));
    stage.tick();
    assert_eq!((stage.state_of("s2000"), stage.state_of("s2001")), (Queued, Submitted));
}
