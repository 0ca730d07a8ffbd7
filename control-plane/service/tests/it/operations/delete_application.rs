//! DeleteApplication.

use crate::world::{World, stories};
use firesteel_wire::Operation::{
    DeleteApplication, ListApplications, ListJobRuns, StartApplication, StopApplication, UpdateApplication,
};
use serde_json::json;

stories! {
    leaves_a_tombstone,
    is_refused_while_started,
    may_be_repeated,
    takes_nothing_afterwards,
    waits_for_settled_runs,
}

async fn leaves_a_tombstone(world: World) {
    let (gone, kept) = (world.application(json!({})).await, world.application(json!({})).await);
    assert_eq!(world.call(DeleteApplication, json!({ "applicationId": gone })).await.ok(), json!({}));
    for _ in 0..2 {
        assert_eq!(world.get(&gone).await["state"], "TERMINATED");
        let listed = world.call(ListApplications, json!({})).await.ok();
        assert_eq!(listed["applications"].as_array().map(Vec::len), Some(1));
        assert_eq!(listed["applications"][0]["id"], kept);
    }
}

async fn is_refused_while_started(world: World) {
    let id = world.application(json!({})).await;
    world.call(StartApplication, json!({ "applicationId": id })).await.ok();
    world.application_is(&id, "STARTED").await;
    let text = format!(
        "Application {id} must be in of the following statuses [CREATED, STOPPED]. Current status: STARTED"
    );
    let answer = world.call(DeleteApplication, json!({ "applicationId": id })).await;
    answer.refused(400, "ValidationException", &text);
    world.call(StopApplication, json!({ "applicationId": id })).await.ok();
    world.application_is(&id, "STOPPED").await;
    world.call(DeleteApplication, json!({ "applicationId": id })).await.ok();
}

async fn may_be_repeated(mut world: World) {
    let id = world.application(json!({})).await;
    for _ in 0..3 {
        assert_eq!(world.call(DeleteApplication, json!({ "applicationId": id })).await.ok(), json!({}));
    }
    world.restart().await;
    world.call(DeleteApplication, json!({ "applicationId": id })).await.ok();
    let text = "Application 00nobody does not exist";
    let answer = world.call(DeleteApplication, json!({ "applicationId": "00nobody" })).await;
    answer.refused(404, "ResourceNotFoundException", text);
}

/// It is still shown, so its owner is told its state.
async fn takes_nothing_afterwards(world: World) {
    let id = world.application(json!({})).await;
    world.call(DeleteApplication, json!({ "applicationId": id })).await.ok();
    let text = format!(
        "Application {id} must be STARTED to accept job runs, or CREATED or STOPPED with autoStartConfiguration enabled. \
         Current status: TERMINATED"
    );
    world.start_run(&id, json!({})).await.refused(400, "ValidationException", &text);
    let update =
        json!({ "applicationId": id, "clientToken": "t", "autoStartConfiguration": { "enabled": false } });
    for (operation, input, text) in [
        (StartApplication, json!({ "applicationId": id }), "Application cannot be STARTED."),
        (StopApplication, json!({ "applicationId": id }), "Application cannot be STOPPED."),
        (UpdateApplication, update, "to be updated: [STOPPED, CREATED]. Current status: TERMINATED"),
    ] {
        let (status, kind, message) = world.call(operation, input).await.error();
        assert_eq!((status, kind.as_str()), (400, "ValidationException"));
        assert!(message.contains(text), "{message}");
    }
}

async fn waits_for_settled_runs(world: World) {
    let id = world.application(json!({})).await;
    let run = world.whole_run(&id, json!({}), 0).await;
    world.run_is(&id, &run, "SUCCESS").await;
    world.call(StopApplication, json!({ "applicationId": id })).await.ok();
    world.application_is(&id, "STOPPED").await;
    world.call(DeleteApplication, json!({ "applicationId": id })).await.ok();
    assert_eq!(world.get_run(&id, &run).await["state"], "SUCCESS");
    let listed = world.call(ListJobRuns, json!({ "applicationId": id })).await.ok();
    assert_eq!(listed["jobRuns"][0]["id"], run);
}
