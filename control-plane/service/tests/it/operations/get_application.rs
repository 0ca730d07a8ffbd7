//! GetApplication.

use crate::world::{World, stories};
use firesteel_wire::Operation::{DeleteApplication, GetApplication};
use firesteel_wire::shapes::GetApplicationResponse;
use serde_json::json;

stories! { shows_what_was_created, knows_no_other, shows_a_deleted_one_after_a_restart }

async fn shows_what_was_created(world: World) {
    let id = world.application(json!({ "name": "etl" })).await;
    let answer = world.call(GetApplication, json!({ "applicationId": id })).await;
    let found = answer.shape::<GetApplicationResponse>().application;
    assert_eq!((found.application_id, found.name), (id, Some("etl".to_owned())));
    assert!(found.created_at.0 >= 1_767_323_045_000 && found.updated_at >= found.created_at);
}

async fn knows_no_other(world: World) {
    let answer = world.call(GetApplication, json!({ "applicationId": "00nobody" })).await;
    answer.refused(404, "ResourceNotFoundException", "Application 00nobody does not exist");
    let answer = world.call(GetApplication, json!({ "applicationId": "NOT-AN-ID" })).await;
    assert_eq!(answer.kind(), (400, "ValidationException".to_owned()));
}

async fn shows_a_deleted_one_after_a_restart(mut world: World) {
    let id = world.application(json!({})).await;
    world.call(DeleteApplication, json!({ "applicationId": id })).await.ok();
    world.restart().await;
    let answer = world.call(GetApplication, json!({ "applicationId": id })).await;
    answer.shape::<GetApplicationResponse>();
    assert_eq!(answer.ok()["application"]["state"], "TERMINATED");
}
