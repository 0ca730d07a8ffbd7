//! An application's own life.

use crate::stage::{Stage, run, start};
use firesteel_core::application::ApplicationState::*;
use firesteel_core::application::{Capacity, Patch};
use firesteel_core::command::Command;
use firesteel_core::id::JobRunId;
use firesteel_core::refusal::Refusal;
use firesteel_core::release::ReleaseLabel;
use firesteel_core::time::MINUTE;
use serde_json::json;

fn started() -> Stage {
    let mut stage = Stage::new(None);
    stage.must(Command::Start);
    stage.tick();
    assert!(stage.is(Started));
    stage
}

#[test]
fn starting_is_committed_before_the_start_returns_and_repeating_it_is_harmless() {
    let mut stage = Stage::new(None);
    stage.must(Command::Start);
    assert!(stage.is(Starting));
    assert_eq!(stage.must(Command::Start), []);
    assert_eq!(stage.app.state_details, "User initiated.");
}

#[test]
fn an_idle_application_stops_by_itself() {
    let mut stage = started();
    assert_eq!(stage.plan(&[]).wake_at, stage.app.idle_since.map(|since| since.plus(15 * MINUTE)));
    stage.tick_after(14 * MINUTE);
    assert!(stage.is(Started));
    stage.tick_after(2 * MINUTE);
    assert!(stage.is(Stopped));
}

#[test]
fn an_active_application_does_not_stop() {
    let mut stage = started();
    stage.running("r1");
    stage.tick_after(30 * MINUTE);
    assert!(stage.is(Started));
    assert_eq!(stage.try_to(Command::Stop), Err(Refusal::ActiveRuns(1)));
}

#[test]
fn stop_and_delete_go_by_the_state() {
    let mut stage = Stage::new(None);
    assert_eq!(
        stage.try_to(Command::Stop),
        Err(Refusal::WrongState { state: Created, allowed: &[Starting, Started] })
    );
    let mut stage = started();
    assert_eq!(
        stage.try_to(Command::Delete),
        Err(Refusal::WrongState { state: Started, allowed: &[Created, Stopped] })
    );
    stage.must(Command::Stop);
    stage.tick();
    assert!(stage.is(Stopped));
    stage.must(Command::Delete);
    assert!(stage.is(Terminated));
    for command in [Command::Start, Command::Delete, start(run("r1"))] {
        assert_eq!(stage.try_to(command), Err(Refusal::NoApplication));
    }
}

#[test]
fn deletion_waits_for_settled_runs_to_be_archived() {
    let mut stage = started();
    let driver = stage.running("r1");
    stage.end(&driver, "m1", 0).expect("heard");
    stage.must(Command::Stop);
    stage.tick();
    assert_eq!(stage.try_to(Command::Delete), Err(Refusal::Settling(1)));
    stage.must(Command::Archived(vec![JobRunId::new("r1")]));
    stage.must(Command::Delete);
}

#[test]
fn without_auto_start_a_submission_needs_a_started_application() {
    let mut stage = Stage::new(None);
    stage.must(Command::Update(Patch { auto_start: Some(false), ..Patch::default() }));
    assert_eq!(stage.try_to(start(run("r1"))), Err(Refusal::NotStarted(Created)));
}

#[test]
fn while_started_only_some_members_may_change_and_unchanged_ones_may_be_sent_again() {
    let mut stage = started();
    let capacity = Capacity { cpu: 8, memory: 32, disk: None };
    stage.must(Command::Update(Patch { maximum_capacity: Some(capacity), ..Patch::default() }));
    let same = Patch { auto_start: Some(true), ..Patch::default() };
    assert_eq!(stage.must(Command::Update(same)), []);
    let release = Some(ReleaseLabel::new("emr-7.12.0"));
    let other = Patch { release, ..Patch::default() };
    let refusal = Refusal::FixedWhileStarted(vec!["releaseLabel".to_owned()]);
    assert_eq!(stage.try_to(Command::Update(other)), Err(refusal));
}

#[test]
fn of_the_scheduler_only_the_concurrency_may_change_while_started() {
    let mut stage = Stage::new(None);
    let scheduler = |runs: i64, minutes: i64| {
        let value = json!({ "maxConcurrentRuns": runs, "queueTimeoutMinutes": minutes });
        let echo = [("schedulerConfiguration".to_owned(), value)].into_iter().collect();
        Command::Update(Patch { echo, ..Patch::default() })
    };
    stage.must(scheduler(15, 360));
    stage.must(Command::Start);
    stage.tick();
    stage.must(scheduler(20, 360));
    let refusal = Refusal::FixedWhileStarted(vec!["schedulerConfiguration".to_owned()]);
    assert_eq!(stage.try_to(scheduler(20, 400)), Err(refusal));
}
