//! What a StartJobRun may ask for, and what GetJobRun gives back of it.

use crate::world::{World, stories};
use firesteel_wire::Operation::{CancelJobRun, ListJobRunAttempts, ListJobRuns, UpdateApplication};
use serde_json::{Value, json};

stories! {
    shows_the_effective_timeout,
    refuses_what_the_release_does_not_have,
    gives_name_mode_tags_and_flex_back_everywhere,
    refuses_to_run_without_the_image,
    takes_a_run_while_it_stops,
    gives_no_grace_to_what_does_not_run,
}

async fn shows_the_effective_timeout(world: World) {
    let (old, new) = (
        world.application(json!({ "releaseLabel": "emr-7.10.0" })).await,
        world.application(json!({})).await,
    );
    for (app, given, shown) in
        [(&new, Value::Null, 720), (&new, json!(90), 90), (&old, json!(0), 0), (&old, Value::Null, 720)]
    {
        let run = world.run(app, json!({ "executionTimeoutMinutes": given })).await;
        assert_eq!(world.get_run(app, &run).await["executionTimeoutMinutes"], shown);
    }
    let short = world.start_run(&new, json!({ "executionTimeoutMinutes": 4 })).await;
    short.refused(400, "ValidationException", "RunTimeout must be at least 5 minutes.");
    let none = world.start_run(&new, json!({ "executionTimeoutMinutes": 0 })).await;
    assert_eq!(none.kind(), (400, "ValidationException".to_owned()));
}

async fn refuses_what_the_release_does_not_have(world: World) {
    let app = world.application(json!({ "releaseLabel": "emr-7.0.0" })).await;
    for members in [json!({ "mode": "STREAMING" }), json!({ "retryPolicy": { "maxAttempts": 2 } })] {
        let (status, kind, message) = world.start_run(&app, members).await.error();
        assert_eq!((status, kind.as_str()), (400, "ValidationException"));
        assert!(message.contains("needs release label emr-7.1.0 or later"), "{message}");
    }
    world.run(&app, json!({ "retryPolicy": { "maxAttempts": 1 } })).await;
}

async fn gives_name_mode_tags_and_flex_back_everywhere(world: World) {
    let app = world.application(json!({})).await;
    let tags = json!({ "team": "a", "empty": "" });
    let flex = json!({ "enabled": true });
    let run = world.run(&app, json!({ "name": "n", "tags": tags, "flexExecution": flex })).await;
    let whole = world.get_run(&app, &run).await;
    assert_eq!((&whole["name"], &whole["mode"], &whole["tags"]), (&json!("n"), &json!("BATCH"), &tags));
    assert_eq!(whole["flexExecution"], flex);
    let of_run = json!({ "applicationId": app, "jobRunId": run });
    let attempt = world.call(ListJobRunAttempts, of_run).await.ok()["jobRunAttempts"][0].clone();
    let line = world.call(ListJobRuns, json!({ "applicationId": app })).await.ok()["jobRuns"][0].clone();
    for shown in [attempt, line] {
        assert_eq!((&shown["name"], &shown["mode"]), (&json!("n"), &json!("BATCH")));
        assert_eq!(shown["flexExecution"], flex);
    }
}

/// A job that does not find what its image holds fails late or, worse, does something else.
async fn refuses_to_run_without_the_image(world: World) {
    let uri = "000000000000.dkr.ecr.us-east-1.amazonaws.com/mine:1";
    let app = world.application(json!({ "imageConfiguration": { "imageUri": uri } })).await;
    assert_eq!(world.get(&app).await["imageConfiguration"]["imageUri"], uri);
    let (status, kind, message) = world.start_run(&app, json!({})).await.error();
    assert_eq!((status, kind.as_str()), (400, "ValidationException"));
    assert!(message.contains(uri), "{message}");
    let update = json!({ "applicationId": app, "clientToken": "t", "imageConfiguration": {} });
    world.call(UpdateApplication, update).await.ok();
    world.run(&app, json!({})).await;
}

/// An idle application may stop in the very moment in which a run comes.
async fn takes_a_run_while_it_stops(world: World) {
    let app = world.application(json!({})).await;
    let stopped = json!({ "applicationId": app });
    world.call(firesteel_wire::Operation::StopApplication, stopped).await.ok();
    let run = world.run(&app, json!({})).await;
    world.run_is(&app, &run, "SCHEDULED").await;
}

async fn gives_no_grace_to_what_does_not_run(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let runner = world.next_runner().await;
    let common = world.assigned(&runner).await.common().clone();
    let cancel = json!({ "applicationId": app, "jobRunId": run, "shutdownGracePeriodInSeconds": 1800 });
    world.call(CancelJobRun, cancel).await.ok();
    let mut driver = crate::world::Driver {
        world: &world,
        runner,
        common,
        wanted: Default::default(),
        seen: 0,
        started: None,
    };
    let order = driver.exchange(std::time::Duration::from_secs(5)).await.stop.expect("an order to stop");
    assert_eq!(order.grace_ms, 0, "it is staging, not running");
}
