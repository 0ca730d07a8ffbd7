//! StopApplication.

use crate::world::{World, stories};
use firesteel_wire::Operation::{CancelJobRun, DeleteApplication, StartApplication, StopApplication};
use serde_json::json;

stories! {
    stops_what_is_started,
    stops_what_was_never_started,
    is_refused_when_it_is_stopped,
    is_refused_with_active_runs,
    cancels_queued_runs,
}

const OTHER_STATE: &str = "Application cannot be STOPPED. Applications must be in one of the following statuses: [STARTING, STARTED]";

async fn stops_what_is_started(world: World) {
    let id = world.application(json!({})).await;
    world.call(StartApplication, json!({ "applicationId": id })).await.ok();
    assert_eq!(world.call(StopApplication, json!({ "applicationId": id })).await.ok(), json!({}));
    let state = world.get(&id).await["state"].clone();
    assert!(state == "STOPPING" || state == "STOPPED", "{state}");
    world.application_is(&id, "STOPPED").await;
    world.call(StartApplication, json!({ "applicationId": id })).await.ok();
    world.application_is(&id, "STARTED").await;
}

/// Orchestrators stop an application before they delete it, and wait for STOPPED, whether it was ever started or not.
async fn stops_what_was_never_started(world: World) {
    let id = world.application(json!({})).await;
    world.call(StopApplication, json!({ "applicationId": id })).await.ok();
    world.application_is(&id, "STOPPED").await;
    world.call(DeleteApplication, json!({ "applicationId": id })).await.ok();
    assert_eq!(world.get(&id).await["state"], "TERMINATED");
}

async fn is_refused_when_it_is_stopped(world: World) {
    let id = world.application(json!({})).await;
    let stop = async || world.call(StopApplication, json!({ "applicationId": id })).await;
    stop().await.ok();
    world.application_is(&id, "STOPPED").await;
    stop().await.refused(400, "ValidationException", OTHER_STATE);
    world.call(DeleteApplication, json!({ "applicationId": id })).await.ok();
    stop().await.refused(400, "ValidationException", OTHER_STATE);
}

/// A forced stop cancels what it lists before it stops, and QUEUED runs are not on its list.
async fn cancels_queued_runs(world: World) {
    let id = world.application(json!({ "schedulerConfiguration": { "maxConcurrentRuns": 1 } })).await;
    let first = world.run(&id, json!({})).await;
    let driver = world.driver().await;
    let second = world.run(&id, json!({})).await;
    world.run_is(&id, &second, "QUEUED").await;
    let stop = async || world.call(StopApplication, json!({ "applicationId": id })).await;
    assert_eq!(stop().await.kind(), (400, "ValidationException".to_owned()));
    assert_eq!(world.get_run(&id, &second).await["state"], "QUEUED");
    // Whether it is QUEUED still or its turn has just come.
    world.runtimes.stand(firesteel_core::command::Runtime::Preparing(String::new()));
    world.call(CancelJobRun, json!({ "applicationId": id, "jobRunId": first })).await.ok();
    driver.end(143).await;
    world.run_is(&id, &first, "CANCELLED").await;
    stop().await.ok();
    world.application_is(&id, "STOPPED").await;
    assert_eq!(world.get_run(&id, &second).await["state"], "CANCELLED");
}

async fn is_refused_with_active_runs(world: World) {
    let id = world.application(json!({})).await;
    let runs = [world.run(&id, json!({})).await, world.run(&id, json!({})).await];
    let stop = async || world.call(StopApplication, json!({ "applicationId": id })).await;
    let text = |runs| {
        format!(
            "Application {id} cannot be STOPPED while {runs} job runs are active. Cancel them, or wait for them to finish."
        )
    };
    stop().await.refused(400, "ValidationException", &text(2));
    world.runners(2).await;
    for run in &runs {
        world.call(CancelJobRun, json!({ "applicationId": id, "jobRunId": run })).await.ok();
        world.run_is(&id, run, "CANCELLED").await;
    }
    stop().await.ok();
    world.application_is(&id, "STOPPED").await;
}
