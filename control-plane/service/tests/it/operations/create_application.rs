//! CreateApplication.

use crate::world::{RELEASE, World, stories};
use firesteel_wire::Operation::{CreateApplication, GetApplication};
use firesteel_wire::shapes::{CreateApplicationResponse, GetApplicationResponse};
use serde_json::{Value, json};

stories! {
    answers_with_id_and_arn,
    is_created_before_it_is_anything_else,
    takes_a_run_at_once,
    takes_any_case_of_spark,
    refuses_what_it_cannot_be,
    normalises_sizes,
    shows_defaults,
    gives_one_application_for_one_token,
    remembers_its_tokens_over_a_restart,
}

fn spark(token: &str) -> Value {
    json!({ "releaseLabel": RELEASE, "type": "SPARK", "clientToken": token, "name": "etl" })
}

async fn answers_with_id_and_arn(world: World) {
    let answer = world.call(CreateApplication, spark("t1")).await;
    let made: CreateApplicationResponse = answer.shape();
    let id = &made.application_id;
    assert_eq!(made.arn, format!("arn:aws:emr-serverless:us-east-1:000000000000:/applications/{id}"));
    assert_eq!(made.name.as_deref(), Some("etl"));
    assert!(id.len() == 16 && id.starts_with("00"), "{id}");
}

async fn is_created_before_it_is_anything_else(world: World) {
    let id = world.application(json!({ "name": "etl" })).await;
    let found = world.get(&id).await;
    assert_eq!(found["state"], "CREATED");
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(world.get(&id).await["state"], "CREATED");
}

async fn takes_a_run_at_once(world: World) {
    let id = world.application(json!({})).await;
    assert_eq!(world.start_run(&id, json!({})).await.status, 200);
    let other = world.application(json!({})).await;
    let started =
        world.call(firesteel_wire::Operation::StartApplication, json!({ "applicationId": other })).await;
    assert_eq!(started.ok(), json!({}));
}

async fn takes_any_case_of_spark(world: World) {
    for kind in ["SPARK", "Spark", "spark"] {
        let id = world.application(json!({ "type": kind })).await;
        assert_eq!(world.get(&id).await["type"], "Spark");
    }
}

async fn refuses_what_it_cannot_be(world: World) {
    let table = [
        (json!({ "type": "FLINK" }), "Unsupported engine FLINK"),
        (
            json!({ "type": "HIVE" }),
            "Type 'HIVE' is not supported for release label 'emr-7.13.0' or release label does not exist",
        ),
        (
            json!({ "releaseLabel": "emr-1.2.3" }),
            "Type 'SPARK' is not supported for release label 'emr-1.2.3' or release label does not exist",
        ),
    ];
    for (change, text) in table {
        let answer = world.call(CreateApplication, crate::world::merged(spark("t"), change)).await;
        answer.refused(400, "ValidationException", text);
    }
    for missing in ["type", "releaseLabel", "clientToken"] {
        let answer =
            world.call(CreateApplication, crate::world::merged(spark("t"), json!({ missing: null }))).await;
        assert_eq!(answer.kind(), (400, "ValidationException".to_owned()), "{missing}");
    }
    let list = world.call(firesteel_wire::Operation::ListApplications, json!({})).await;
    assert_eq!(list.ok(), json!({ "applications": [] }));
}

async fn normalises_sizes(world: World) {
    let id = world
        .application(json!({
            "maximumCapacity": { "cpu": "16vcpu", "memory": "64", "disk": "200gb" },
            "initialCapacity": { "DRIVER": {
                "workerCount": 1,
                "workerConfiguration": { "cpu": "2vCPU", "memory": "4GB", "disk": "20GB" },
            } },
        }))
        .await;
    let found = world.get(&id).await;
    assert_eq!(found["maximumCapacity"], json!({ "cpu": "16 vCPU", "memory": "64 GB", "disk": "200 GB" }));
    let worker = &found["initialCapacity"]["DRIVER"]["workerConfiguration"];
    assert_eq!(*worker, json!({ "cpu": "2 vCPU", "memory": "4 GB", "disk": "20 GB" }));
}

async fn shows_defaults(world: World) {
    let id = world.application(json!({ "tags": { "team": "a" } })).await;
    let answer = world.call(GetApplication, json!({ "applicationId": id })).await;
    answer.shape::<GetApplicationResponse>();
    let found = answer.ok()["application"].clone();
    assert_eq!(found["autoStartConfiguration"], json!({ "enabled": true }));
    assert_eq!(found["autoStopConfiguration"], json!({ "enabled": true, "idleTimeoutMinutes": 15 }));
    assert_eq!(
        found["schedulerConfiguration"],
        json!({ "maxConcurrentRuns": 15, "queueTimeoutMinutes": 360 })
    );
    assert_eq!(found["architecture"], "X86_64");
    assert_eq!(found["tags"], json!({ "team": "a" }));
    assert_eq!(found["name"], Value::Null);
    assert_eq!(found["maximumCapacity"], Value::Null);
}

async fn gives_one_application_for_one_token(world: World) {
    let (first, second) =
        tokio::join!(world.call(CreateApplication, spark("t")), world.call(CreateApplication, spark("t")));
    assert_eq!(first.ok(), second.ok());
    assert_eq!(world.call(CreateApplication, spark("t")).await.ok(), first.ok());
    let other = crate::world::merged(spark("t"), json!({ "name": "other" }));
    assert_eq!(world.call(CreateApplication, other).await.kind(), (409, "ConflictException".to_owned()));
}

async fn remembers_its_tokens_over_a_restart(mut world: World) {
    let first = world.call(CreateApplication, spark("t")).await.ok();
    world.restart().await;
    assert_eq!(world.call(CreateApplication, spark("t")).await.ok(), first);
    let other = crate::world::merged(spark("t"), json!({ "name": "other" }));
    assert_eq!(world.call(CreateApplication, other).await.status, 409);
}
