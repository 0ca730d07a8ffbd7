//! Runs that are tried again.

use crate::stage::{Stage, exit, run, start, wanted};
use firesteel_core::command::{Command, Wanted};
use firesteel_core::exit::ExitCode;
use firesteel_core::id::{HostId, JobRunId, WorkerId};
use firesteel_core::job_run::JobRunState::{self, *};
use firesteel_core::job_run::Retry;
use firesteel_core::plan::{Effect, Seen, Waiting};
use firesteel_core::time::{HOUR, MINUTE};

/// A run that is at its first attempt.
fn trying(stage: &mut Stage, retry: Retry) -> WorkerId {
    let mut new = run("r1");
    (new.retry, new.timeout) = (retry, None);
    stage.must(start(new));
    stage.tick();
    stage.tick();
    stage.begin("r1", 1)
}

fn cancel() -> Command {
    Command::CancelJobRun { run: JobRunId::new("r1"), grace: 60_000 }
}

fn executor(attempt: u32, uid: &str) -> WorkerId {
    WorkerId::executor(&JobRunId::new("r1"), attempt, uid)
}

/// Ends the attempt with `code` and lets the next one begin, if there is one.
fn fail_and_begin(stage: &mut Stage, attempt: u32, code: i32) -> JobRunState {
    let driver = WorkerId::driver(&JobRunId::new("r1"), attempt);
    stage.end(&driver, "m1", code).expect("heard");
    stage.tick();
    if stage.state_of("r1") == Scheduled {
        stage.begin("r1", attempt + 1);
    }
    stage.state_of("r1")
}

#[test]
fn a_failed_attempt_is_followed_by_another_and_the_last_one_counts() {
    let mut stage = Stage::new(None);
    let driver = trying(&mut stage, Retry::Attempts(3));
    stage.end(&driver, "m1", 3).expect("heard");
    assert_eq!(stage.state_of("r1"), Pending);
    let details = "Attempt 1 failed, attempt 2 follows. Job failed, please check complete logs in configured logging \
                   destination. ExitCode: 3. Last few exceptions: ValueError: no";
    assert_eq!(stage.run("r1").state_details, details);
    assert_eq!(stage.run("r1").attempt_number(), 2);
    stage.tick();
    assert_eq!(stage.state_of("r1"), Scheduled);
    stage.begin("r1", 2);
    assert_eq!(stage.state_of("r1"), Running);
    assert_eq!(fail_and_begin(&mut stage, 2, 137), Running);
    assert_eq!(fail_and_begin(&mut stage, 3, 4), Failed);
    let run = stage.run("r1");
    assert!(run.state_details.contains("ExitCode: 4."), "{}", run.state_details);
    assert_eq!(run.attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2, 3]);
    let fences: Vec<u64> = run.attempts.iter().map(|attempt| attempt.fence).collect();
    assert!(fences.is_sorted_by(|a, b| a < b), "{fences:?}");
    assert!(run.attempts.iter().take(2).all(|attempt| attempt.outcome.is_some()));
}

#[test]
fn one_attempt_is_enough_if_it_ends_well_and_if_nothing_is_said() {
    for (retry, code, state) in [
        (Retry::Attempts(3), 0, Success),
        (Retry::FailuresPerHour(5), 0, Success),
        (Retry::default(), 3, Failed),
    ] {
        let mut stage = Stage::new(None);
        let driver = trying(&mut stage, retry);
        stage.end(&driver, "m1", code).expect("heard");
        assert_eq!((stage.state_of("r1"), stage.run("r1").attempts.len()), (state, 1), "{retry:?}");
    }
}

#[test]
fn what_the_service_refuses_is_not_tried_again() {
    for (code, again) in [
        (ExitCode::BAD_PARAMETERS, false),
        (ExitCode::RUNTIME, false),
        (ExitCode::LOGS_REFUSED, false),
        (ExitCode::STAGING, true),
        (ExitCode::LOST, true),
        (ExitCode::NO_CONTROL_PLANE, true),
    ] {
        let mut stage = Stage::new(None);
        let driver = trying(&mut stage, Retry::Attempts(2));
        stage.must(Command::Lost { worker: driver, exit: exit(stage.now, code.0) });
        assert_eq!(stage.state_of("r1"), if again { Pending } else { Failed }, "{code:?}");
    }
}

#[test]
fn the_next_attempt_waits_for_every_worker_of_the_last_one() {
    let mut stage = Stage::new(None);
    let driver = trying(&mut stage, Retry::Attempts(2));
    stage.report(&driver, "m1", &["u1"], 1);
    let old = executor(1, "u1");
    stage.hello(&old, "m2").expect("heard");
    stage.end(&driver, "m1", 1).expect("heard");
    stage.tick();
    assert_eq!((stage.state_of("r1"), stage.run("r1").attempts.len()), (Pending, 1));
    assert_eq!(stage.waits_for("r1"), Some(Waiting::Workers(1)));
    assert!(stage.app.workers.get(&old).is_some_and(|worker| worker.released.is_some()));
    stage.end(&old, "m2", 0).expect("heard");
    assert!(stage.app.workers.is_empty(), "what has ended leaves the state");
    stage.tick();
    assert_eq!((stage.state_of("r1"), stage.run("r1").attempts.len()), (Scheduled, 2));
}

#[test]
fn while_one_run_waits_for_its_own_workers_others_go() {
    let mut stage = Stage::new(None);
    let driver = trying(&mut stage, Retry::Attempts(2));
    stage.report(&driver, "m1", &["u1"], 1);
    stage.hello(&executor(1, "u1"), "m2").expect("heard");
    stage.end(&driver, "m1", 1).expect("heard");
    stage.submit("r2");
    stage.tick();
    assert_eq!((stage.state_of("r1"), stage.state_of("r2")), (Pending, Scheduled));
}

#[test]
fn each_attempt_has_executors_of_its_own() {
    let mut stage = Stage::new(None);
    let driver = trying(&mut stage, Retry::Attempts(2));
    stage.report(&driver, "m1", &["u1"], 7);
    stage.hello(&executor(1, "u1"), "m2").expect("heard");
    stage.end(&driver, "m1", 1).expect("heard");
    stage.end(&executor(1, "u1"), "m2", 0).expect("heard");
    stage.tick();
    let second = stage.begin("r1", 2);
    let late = Wanted { version: 8, executors: vec![wanted("u9")] };
    assert!(stage.report_wanted(&driver, "m1", Some(late)).is_err(), "the first attempt is no longer heard");
    stage.report(&second, "m1", &["u1"], 1);
    let worker = stage.app.workers.get(&executor(2, "u1")).expect("admitted for the second attempt");
    assert_eq!(worker.fence, stage.run("r1").attempts[1].fence);
    assert_eq!(stage.run("r1").attempts[1].last_ordinal, 1);
}

#[test]
fn the_bill_is_over_all_attempts() {
    let mut stage = Stage::new(None);
    trying(&mut stage, Retry::Attempts(2));
    stage.now = stage.now.plus(100_000);
    assert_eq!(fail_and_begin(&mut stage, 1, 1), Running);
    stage.now = stage.now.plus(200_000);
    let second = WorkerId::driver(&JobRunId::new("r1"), 2);
    stage.end(&second, "m1", 0).expect("heard");
    assert_eq!(stage.state_of("r1"), Success);
    let used = stage.run("r1").bill.total;
    assert!((300..=304).contains(&used.cpu), "{used:?}");
}

#[test]
fn a_cancelled_run_is_not_tried_again() {
    let mut stage = Stage::new(None);
    let driver = trying(&mut stage, Retry::Attempts(5));
    stage.must(cancel());
    stage.end(&driver, "m1", 143).expect("heard");
    assert_eq!((stage.state_of("r1"), stage.run("r1").attempts.len()), (Cancelled, 1));
}

#[test]
fn between_two_attempts_it_is_cancelled_when_the_last_worker_has_ended() {
    let mut stage = Stage::new(None);
    let driver = trying(&mut stage, Retry::Attempts(2));
    stage.report(&driver, "m1", &["u1"], 1);
    stage.hello(&executor(1, "u1"), "m2").expect("heard");
    stage.end(&driver, "m1", 1).expect("heard");
    stage.must(cancel());
    assert_eq!(stage.state_of("r1"), Cancelling);
    stage.end(&executor(1, "u1"), "m2", 0).expect("heard");
    assert_eq!((stage.state_of("r1"), stage.run("r1").attempts.len()), (Cancelled, 1));
    assert_eq!(stage.run("r1").attempt_number(), 2, "the attempt that was to come");
}

#[test]
fn its_time_goes_on_between_attempts() {
    let mut stage = Stage::new(None);
    let mut new = run("r1");
    new.retry = Retry::Attempts(10);
    stage.must(start(new));
    stage.tick();
    stage.tick();
    let driver = stage.begin("r1", 1);
    stage.end(&driver, "m1", 1).expect("heard");
    stage.grants(0, 0);
    stage.tick_after(59 * MINUTE);
    assert_eq!(stage.state_of("r1"), Pending);
    stage.tick_after(2 * MINUTE);
    assert_eq!(stage.state_of("r1"), Cancelled);
}

#[test]
fn a_host_that_stops_fails_the_run_and_its_retries() {
    let mut stage = Stage::new(None);
    let driver = trying(&mut stage, Retry::Attempts(5));
    stage.must(Command::Abandon { host: HostId::new("host"), details: "stopped".to_owned() });
    stage.end(&driver, "m1", 143).expect("heard");
    assert_eq!(stage.state_of("r1"), Failed);
}

#[test]
fn a_streaming_run_is_tried_until_it_fails_too_often_within_an_hour() {
    let mut stage = Stage::new(None);
    trying(&mut stage, Retry::FailuresPerHour(3));
    for attempt in 1..=20 {
        stage.now = stage.now.plus(HOUR / 2);
        assert_eq!(fail_and_begin(&mut stage, attempt, 1), Running, "attempt {attempt}");
    }
    stage.now = stage.now.plus(MINUTE);
    assert_eq!(fail_and_begin(&mut stage, 21, 1), Failed);
    let text = &stage.run("r1").state_details;
    assert!(text.starts_with("3 attempts failed within an hour. Job failed"), "{text}");
}

#[test]
fn one_failure_an_hour_is_no_retry() {
    let mut stage = Stage::new(None);
    trying(&mut stage, Retry::FailuresPerHour(1));
    assert_eq!(fail_and_begin(&mut stage, 1, 1), Failed);
    assert!(stage.run("r1").state_details.starts_with("Job failed, please"));
}

#[test]
fn a_runner_of_an_earlier_attempt_that_lingers_is_killed() {
    let mut stage = Stage::new(None);
    let first = trying(&mut stage, Retry::Attempts(2));
    assert_eq!(fail_and_begin(&mut stage, 1, 1), Running);
    let second = WorkerId::driver(&JobRunId::new("r1"), 2);
    let seen = [(&first, Seen::Alive), (&second, Seen::Alive)];
    assert_eq!(stage.plan(&seen).effects, []);
    stage.tick_after(11_000);
    assert_eq!(stage.plan(&seen).effects, [Effect::Kill(first.clone())]);
    assert_eq!(stage.plan(&[(&first, Seen::Gone), (&second, Seen::Alive)]).effects, [Effect::Forget(first)]);
}

#[test]
fn a_run_stored_before_there_were_retries_is_tried_once() {
    let mut stored = serde_json::to_value(run("r1")).expect("JSON");
    stored.as_object_mut().expect("an object").remove("retry");
    let read: firesteel_core::job_run::NewRun = serde_json::from_value(stored).expect("read");
    assert_eq!((read.retry, read.retry.names_attempts()), (Retry::Attempts(1), false));
}

#[test]
fn a_lost_host_is_given_up_at_once_unless_another_attempt_would_follow() {
    for (retry, waits) in [(Retry::Attempts(1), false), (Retry::Attempts(2), true)] {
        let mut stage = Stage::new(None);
        let driver = trying(&mut stage, retry);
        let until = stage.now.plus(HOUR);
        stage.must(Command::Credentials { worker: driver.clone(), until });
        let (home, given_up) = (stage.room.host.clone(), Effect::GiveUp(driver));
        stage.room.host = HostId::new("other");
        assert!(!stage.plan(&[]).effects.contains(&given_up), "nobody says that the host is lost");
        stage.lost.insert(home);
        let plan = stage.plan(&[]);
        assert_eq!(plan.effects.contains(&given_up), !waits);
        let over = until.plus(MINUTE);
        assert_eq!(plan.wake_at == Some(over), waits, "{:?}", plan.wake_at);
        stage.now = over;
        assert!(stage.plan(&[]).effects.contains(&given_up));
    }
}

#[test]
fn nobody_waits_for_credentials_when_no_attempt_follows() {
    // Cancelled; at its last attempt.
    for (retry, cancelled, waits) in [
        (Retry::FailuresPerHour(5), false, true),
        (Retry::FailuresPerHour(5), true, false),
        (Retry::Attempts(2), false, true),
        (Retry::Attempts(2), true, false),
    ] {
        let mut stage = Stage::new(None);
        let driver = trying(&mut stage, retry);
        let until = stage.now.plus(HOUR);
        stage.must(Command::Credentials { worker: driver.clone(), until });
        if cancelled {
            stage.must(cancel());
        }
        stage.lost.insert(stage.room.host.clone());
        stage.room.host = HostId::new("other");
        let given_up = stage.plan(&[]).effects.contains(&Effect::GiveUp(driver.clone()));
        assert_eq!(given_up, !waits, "{retry:?} {cancelled}");
        let exit = exit(stage.now, 1010);
        stage.must(Command::GiveUp { worker: driver, exit });
        let expected = if cancelled { Cancelled } else { Running };
        assert_eq!(stage.state_of("r1"), expected, "{retry:?}");
    }
    let mut stage = Stage::new(None);
    trying(&mut stage, Retry::Attempts(2));
    assert_eq!(fail_and_begin(&mut stage, 1, 3), Running);
    let second = WorkerId::driver(&JobRunId::new("r1"), 2);
    stage.must(Command::Credentials { worker: second.clone(), until: stage.now.plus(HOUR) });
    stage.must(Command::GiveUp { worker: second, exit: exit(stage.now, 1010) });
    assert_eq!(stage.state_of("r1"), Failed, "it was the last attempt");
}

#[test]
fn a_driver_that_has_come_back_is_not_given_up() {
    let mut stage = Stage::new(None);
    let driver = trying(&mut stage, Retry::Attempts(2));
    let first = stage.now.plus(HOUR);
    stage.must(Command::Credentials { worker: driver.clone(), until: first });
    stage.now = first.plus(MINUTE);
    let give_up = Command::GiveUp { worker: driver.clone(), exit: exit(stage.now, 1010) };
    let again = stage.now.plus(HOUR);
    stage.must(Command::Credentials { worker: driver.clone(), until: again });
    assert_eq!(stage.must(give_up.clone()), [], "decided on what was seen before it came back");
    // What was given first may be committed last.
    stage.must(Command::Credentials { worker: driver.clone(), until: first });
    stage.now = again.plus(MINUTE - 100);
    assert_eq!(stage.must(give_up.clone()), []);
    stage.now = again.plus(MINUTE);
    stage.must(give_up.clone());
    assert!(stage.app.workers.get(&driver).is_none_or(|worker| !worker.is_live()));
    assert_eq!(stage.must(give_up), [], "once is enough");
}
