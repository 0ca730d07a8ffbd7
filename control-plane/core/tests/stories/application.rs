//! An application's own life.

use crate::stage::{Stage, run, start};
use firesteel_core::application::ApplicationState::*;
use firesteel_core::application::{ApplicationState, Capacity, Patch};
use firesteel_core::command::Command;
use firesteel_core::id::JobRunId;
use firesteel_core::job_run::JobRunState;
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
fn every_command_of_its_owner_in_every_state() {
    let fixed = || Command::Update(Patch { auto_start: Some(false), ..Patch::default() });
    let no = |state, allowed| Err(Refusal::WrongState { state, allowed });
    let (idle, live): (&[_], &[_]) = (&[Created, Stopped], &[Starting, Started]);
    let refused = Err(Refusal::FixedWhileStarted(vec!["autoStartConfiguration".to_owned()]));
    // What becomes of it by: start, stop, delete, an update of any member, a run.
    let table = [
        (Created, [Ok(Starting), Ok(Stopping), Ok(Terminated), Ok(Created), Ok(Starting)]),
        (Starting, [Ok(Starting), Ok(Stopping), no(Starting, idle), no(Starting, idle), Ok(Starting)]),
        (Started, [Ok(Started), Ok(Stopping), no(Started, idle), refused, Ok(Started)]),
        (
            Stopping,
            [no(Stopping, idle), no(Stopping, live), no(Stopping, idle), no(Stopping, idle), Ok(Stopping)],
        ),
        (Stopped, [Ok(Starting), no(Stopped, live), Ok(Terminated), Ok(Stopped), Ok(Starting)]),
        (
            Terminated,
            [
                no(Terminated, idle),
                no(Terminated, live),
                Ok(Terminated),
                no(Terminated, idle),
                Err(Refusal::NotStarted(Terminated)),
            ],
        ),
    ];
    for (state, outcomes) in table {
        let commands = [Command::Start, Command::Stop, Command::Delete, fixed(), start(run("r1"))];
        for (command, expected) in commands.into_iter().zip(outcomes) {
            let mut stage = in_state(state);
            let said = format!("{command:?} while {state:?}");
            let found = stage.try_to(command).map(|_| stage.app.state);
            assert_eq!(found, expected, "{said}");
        }
    }
}

fn in_state(state: ApplicationState) -> Stage {
    let mut stage = Stage::new(None);
    let way: &[Command] = match state {
        Creating | Created => &[],
        Starting | Started => &[Command::Start],
        Stopping | Stopped => &[Command::Stop],
        Terminated => &[Command::Delete],
    };
    for command in way {
        stage.must(command.clone());
    }
    if matches!(state, Started | Stopped) {
        stage.tick();
    }
    assert!(stage.is(state));
    stage
}

#[test]
fn an_application_that_was_never_made_takes_nothing() {
    let mut stage = Stage::new(None);
    stage.app = Default::default();
    for command in [Command::Start, Command::Stop, Command::Delete, start(run("r1"))] {
        assert_eq!(stage.try_to(command), Err(Refusal::NoApplication));
    }
}

#[test]
fn a_run_that_comes_while_it_stops_starts_it_again() {
    let mut stage = in_state(Stopping);
    stage.submit("r1");
    stage.tick();
    assert!(stage.is(Starting));
    stage.tick();
    assert_eq!(stage.state_of("r1"), JobRunState::Scheduled);
}

#[test]
fn an_image_is_fixed_while_workers_stand_ready_with_it() {
    for (pools, allowed) in [(json!({}), true), (json!({ "DRIVER": { "workerCount": 1 } }), false)] {
        let mut stage = Stage::new(None);
        stage.set("initialCapacity", pools).expect("before it starts");
        stage.must(Command::Start);
        stage.tick();
        let other = json!({ "imageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/a:b" });
        assert_eq!(stage.set("imageConfiguration", other).is_ok(), allowed);
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
