//! UpdateApplication.

use crate::world::{Answer, World, merged, stories};
use firesteel_wire::Operation::{StartApplication, StopApplication, UpdateApplication};
use firesteel_wire::shapes::UpdateApplicationResponse;
use serde_json::{Value, json};

stories! {
    changes_what_is_given_and_nothing_else,
    changes_little_while_started,
    takes_the_same_again_while_started,
    removes_by_empty_structures,
    fills_in_the_scheduler,
    gives_back_the_minutes_of_an_auto_stop_that_is_off,
    changes_the_architecture,
    refuses_an_unknown_label,
}

const WHILE_STARTED: &str = "Only the following configurations can be updated when an application is in STARTED state: \
    schedulerConfiguration.maxConcurrentRuns, extendedSupportConfiguration, imageConfiguration, \
    workerTypeSpecifications.imageConfiguration, maximumCapacity.";

async fn update(world: &World, id: &str, members: Value) -> Answer {
    let usual = json!({ "applicationId": id, "clientToken": world.token() });
    world.call(UpdateApplication, merged(usual, members)).await
}

async fn changes_what_is_given_and_nothing_else(world: World) {
    let id = world.application(json!({ "name": "etl", "tags": { "a": "b" } })).await;
    let before = world.get(&id).await;
    let answer = update(&world, &id, json!({ "autoStopConfiguration": { "enabled": false } })).await;
    answer.shape::<UpdateApplicationResponse>();
    let after = world.get(&id).await;
    assert_eq!(answer.ok()["application"], after);
    assert_eq!(after["autoStopConfiguration"], json!({ "enabled": false, "idleTimeoutMinutes": 15 }));
    let unchanged =
        |app: &Value| merged(app.clone(), json!({ "autoStopConfiguration": null, "updatedAt": null }));
    assert_eq!(unchanged(&after), unchanged(&before));
    update(&world, &id, json!({ "releaseLabel": "emr-7.12.0" })).await.ok();
    assert_eq!(world.get(&id).await["releaseLabel"], "emr-7.12.0");
    update(&world, &id, json!({ "autoStopConfiguration": { "idleTimeoutMinutes": 7 } })).await.ok();
    assert_eq!(
        world.get(&id).await["autoStopConfiguration"],
        json!({ "enabled": true, "idleTimeoutMinutes": 7 })
    );
}

async fn changes_little_while_started(world: World) {
    let id = world.application(json!({})).await;
    world.call(StartApplication, json!({ "applicationId": id })).await.ok();
    world.application_is(&id, "STARTED").await;
    for fixed in [
        json!({ "autoStartConfiguration": { "enabled": false } }),
        json!({ "autoStopConfiguration": { "enabled": false } }),
        json!({ "releaseLabel": "emr-7.12.0" }),
        json!({ "schedulerConfiguration": { "queueTimeoutMinutes": 100 } }),
        json!({ "architecture": "ARM64" }),
        json!({ "monitoringConfiguration": { "s3MonitoringConfiguration": { "logUri": "s3://b/l/" } } }),
    ] {
        update(&world, &id, fixed).await.refused(400, "ValidationException", WHILE_STARTED);
    }
    update(&world, &id, json!({ "maximumCapacity": { "cpu": "8 vCPU", "memory": "32 GB" } })).await.ok();
    update(&world, &id, json!({ "schedulerConfiguration": { "maxConcurrentRuns": 7 } })).await.ok();
    let found = world.get(&id).await;
    assert_eq!(found["maximumCapacity"], json!({ "cpu": "8 vCPU", "memory": "32 GB" }));
    assert_eq!(found["schedulerConfiguration"]["maxConcurrentRuns"], 7);
    world.call(StopApplication, json!({ "applicationId": id })).await.ok();
    world.application_is(&id, "STOPPED").await;
    update(&world, &id, json!({ "autoStartConfiguration": { "enabled": false } })).await.ok();
    assert_eq!(world.get(&id).await["autoStartConfiguration"], json!({ "enabled": false }));
}

/// Terraform sends every member again whatever it changes.
async fn takes_the_same_again_while_started(world: World) {
    let id = world.application(json!({})).await;
    world.call(StartApplication, json!({ "applicationId": id })).await.ok();
    world.application_is(&id, "STARTED").await;
    let same = json!({
        "releaseLabel": "emr-7.13.0",
        "architecture": "X86_64",
        "autoStartConfiguration": { "enabled": true },
        "autoStopConfiguration": { "enabled": true, "idleTimeoutMinutes": 15 },
        "maximumCapacity": { "cpu": "8 vCPU", "memory": "32 GB" },
    });
    update(&world, &id, same).await.ok();
    assert_eq!(world.get(&id).await["maximumCapacity"]["cpu"], "8 vCPU");
}

async fn removes_by_empty_structures(world: World) {
    let key = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let id = world.application(json!({ "diskEncryptionConfiguration": { "encryptionKeyArn": key } })).await;
    assert_eq!(world.get(&id).await["diskEncryptionConfiguration"], json!({ "encryptionKeyArn": key }));
    update(&world, &id, json!({ "diskEncryptionConfiguration": {} })).await.ok();
    assert_eq!(world.get(&id).await["diskEncryptionConfiguration"], Value::Null);
    update(&world, &id, json!({ "interactiveConfiguration": { "studioEnabled": true } })).await.ok();
    update(&world, &id, json!({ "interactiveConfiguration": { "livyEndpointEnabled": true } })).await.ok();
    assert_eq!(
        world.get(&id).await["interactiveConfiguration"],
        json!({ "studioEnabled": false, "livyEndpointEnabled": true, "sessionEnabled": false })
    );
}

async fn fills_in_the_scheduler(world: World) {
    let id = world.application(json!({ "schedulerConfiguration": { "maxConcurrentRuns": 3 } })).await;
    let scheduler = async || world.get(&id).await["schedulerConfiguration"].clone();
    assert_eq!(scheduler().await, json!({ "maxConcurrentRuns": 3, "queueTimeoutMinutes": 360 }));
    update(&world, &id, json!({ "autoStartConfiguration": { "enabled": false } })).await.ok();
    assert_eq!(scheduler().await, json!({ "maxConcurrentRuns": 3, "queueTimeoutMinutes": 360 }));
    update(&world, &id, json!({ "schedulerConfiguration": {} })).await.ok();
    assert_eq!(scheduler().await, Value::Null, "as on a release that has none");
}

/// Terraform sends the minutes with `enabled = false` as well, and plans a change as long as it does not read them back.
async fn gives_back_the_minutes_of_an_auto_stop_that_is_off(world: World) {
    let id = world.application(json!({})).await;
    for (sent, shown) in [
        (
            json!({ "enabled": false, "idleTimeoutMinutes": 20 }),
            json!({ "enabled": false, "idleTimeoutMinutes": 20 }),
        ),
        (json!({ "enabled": false }), json!({ "enabled": false, "idleTimeoutMinutes": 15 })),
        (json!({ "idleTimeoutMinutes": 30 }), json!({ "enabled": true, "idleTimeoutMinutes": 30 })),
    ] {
        update(&world, &id, json!({ "autoStopConfiguration": sent })).await.ok();
        assert_eq!(world.get(&id).await["autoStopConfiguration"], shown);
        let new = world.application(json!({ "autoStopConfiguration": sent })).await;
        assert_eq!(world.get(&new).await["autoStopConfiguration"], shown);
    }
}

async fn changes_the_architecture(world: World) {
    let id = world.application(json!({ "architecture": "ARM64" })).await;
    assert_eq!(world.get(&id).await["architecture"], "ARM64");
    update(&world, &id, json!({ "architecture": "X86_64" })).await.ok();
    assert_eq!(world.get(&id).await["architecture"], "X86_64");
    let listed = world.call(firesteel_wire::Operation::ListApplications, json!({})).await.ok();
    assert_eq!(listed["applications"][0]["architecture"], "X86_64");
}

async fn refuses_an_unknown_label(world: World) {
    let id = world.application(json!({})).await;
    let text = "Type 'SPARK' is not supported for release label 'emr-0.1' or release label does not exist";
    update(&world, &id, json!({ "releaseLabel": "emr-0.1" })).await.refused(400, "ValidationException", text);
}
