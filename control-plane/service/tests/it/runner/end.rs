//! End.

use crate::world::{World, stories};
use firesteel_core::exit::ExitCode;
use firesteel_core::id::Mark;
use firesteel_core::time::Millis;
use firesteel_protocol::{End, Ended, transport};
use serde_json::json;

stories! {
    is_acknowledged_as_often_as_it_is_said,
    counts_only_from_that_process_and_attempt,
    says_when_logs_are_incomplete,
    takes_hostile_numbers,
}

async fn is_acknowledged_as_often_as_it_is_said(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let driver = world.driver().await;
    let (fence, exit) = (driver.common.fence, driver.exit(0));
    assert_eq!(driver.say_end(fence, exit.clone()).await, Ended::Acknowledged);
    world.run_is(&app, &run, "SUCCESS").await;
    let again = driver.say_end(fence, exit).await;
    assert!(matches!(again, Ended::Acknowledged | Ended::Stale), "the runner may go");
    world.archived(&run).await;
    assert_eq!(world.get_run(&app, &run).await["state"], "SUCCESS");
}

async fn counts_only_from_that_process_and_attempt(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let driver = world.driver().await;
    let fence = driver.common.fence;
    assert_eq!(driver.say_end(fence + 1, driver.exit(0)).await, Ended::Stale);
    let end = End {
        worker: driver.runner.order.worker.clone(),
        mark: Mark::new("another process"),
        fence,
        exit: driver.exit(0),
    };
    let answer = world.call_desk(transport::END, &driver.runner.order.token, &end).await;
    assert_eq!(answer.ok(), json!("stale"));
    assert_eq!(world.get_run(&app, &run).await["state"], "RUNNING");
    driver.end(0).await;
    world.run_is(&app, &run, "SUCCESS").await;
}

async fn says_when_logs_are_incomplete(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let driver = world.driver().await;
    let mut exit = driver.exit(0);
    exit.logs_complete = false;
    driver.say_end(driver.common.fence, exit).await;
    let ended = world.run_is(&app, &run, "SUCCESS").await;
    assert_eq!(ended["stateDetails"], "The logs are incomplete: see the end of the log.");
}

async fn takes_hostile_numbers(world: World) {
    let app = world.application(json!({})).await;
    for (code, at) in [(i32::MIN, i64::MIN), (i32::MAX, i64::MAX), (-1, 0)] {
        let run = world.run(&app, json!({})).await;
        let driver = world.driver().await;
        let mut exit = driver.exit(1);
        (exit.code, exit.started, exit.ended) = (ExitCode(code), Some(Millis(at)), Millis(at));
        exit.summary = "\u{0}é\n".repeat(10_000);
        assert_eq!(driver.say_end(driver.common.fence, exit).await, Ended::Acknowledged);
        let failed = world.run_is(&app, &run, "FAILED").await;
        assert!(failed["stateDetails"].as_str().expect("text").chars().count() <= 256);
        assert!(failed["totalExecutionDurationSeconds"].as_i64().expect("seconds") >= 0);
    }
}
