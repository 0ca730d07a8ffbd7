//! DeleteApplication.

use crate::world::{World, stories};
use firesteel_wire::Operation::{
    DeleteApplication, ListApplications, ListJobRuns, StartApplication, StartJobRun, StopApplication,
    UpdateApplication,
};
use serde_json::json;

stories! {
    leaves_a_tombstone,
    is_refused_while_started,
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

async fn takes_nothing_afterwards(world: World) {
    let id = world.application(json!({})).await;
    world.call(DeleteApplication, json!({ "applicationId": id })).await.ok();
    let text = format!("Application {id} does not exist");
    assert_eq!(world.start_run(&id, json!({})).await.error().2, text, "{StartJobRun}");
    let update =
        json!({ "applicationId": id, "clientToken": "t", "autoStartConfiguration": { "enabled": false } });
    for (operation, input) in [
        (StartApplication, json!({ "applicationId": id })),
        (StopApplication, json!({ "applicationId": id })),
        (UpdateApplication, update),
    ] {
        world.call(operation, input).await.refused(404, "ResourceNotFoundException", &text);
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
