//! Runs that the application's concurrency holds back.

use crate::world::{World, stories};
use firesteel_wire::Operation::{CancelJobRun, ListJobRuns, UpdateApplication};
use firesteel_wire::shapes::GetJobRunResponse;
use serde_json::{Value, json};
use std::time::Duration;

stories! {
    waits_in_the_queue_and_says_how_long,
    goes_at_once_when_the_limit_is_raised,
    is_cancelled_at_once,
    fails_when_the_queue_takes_too_long,
    keeps_the_application_started,
}

async fn one_at_once(world: &World, members: Value) -> String {
    let scheduler = json!({ "maxConcurrentRuns": 1, "queueTimeoutMinutes": 15 });
    world.application(crate::world::merged(json!({ "schedulerConfiguration": scheduler }), members)).await
}

async fn waits_in_the_queue_and_says_how_long(world: World) {
    let app = one_at_once(&world, json!({})).await;
    let first = world.run(&app, json!({})).await;
    let driver = world.driver().await;
    let second = world.run(&app, json!({})).await;
    let third = world.run(&app, json!({})).await;
    world.run_is(&app, &second, "QUEUED").await;
    let why = "The JobRun is queued behind 1 run: the application runs at most 1 at once.";
    let look = async || world.get_run(&app, &third).await;
    world.eventually("explained", look, |run| run["stateDetails"] == why).await;
    let queued = world.call(ListJobRuns, json!({ "applicationId": app, "states": ["QUEUED"] })).await.ok();
    assert_eq!(queued["jobRuns"].as_array().map(Vec::len), Some(2));
    tokio::time::sleep(Duration::from_secs(60)).await;
    driver.end(0).await;
    world.run_is(&app, &first, "SUCCESS").await;
    world.driver().await;
    let input = json!({ "applicationId": app, "jobRunId": second });
    let answer = world.call(firesteel_wire::Operation::GetJobRun, input).await;
    let run = answer.shape::<GetJobRunResponse>().job_run;
    assert_eq!(run.state.as_str(), "RUNNING");
    assert!(run.queued_duration_milliseconds.is_some_and(|waited| (60_000..62_000).contains(&waited)));
    assert_eq!(world.get_run(&app, &third).await["state"], "QUEUED");
    assert_eq!(world.get_run(&app, &third).await["queuedDurationMilliseconds"], Value::Null);
}

async fn goes_at_once_when_the_limit_is_raised(world: World) {
    let app = one_at_once(&world, json!({})).await;
    world.run(&app, json!({})).await;
    world.driver().await;
    let second = world.run(&app, json!({})).await;
    world.run_is(&app, &second, "QUEUED").await;
    let update = json!({
        "applicationId": app, "clientToken": world.token(),
        "schedulerConfiguration": { "maxConcurrentRuns": 2, "queueTimeoutMinutes": 15 },
    });
    world.call(UpdateApplication, update).await.ok();
    world.driver().await;
    assert_eq!(world.get_run(&app, &second).await["state"], "RUNNING");
}

async fn is_cancelled_at_once(world: World) {
    let app = one_at_once(&world, json!({})).await;
    world.run(&app, json!({})).await;
    world.driver().await;
    let second = world.run(&app, json!({})).await;
    world.run_is(&app, &second, "QUEUED").await;
    let cancel = json!({ "applicationId": app, "jobRunId": second, "shutdownGracePeriodInSeconds": 1800 });
    world.call(CancelJobRun, cancel).await.ok();
    assert_eq!(world.get_run(&app, &second).await["state"], "CANCELLED");
}

async fn fails_when_the_queue_takes_too_long(world: World) {
    let app = one_at_once(&world, json!({})).await;
    world.run(&app, json!({})).await;
    world.driver().await;
    let second = world.run(&app, json!({})).await;
    tokio::time::sleep(Duration::from_secs(14 * 60)).await;
    assert_eq!(world.get_run(&app, &second).await["state"], "QUEUED");
    let failed = world.run_is(&app, &second, "FAILED").await;
    let text = "Job run failed as it was QUEUED for 15 minutes, the application's queue timeout.";
    assert_eq!(failed["stateDetails"], text);
    assert!(failed["queuedDurationMilliseconds"].as_i64().is_some_and(|waited| waited >= 15 * 60_000));
    assert_eq!(failed["totalResourceUtilization"]["vCPUHour"], json!(0.0));
}

async fn keeps_the_application_started(world: World) {
    let app = one_at_once(&world, json!({ "autoStopConfiguration": { "idleTimeoutMinutes": 1 } })).await;
    world.run(&app, json!({})).await;
    world.driver().await;
    world.run(&app, json!({})).await;
    tokio::time::sleep(Duration::from_secs(10 * 60)).await;
    assert_eq!(world.get(&app).await["state"], "STARTED");
}
