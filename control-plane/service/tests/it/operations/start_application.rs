//! StartApplication.

use crate::world::{RELEASE, World, stories};
use firesteel_core::command::Runtime;
use firesteel_wire::Operation::{DeleteApplication, ListApplications, StartApplication, StopApplication};
use serde_json::json;

stories! {
    is_starting_before_it_returns,
    may_be_repeated,
    is_refused_when_deleted,
    prepares_the_release,
    says_why_a_release_cannot_run,
    stops_when_idle,
    does_not_stop_by_itself_when_told_so,
}

/// Airflow's waiter takes STOPPED for a failure: the first look after the call must say STARTING or STARTED.
async fn is_starting_before_it_returns(world: World) {
    let id = world.application(json!({})).await;
    world.runtimes.stand(Runtime::Preparing("unpacking".to_owned()));
    let started = world.call(StartApplication, json!({ "applicationId": id })).await;
    assert_eq!(started.ok(), json!({}));
    let found = world.get(&id).await;
    assert_eq!((&found["state"], &found["stateDetails"]), (&json!("STARTING"), &json!("User initiated.")));
    let listed = world.call(ListApplications, json!({ "states": ["STARTING"] })).await.ok();
    assert_eq!(listed["applications"][0]["id"], id);
}

async fn may_be_repeated(world: World) {
    let id = world.application(json!({})).await;
    for _ in 0..2 {
        world.call(StartApplication, json!({ "applicationId": id })).await.ok();
        world.application_is(&id, "STARTED").await;
    }
    world.call(StartApplication, json!({ "applicationId": id })).await.ok();
    assert_eq!(world.get(&id).await["state"], "STARTED");
}

async fn is_refused_when_deleted(world: World) {
    let id = world.application(json!({})).await;
    world.call(DeleteApplication, json!({ "applicationId": id })).await.ok();
    let text = "Application cannot be STARTED. Applications must be in one of the following statuses: [CREATED, STOPPED]";
    let answer = world.call(StartApplication, json!({ "applicationId": id })).await;
    answer.refused(400, "ValidationException", text);
}

async fn prepares_the_release(world: World) {
    world.runtimes.stand(Runtime::Preparing("downloading 3 of 9".to_owned()));
    let id = world.application(json!({})).await;
    let run = world.run(&id, json!({})).await;
    let why = "The application is STARTING: downloading 3 of 9";
    let look = async || world.get_run(&id, &run).await;
    world.eventually("explained", look, |found| found["stateDetails"] == why).await;
    assert!(world.runtimes.prepared.lock().expect("whole").contains(RELEASE));
    assert_eq!(world.get(&id).await["state"], "STARTING");
    world.runtimes.stand(Runtime::Ready);
    world.run_is(&id, &run, "SCHEDULED").await;
    assert_eq!(world.get(&id).await["state"], "STARTED");
}

async fn says_why_a_release_cannot_run(world: World) {
    let why = "emr-7.13.0 cannot run here: it needs Java 17, and there is none";
    world.runtimes.stand(Runtime::Impossible(why.to_owned()));
    let id = world.application(json!({})).await;
    let run = world.run(&id, json!({})).await;
    assert_eq!(world.run_is(&id, &run, "FAILED").await["stateDetails"], why);
    assert_eq!(world.application_is(&id, "STOPPED").await["stateDetails"], why);
    world.call(StartApplication, json!({ "applicationId": id })).await.ok();
    world.application_is(&id, "STOPPED").await;
}

async fn stops_when_idle(world: World) {
    let id = world.application(json!({ "autoStopConfiguration": { "idleTimeoutMinutes": 2 } })).await;
    world.call(StartApplication, json!({ "applicationId": id })).await.ok();
    world.application_is(&id, "STARTED").await;
    tokio::time::sleep(std::time::Duration::from_secs(110)).await;
    assert_eq!(world.get(&id).await["state"], "STARTED");
    tokio::time::sleep(std::time::Duration::from_secs(20)).await;
    assert_eq!(world.get(&id).await["state"], "STOPPED");
    let stop = world.call(StopApplication, json!({ "applicationId": id })).await;
    assert_eq!(stop.kind(), (400, "ValidationException".to_owned()));
}

async fn does_not_stop_by_itself_when_told_so(world: World) {
    let id = world.application(json!({ "autoStopConfiguration": { "enabled": false } })).await;
    world.call(StartApplication, json!({ "applicationId": id })).await.ok();
    tokio::time::sleep(std::time::Duration::from_secs(2 * 3600)).await;
    assert_eq!(world.get(&id).await["state"], "STARTED");
}
