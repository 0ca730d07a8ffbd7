//! CancelJobRun.

use crate::world::{Driver, World, stories};
use firesteel_wire::Operation::{CancelJobRun, ListJobRuns};
use firesteel_wire::shapes::CancelJobRunResponse;
use serde_json::{Value, json};
use std::time::Duration;

stories! {
    cancels_a_waiting_run_at_once,
    stops_a_running_driver,
    gives_a_grace,
    gives_streaming_runs_a_grace_of_its_own,
    refuses_other_graces,
    leaves_an_ended_run_as_it_is,
    ends_a_run_whose_time_is_over,
}

async fn cancel(world: &World, app: &str, run: &str, grace: Value) -> crate::world::Answer {
    let mut input = json!({ "applicationId": app, "jobRunId": run });
    if !grace.is_null() {
        input["shutdownGracePeriodInSeconds"] = grace;
    }
    world.call(CancelJobRun, input).await
}

/// The driver hears of the stop, ends, and exits.
async fn obeys(mut driver: Driver<'_>) -> firesteel_protocol::StopOrder {
    let order = driver.exchange(Duration::from_secs(20)).await.stop.expect("an order to stop");
    let code = firesteel_core::exit::ExitCode::STOPPED.0;
    driver.end(code).await;
    order
}

async fn cancels_a_waiting_run_at_once(world: World) {
    world.runtimes.stand(firesteel_core::command::Runtime::Preparing(String::new()));
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let answer: CancelJobRunResponse = cancel(&world, &app, &run, Value::Null).await.shape();
    assert_eq!((answer.application_id, answer.job_run_id), (app.clone(), run.clone()));
    assert_eq!(world.get_run(&app, &run).await["state"], "CANCELLED");
}

async fn stops_a_running_driver(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let driver = world.driver().await;
    cancel(&world, &app, &run, Value::Null).await.ok();
    assert_eq!(world.get_run(&app, &run).await["state"], "CANCELLING");
    cancel(&world, &app, &run, json!(60)).await.ok();
    let order = obeys(driver).await;
    assert_eq!(order.grace_ms, 0, "the first cancel counts");
    assert_eq!(world.run_is(&app, &run, "CANCELLED").await["stateDetails"], "");
}

async fn gives_a_grace(world: World) {
    let app = world.application(json!({})).await;
    for grace in [0, 15, 1800] {
        let run = world.run(&app, json!({})).await;
        let driver = world.driver().await;
        cancel(&world, &app, &run, json!(grace)).await.ok();
        assert_eq!(obeys(driver).await.grace_ms, grace * 1000);
        world.run_is(&app, &run, "CANCELLED").await;
    }
}

async fn gives_streaming_runs_a_grace_of_its_own(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({ "mode": "STREAMING" })).await;
    let driver = world.driver().await;
    cancel(&world, &app, &run, Value::Null).await.ok();
    assert_eq!(obeys(driver).await.grace_ms, 120_000);
    world.run_is(&app, &run, "CANCELLED").await;
}

async fn refuses_other_graces(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    for grace in [-1, 1, 14, 1801, i64::MAX, i64::MIN] {
        let (status, kind) = cancel(&world, &app, &run, json!(grace)).await.kind();
        // Beyond the model's 32 bits it is no integer at all.
        let expected =
            if i32::try_from(grace).is_ok() { "ValidationException" } else { "SerializationException" };
        assert_eq!((status, kind.as_str()), (400, expected), "{grace}");
    }
    assert_ne!(world.get_run(&app, &run).await["state"], "CANCELLING");
    let text = "JobRun 00nobody does not exist";
    cancel(&world, &app, "00nobody", Value::Null).await.refused(404, "ResourceNotFoundException", text);
}

async fn leaves_an_ended_run_as_it_is(world: World) {
    let app = world.application(json!({})).await;
    let run = world.whole_run(&app, json!({}), 0).await;
    world.run_is(&app, &run, "SUCCESS").await;
    cancel(&world, &app, &run, Value::Null).await.ok();
    world.archived(&run).await;
    cancel(&world, &app, &run, json!(15)).await.ok();
    assert_eq!(world.get_run(&app, &run).await["state"], "SUCCESS");
}

async fn ends_a_run_whose_time_is_over(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({ "executionTimeoutMinutes": 5 })).await;
    let mut driver = world.driver().await;
    for _ in 0..14 {
        assert_eq!(driver.exchange(Duration::from_secs(20)).await.stop, None);
    }
    let order = driver.exchange(Duration::from_secs(25)).await.stop.expect("an order to stop");
    assert_eq!(order.reason, "the job run's time is over");
    let listed =
        world.call(ListJobRuns, json!({ "applicationId": app, "states": ["CANCELLING"] })).await.ok();
    assert_eq!(listed["jobRuns"][0]["id"], run);
    driver.end(firesteel_core::exit::ExitCode::STOPPED.0).await;
    let ended = world.run_is(&app, &run, "CANCELLED").await;
    assert_eq!(ended["stateDetails"], "Job run was cancelled as its execution timeout is over.");
}
