//! Runs that are tried again.

use crate::world::{Driver, World, merged, stories};
use firesteel_wire::Operation::{CancelJobRun, GetJobRun, ListJobRunAttempts, ListJobRuns};
use firesteel_wire::shapes::{GetJobRunResponse, ListJobRunAttemptsResponse};
use serde_json::{Value, json};
use std::time::Duration;

stories! {
    a_second_attempt_follows_and_each_is_shown,
    attempts_come_in_pages,
    logs_and_tmp_are_apart,
    a_lost_driver_is_followed_by_another,
    the_next_driver_waits_for_the_last_executor,
    a_cancel_between_attempts_ends_the_run,
    a_stream_goes_on_and_ends_when_it_fails_too_often,
    retries_survive_a_restart,
}

fn twice() -> Value {
    let s3 = json!({ "s3MonitoringConfiguration": { "logUri": "s3://logs/" } });
    json!({
        "retryPolicy": { "maxAttempts": 2 },
        "configurationOverrides": { "monitoringConfiguration": s3 },
    })
}

async fn attempt(world: &World, app: &str, run: &str, number: u32) -> Value {
    let input = json!({ "applicationId": app, "jobRunId": run, "attempt": number });
    let answer = world.call(GetJobRun, input).await;
    answer.shape::<GetJobRunResponse>();
    answer.ok()["jobRun"].clone()
}

async fn a_second_attempt_follows_and_each_is_shown(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, merged(twice(), json!({ "flexExecution": { "enabled": true } }))).await;
    let first = world.driver().await;
    assert_eq!(first.common.attempt, 1);
    tokio::time::sleep(Duration::from_secs(70)).await;
    first.end(3).await;
    let second = world.driver().await;
    assert_eq!(second.common.attempt, 2);
    let now = world.get_run(&app, &run).await;
    assert_eq!((&now["state"], &now["attempt"]), (&json!("RUNNING"), &json!(2)));
    assert_eq!(now["retryPolicy"], json!({ "maxAttempts": 2 }));
    let before = attempt(&world, &app, &run, 1).await;
    assert_eq!((&before["state"], &before["attempt"]), (&json!("FAILED"), &json!(1)));
    let details = before["stateDetails"].as_str().expect("text");
    assert!(details.contains("ExitCode: 3."), "{details}");
    assert_eq!(before["totalExecutionDurationSeconds"], 70);
    assert!(before["endedAt"].as_f64() <= now["attemptCreatedAt"].as_f64());
    tokio::time::sleep(Duration::from_secs(80)).await;
    second.end(0).await;
    let ended = world.run_is(&app, &run, "SUCCESS").await;
    assert_eq!(ended["totalResourceUtilization"]["vCPUHour"], json!(0.169), "4 vCPU, 71 s and 81 s");
    assert_eq!(ended["totalExecutionDurationSeconds"], 150);
    world.archived(&run).await;
    let states = async |number| attempt(&world, &app, &run, number).await["state"].clone();
    assert_eq!((states(1).await, states(2).await), (json!("FAILED"), json!("SUCCESS")));
    let third = json!({ "applicationId": app, "jobRunId": run, "attempt": 3 });
    assert_eq!(world.call(GetJobRun, third).await.kind(), (404, "ResourceNotFoundException".to_owned()));
    let listed = world.call(ListJobRuns, json!({ "applicationId": app })).await.ok();
    assert_eq!(listed["jobRuns"][0]["attempt"], 2);
}

async fn attempts_come_in_pages(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({ "retryPolicy": { "maxAttempts": 3 } })).await;
    for _ in 0..2 {
        world.driver().await.end(1).await;
    }
    world.driver().await;
    let page = async |token: Value| -> ListJobRunAttemptsResponse {
        let input = json!({ "applicationId": app, "jobRunId": run, "maxResults": 2, "nextToken": token });
        world.call(ListJobRunAttempts, merged(json!({}), input)).await.shape()
    };
    let first = page(Value::Null).await;
    let second = page(json!(first.next_token.clone().expect("there is more"))).await;
    assert_eq!(second.next_token, None);
    let all: Vec<_> = first.job_run_attempts.into_iter().chain(second.job_run_attempts).collect();
    let numbers: Vec<_> = all.iter().map(|one| (one.attempt, one.state.as_str())).collect();
    assert_eq!(numbers, [(Some(1), "FAILED"), (Some(2), "FAILED"), (Some(3), "RUNNING")]);
    assert!(all.windows(2).all(|pair| pair[0].created_at <= pair[1].created_at));
}

async fn logs_and_tmp_are_apart(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, twice()).await;
    for number in [1, 2] {
        let runner = world.next_runner().await;
        let assigned = world.assigned(&runner).await;
        let firesteel_protocol::Assignment::Driver(driver) = &assigned else { panic!("a driver") };
        let folder = format!("applications/{app}/jobs/{run}");
        let logs = driver.common.logs.as_ref().expect("logs").prefix.clone();
        assert_eq!(logs, format!("{folder}/attempts/{number}/SPARK_DRIVER"));
        let tmp = format!("s3://logs/{folder}/tmp/attempts/{number}/");
        assert_eq!(driver.tmp.as_deref(), Some(tmp.as_str()));
        let events = format!("s3://logs/{folder}/attempts/{number}/sparklogs/");
        assert_eq!(driver.event_logs.as_deref(), Some(events.as_str()));
        let (common, started) = (driver.common.clone(), None);
        Driver { world: &world, runner, common, wanted: Default::default(), seen: 0, started }.end(1).await;
    }
    world.run_is(&app, &run, "FAILED").await;
    world.archived(&run).await;
    let swept = world.sweep.asked.lock().expect("whole").clone();
    assert!(
        swept.iter().all(|uri| *uri == format!("s3://logs/applications/{app}/jobs/{run}/tmp/")),
        "{swept:?}"
    );
}

async fn a_lost_driver_is_followed_by_another(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, twice()).await;
    let driver = world.driver().await;
    world.substrate.die(&driver.runner.order.worker);
    let second = world.driver().await;
    assert_eq!(second.common.attempt, 2);
    assert!(second.common.fence > driver.common.fence);
    let said = driver.say_end(driver.common.fence, driver.exit(0)).await;
    assert_ne!(said, firesteel_protocol::Ended::Acknowledged, "the first attempt is over");
    second.end(0).await;
    world.run_is(&app, &run, "SUCCESS").await;
}

async fn the_next_driver_waits_for_the_last_executor(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, twice()).await;
    let mut driver = world.driver().await;
    driver.wants("u1");
    driver.exchange(Duration::ZERO).await;
    let executor = world.next_runner().await;
    let common = world.assigned(&executor).await.common().clone();
    driver.end(1).await;
    let waits = "The next attempt waits for 1 worker of the last one to end.";
    let look = async || world.get_run(&app, &run).await;
    world.eventually("explained", look, |run| run["stateDetails"] == waits).await;
    assert!(world.substrate.begun().is_empty(), "no second driver yet");
    let executor = Driver {
        world: &world,
        runner: executor,
        common,
        wanted: Default::default(),
        seen: 0,
        started: None,
    };
    executor.end(0).await;
    assert_eq!(world.driver().await.common.attempt, 2);
}

async fn a_cancel_between_attempts_ends_the_run(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, twice()).await;
    let driver = world.driver().await;
    world.runtimes.stand(firesteel_core::command::Runtime::Preparing("again".to_owned()));
    driver.end(1).await;
    let between = world.run_is(&app, &run, "PENDING").await;
    assert_eq!(between["attempt"], 2);
    world.call(CancelJobRun, json!({ "applicationId": app, "jobRunId": run })).await.ok();
    let ended = world.run_is(&app, &run, "CANCELLED").await;
    assert_eq!(ended["attempt"], 2);
    world.archived(&run).await;
    let attempts =
        world.call(ListJobRunAttempts, json!({ "applicationId": app, "jobRunId": run })).await.ok();
    let states: Vec<&Value> =
        attempts["jobRunAttempts"].as_array().expect("a list").iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["FAILED", "CANCELLED"]);
}

async fn a_stream_goes_on_and_ends_when_it_fails_too_often(world: World) {
    let app = world.application(json!({})).await;
    let policy = json!({ "mode": "STREAMING", "retryPolicy": { "maxFailedAttemptsPerHour": 2 } });
    let run = world.run(&app, policy).await;
    for _ in 0..4 {
        let driver = world.driver().await;
        tokio::time::sleep(Duration::from_secs(3601)).await;
        // It has not spoken for an hour, and nobody minds: it is seen alive.
        assert_eq!(world.get_run(&app, &run).await["state"], "RUNNING");
        driver.end(1).await;
    }
    world.driver().await.end(1).await;
    let failed = world.run_is(&app, &run, "FAILED").await;
    let details = failed["stateDetails"].as_str().expect("text");
    assert!(details.starts_with("2 attempts failed within an hour. Job failed"), "{details}");
    assert_eq!((&failed["mode"], &failed["executionTimeoutMinutes"]), (&json!("STREAMING"), &json!(0)));
}

async fn retries_survive_a_restart(mut world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, twice()).await;
    world.driver().await.end(1).await;
    world.restart().await;
    let second = world.driver().await;
    assert_eq!(second.common.attempt, 2);
    second.end(1).await;
    world.run_is(&app, &run, "FAILED").await;
}
