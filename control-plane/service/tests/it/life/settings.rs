//! Settings of an application: limits, releases, nested updates.

use crate::world::{Answer, World, merged, stories};
use firesteel_wire::Operation::{CreateApplication, StartApplication, TagResource, UpdateApplication};
use serde_json::{Value, json};

stories! {
    bounds_the_scheduler,
    has_a_scheduler_from_its_release_on,
    writes_kind_and_sizes_its_own_way,
    refuses_hive,
    bounds_tags,
    takes_everything_again_while_started,
    gives_back_what_it_does_not_act_on,
    changes_its_image_while_started,
}

async fn create(world: &World, members: Value) -> Answer {
    let usual = json!({ "releaseLabel": "emr-7.13.0", "type": "SPARK", "clientToken": world.token() });
    world.call(CreateApplication, merged(usual, members)).await
}

async fn update(world: &World, id: &str, members: Value) -> Answer {
    let usual = json!({ "applicationId": id, "clientToken": world.token() });
    world.call(UpdateApplication, merged(usual, members)).await
}

async fn bounds_the_scheduler(world: World) {
    let runs = "schedulerConfiguration.maxConcurrentRuns must be between 1 and 1000.";
    let minutes = "schedulerConfiguration.queueTimeoutMinutes must be between 15 and 720.";
    for (given, text) in [
        (json!({ "maxConcurrentRuns": 0 }), runs),
        (json!({ "maxConcurrentRuns": 1001 }), runs),
        (json!({ "queueTimeoutMinutes": 14 }), minutes),
        (json!({ "queueTimeoutMinutes": 721 }), minutes),
    ] {
        let answer = create(&world, json!({ "schedulerConfiguration": given })).await;
        answer.refused(400, "ValidationException", text);
    }
    create(
        &world,
        json!({ "schedulerConfiguration": { "maxConcurrentRuns": 1000, "queueTimeoutMinutes": 720 } }),
    )
    .await
    .ok();
}

async fn has_a_scheduler_from_its_release_on(world: World) {
    let scheduler = async |label: &str, members: Value| {
        let id = world.application(merged(json!({ "releaseLabel": label }), members)).await;
        world.get(&id).await["schedulerConfiguration"].clone()
    };
    let usual = json!({ "maxConcurrentRuns": 15, "queueTimeoutMinutes": 360 });
    assert_eq!(scheduler("emr-7.3.0", json!({})).await, usual);
    assert_eq!(scheduler("emr-7.2.0", json!({})).await, Value::Null);
    let given = json!({ "schedulerConfiguration": { "queueTimeoutMinutes": 20 } });
    let filled = json!({ "maxConcurrentRuns": 15, "queueTimeoutMinutes": 20 });
    assert_eq!(scheduler("emr-7.0.0", given.clone()).await, filled);
    let text =
        "schedulerConfiguration needs release label emr-7.0.0 or later. The application has 'emr-6.15.0'.";
    let old = json!({ "releaseLabel": "emr-6.15.0" });
    create(&world, merged(old.clone(), given.clone())).await.refused(400, "ValidationException", text);
    let id = world.application(old).await;
    update(&world, &id, given.clone()).await.refused(400, "ValidationException", text);
    update(&world, &id, json!({ "schedulerConfiguration": {} })).await.ok();
    update(&world, &id, merged(given, json!({ "releaseLabel": "emr-7.1.0" }))).await.ok();
}

async fn writes_kind_and_sizes_its_own_way(world: World) {
    let pool = json!({ "workerCount": 1, "workerConfiguration": { "cpu": "2vCPU", "memory": "4gb", "disk": "20GB" } });
    let id = world
        .application(json!({
            "type": "sPaRk",
            "maximumCapacity": { "cpu": "16", "memory": "64gB", "disk": "200GB" },
            "initialCapacity": { "DRIVER": pool },
        }))
        .await;
    let found = world.get(&id).await;
    assert_eq!(found["type"], "Spark");
    assert_eq!(found["maximumCapacity"], json!({ "cpu": "16 vCPU", "memory": "64 GB", "disk": "200 GB" }));
    let worker = &found["initialCapacity"]["DRIVER"]["workerConfiguration"];
    assert_eq!(*worker, json!({ "cpu": "2 vCPU", "memory": "4 GB", "disk": "20 GB" }));
}

async fn refuses_hive(world: World) {
    let text = "Type 'HIVE' is not supported for release label 'emr-7.13.0' or release label does not exist";
    create(&world, json!({ "type": "Hive" })).await.refused(400, "ValidationException", text);
    create(&world, json!({ "type": "flink" })).await.refused(
        400,
        "ValidationException",
        "Unsupported engine flink",
    );
}

async fn bounds_tags(world: World) {
    let many = |count: usize| -> Value { (0..count).map(|n| (format!("k{n}"), json!("v"))).collect() };
    create(&world, json!({ "tags": many(50) })).await.ok();
    for tags in [many(51), json!({ "aws:x": "y" }), json!({ "AWS:x": "y" })] {
        assert_eq!(
            create(&world, json!({ "tags": tags })).await.kind(),
            (400, "ValidationException".to_owned())
        );
        let app = world.application(json!({})).await;
        let run = world.start_run(&app, json!({ "tags": tags })).await;
        assert_eq!(run.kind(), (400, "ValidationException".to_owned()));
        let arn = world.get(&app).await["arn"].clone();
        let tag = world.call(TagResource, json!({ "resourceArn": arn, "tags": tags })).await;
        assert_eq!(tag.kind(), (400, "ValidationException".to_owned()));
    }
}

/// Terraform sends every member again, in its own spelling, whatever it changes.
async fn takes_everything_again_while_started(world: World) {
    let everything = json!({
        "architecture": "X86_64",
        "autoStartConfiguration": { "enabled": true },
        "autoStopConfiguration": { "enabled": true, "idleTimeoutMinutes": 15 },
        "initialCapacity": { "Driver": {
            "workerCount": 1, "workerConfiguration": { "cpu": "2 vCPU", "memory": "10 GB" } } },
        "maximumCapacity": { "cpu": "20 vCPU", "memory": "100 GB" },
        "networkConfiguration": { "subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"] },
        "interactiveConfiguration": { "livyEndpointEnabled": true },
        "schedulerConfiguration": { "maxConcurrentRuns": 3 },
        "monitoringConfiguration": { "s3MonitoringConfiguration": { "logUri": "s3://b/l/" } },
        "runtimeConfiguration": [
            { "classification": "spark-defaults", "properties": { "spark.executor.memory": "4g" } } ],
    });
    let id = world.application(everything.clone()).await;
    world.call(StartApplication, json!({ "applicationId": id })).await.ok();
    world.application_is(&id, "STARTED").await;
    let before = world.get(&id).await;
    let other_spelling = json!({ "maximumCapacity": { "cpu": "20vCPU", "memory": "100gb" } });
    let again = merged(merged(everything.clone(), other_spelling), json!({ "releaseLabel": "emr-7.13.0" }));
    update(&world, &id, again).await.ok();
    assert_eq!(world.get(&id).await, before);
    let more = json!({ "maximumCapacity": { "cpu": "40 vCPU", "memory": "100 GB" } });
    update(&world, &id, merged(everything.clone(), more.clone())).await.ok();
    assert_eq!(world.get(&id).await["maximumCapacity"]["cpu"], "40 vCPU");
    let fixed =
        merged(merged(everything, more), json!({ "networkConfiguration": { "subnetIds": ["subnet-2"] } }));
    assert_eq!(update(&world, &id, fixed).await.kind(), (400, "ValidationException".to_owned()));
}

async fn gives_back_what_it_does_not_act_on(world: World) {
    let key = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let given = json!({
        "jobLevelCostAllocationConfiguration": { "enabled": true },
        "diskEncryptionConfiguration": { "encryptionKeyArn": key, "encryptionContext": { "a": "b" } },
        "networkConfiguration": { "subnetIds": ["subnet-1"] },
        "architecture": "ARM64",
    });
    let id = world.application(given.clone()).await;
    let found = world.get(&id).await;
    for (member, value) in given.as_object().expect("an object") {
        assert_eq!(found[member], *value);
    }
}

async fn changes_its_image_while_started(world: World) {
    let image =
        |tag: &str| json!({ "imageUri": format!("000000000000.dkr.ecr.us-east-1.amazonaws.com/a:{tag}") });
    let id = world.application(json!({ "imageConfiguration": image("1") })).await;
    world.call(StartApplication, json!({ "applicationId": id })).await.ok();
    world.application_is(&id, "STARTED").await;
    update(&world, &id, json!({ "imageConfiguration": image("2") })).await.ok();
    assert_eq!(world.get(&id).await["imageConfiguration"], image("2"));
    let types = json!({ "Driver": { "imageConfiguration": image("3") }, "Executor": { "imageConfiguration": image("3") } });
    update(&world, &id, json!({ "imageConfiguration": {}, "workerTypeSpecifications": types })).await.ok();
    let found = world.get(&id).await;
    assert_eq!((&found["imageConfiguration"], &found["workerTypeSpecifications"]), (&Value::Null, &types));
    let driver =
        json!({ "Driver": { "imageConfiguration": {} }, "Executor": { "imageConfiguration": image("4") } });
    update(&world, &id, json!({ "workerTypeSpecifications": driver })).await.ok();
    let executor = json!({ "Executor": { "imageConfiguration": image("4") } });
    assert_eq!(world.get(&id).await["workerTypeSpecifications"], executor);
    let nothing = json!({ "Executor": {}, "Driver": { "imageConfiguration": { "applicationLevelDigestResolution": true } } });
    update(&world, &id, json!({ "workerTypeSpecifications": nothing })).await.ok();
    assert_eq!(world.get(&id).await["workerTypeSpecifications"], Value::Null);
}
