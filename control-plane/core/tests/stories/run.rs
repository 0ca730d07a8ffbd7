//! A run from submission to its end.

use crate::stage::{Stage, executor, run, start};
use firesteel_core::application::ApplicationState;
use firesteel_core::command::Command;
use firesteel_core::event::Event;
use firesteel_core::id::{JobRunId, WorkerId};
use firesteel_core::job_run::JobRunState::{self, *};
use firesteel_core::plan::{Effect, Seen};
use firesteel_core::refusal::{Refusal, Stale};

fn states(events: &[Event]) -> Vec<JobRunState> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::JobRunMoved { state, .. } | Event::JobRunEnded { state, .. } => Some(*state),
            _ => None,
        })
        .collect()
}

#[test]
fn a_submission_starts_the_application_and_the_run_goes_all_the_way() {
    let mut stage = Stage::new(None);
    assert!(stage.is(ApplicationState::Created));
    stage.submit("r1");
    assert!(stage.is(ApplicationState::Starting));
    assert_eq!(stage.state_of("r1"), Submitted);
    let events = stage.tick();
    assert_eq!(states(&events), [Pending, Scheduled]);
    let driver = WorkerId::driver(&JobRunId::new("r1"), 1);
    assert_eq!(stage.plan(&[]).effects, [Effect::Launch(driver.clone())]);
    stage.hello(&driver, "m1").expect("heard");
    assert_eq!(states(&stage.report(&driver, "m1", &[], 0)), [Running]);
    let events = stage.end(&driver, "m1", 0).expect("heard");
    assert_eq!(states(&events), [Success]);
    assert_eq!(stage.plan(&[]).effects, [Effect::Archive(JobRunId::new("r1"))]);
    stage.must(Command::Archived(vec![JobRunId::new("r1")]));
    assert!(stage.app.runs.is_empty() && stage.app.tokens.is_empty());
}

#[test]
fn a_run_that_ends_before_it_was_seen_running_is_shown_running_first() {
    let mut stage = Stage::new(None);
    stage.submit("r1");
    stage.tick();
    let driver = WorkerId::driver(&JobRunId::new("r1"), 1);
    stage.hello(&driver, "m1").expect("heard");
    let events = stage.end(&driver, "m1", 0).expect("heard");
    assert_eq!(states(&events), [Running, Success]);
}

#[test]
fn the_terminal_state_waits_for_every_worker() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.report(&driver, "m1", &["u1"], 1);
    let worker = executor("r1", "u1");
    stage.hello(&worker, "m2").expect("heard");
    stage.end(&driver, "m1", 0).expect("heard");
    assert_eq!(stage.state_of("r1"), Running);
    assert!(stage.app.workers.get(&worker).is_some_and(|worker| worker.released.is_some()));
    stage.end(&worker, "m2", 0).expect("heard");
    assert_eq!(stage.state_of("r1"), Success);
    assert!(stage.app.workers.is_empty());
}

#[test]
fn a_failure_says_so_in_emrs_words() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.end(&driver, "m1", 3).expect("heard");
    assert_eq!(stage.state_of("r1"), Failed);
    let expected = "Job failed, please check complete logs in configured logging destination. \
                    ExitCode: 3. Last few exceptions: ValueError: no";
    assert_eq!(stage.run("r1").state_details, expected);
}

#[test]
fn a_repeated_submission_is_the_same_run_and_another_content_a_conflict() {
    let mut stage = Stage::new(None);
    stage.submit("r1");
    let mut again = run("r2");
    again.token = "token-r1".into();
    assert_eq!(stage.try_to(start(again.clone())), Ok(Vec::new()));
    assert_eq!(stage.app.runs.len(), 1);
    again.content = "other".into();
    assert_eq!(stage.try_to(start(again)), Err(Refusal::TokenConflict));
}

#[test]
fn who_looked_for_a_token_before_runs_left_must_look_again() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.end(&driver, "m1", 0).expect("heard");
    stage.must(Command::Archived(vec![JobRunId::new("r1")]));
    assert_eq!(stage.try_to(start(run("r2"))), Err(Refusal::LookAgain));
    stage.must(Command::StartJobRun { run: run("r2").into(), looked_at: 1 });
}

#[test]
fn only_the_first_process_becomes_the_worker() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    assert_eq!(stage.hello(&driver, "m1"), Ok(Vec::new()));
    assert_eq!(stage.hello(&driver, "m2"), Err(Refusal::NotThatWorker(Stale::OtherMark)));
    assert_eq!(stage.report_wanted(&driver, "m2", None), Err(Refusal::NotThatWorker(Stale::OtherMark)));
    assert_eq!(stage.end(&driver, "m2", 0), Err(Refusal::NotThatWorker(Stale::OtherMark)));
    assert_eq!(stage.state_of("r1"), Running);
}

#[test]
fn an_end_is_acknowledged_twice_and_counts_once() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.report(&driver, "m1", &["u1"], 1);
    stage.hello(&executor("r1", "u1"), "m2").expect("heard");
    stage.end(&driver, "m1", 0).expect("heard");
    assert_eq!(stage.end(&driver, "m1", 7), Ok(Vec::new()));
    stage.end(&executor("r1", "u1"), "m2", 0).expect("heard");
    assert_eq!(stage.state_of("r1"), Success);
}

#[test]
fn a_greeted_worker_that_is_not_seen_is_collected_and_never_launched_again() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.tick_after(1_000);
    assert_eq!(stage.plan(&[]).effects, [Effect::Collect(driver.clone(), None)]);
    let gone = stage.plan(&[(&driver, Seen::Gone)]);
    assert_eq!(gone.effects, [Effect::Collect(driver.clone(), None)]);
    assert_eq!(stage.plan(&[(&driver, Seen::Alive)]).effects, []);
}

#[test]
fn a_worker_greeted_after_the_look_is_not_taken_for_dead() {
    let mut stage = Stage::new(None);
    stage.submit("r1");
    stage.tick();
    let look = stage.now;
    let driver = WorkerId::driver(&JobRunId::new("r1"), 1);
    stage.hello(&driver, "m1").expect("heard");
    stage.now = look;
    assert_eq!(stage.plan(&[]).effects, []);
}

#[test]
fn a_run_over_its_time_is_cancelled() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    let deadline = stage.run("r1").deadline().expect("it has one");
    assert!(stage.plan(&[(&driver, Seen::Alive)]).wake_at.is_some_and(|at| at <= deadline));
    stage.tick_after(61 * 60_000);
    assert_eq!(stage.state_of("r1"), Cancelling);
    stage.end(&driver, "m1", 143).expect("heard");
    assert_eq!(stage.state_of("r1"), Cancelled);
}

#[test]
fn a_runner_that_has_said_its_last_word_may_exit_by_itself() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.end(&driver, "m1", 0).expect("heard");
    let archive = Effect::Archive(JobRunId::new("r1"));
    assert_eq!(stage.plan(&[(&driver, Seen::Alive)]).effects, std::slice::from_ref(&archive));
    stage.tick_after(11_000);
    assert_eq!(stage.plan(&[(&driver, Seen::Alive)]).effects, [Effect::Kill(driver), archive]);
}
