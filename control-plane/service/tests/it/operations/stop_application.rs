//! StopApplication.

use crate::world::{World, stories};
use firesteel_wire::Operation::{CancelJobRun, StartApplication, StopApplication};
use serde_json::json;

stories! { stops_what_is_started, is_refused_in_other_states, is_refused_with_active_runs }

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

async fn is_refused_in_other_states(world: World) {
    let id = world.application(json!({})).await;
    let stop = async || world.call(StopApplication, json!({ "applicationId": id })).await;
    stop().await.refused(400, "ValidationException", OTHER_STATE);
    world.call(StartApplication, json!({ "applicationId": id })).await.ok();
    stop().await.ok();
    world.application_is(&id, "STOPPED").await;
    stop().await.refused(400, "ValidationException", OTHER_STATE);
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
