//! GetJobRun.

use crate::world::{ROLE, World, merged, stories};
use firesteel_wire::Operation::GetJobRun;
use firesteel_wire::shapes::GetJobRunResponse;
use serde_json::{Value, json};

stories! {
    shows_each_state,
    shows_what_was_asked,
    is_the_same_after_the_archive,
    says_why_a_run_waits,
    words_a_failure_as_emr_does,
    knows_no_other_run,
}

async fn shows_each_state(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let get = async || world.call(GetJobRun, json!({ "applicationId": app, "jobRunId": run })).await;
    get().await.shape::<GetJobRunResponse>();
    let scheduled = world.run_is(&app, &run, "SCHEDULED").await;
    assert_eq!(scheduled["stateDetails"], "The job has been scheduled and is acquiring resources to run.");
    let driver = world.driver().await;
    let running = world.get_run(&app, &run).await;
    assert_eq!((&running["state"], &running["stateDetails"]), (&json!("RUNNING"), &json!("")));
    assert!(running["startedAt"].is_number() && running["endedAt"].is_null());
    get().await.shape::<GetJobRunResponse>();
    tokio::time::sleep(std::time::Duration::from_secs(90)).await;
    driver.end(0).await;
    let ended = world.run_is(&app, &run, "SUCCESS").await;
    assert_eq!(ended["stateDetails"], "");
    let seconds = ended["totalExecutionDurationSeconds"].as_i64();
    assert!(seconds.is_some_and(|seconds| (90..95).contains(&seconds)), "{seconds:?}");
    // 4 vCPU, 16 GB and 20 GB for 90 s and a little.
    let total = &ended["totalResourceUtilization"];
    assert!((0.1..0.105).contains(&total["vCPUHour"].as_f64().expect("hours")), "{total}");
    assert_eq!(ended["billedResourceUtilization"]["storageGBHour"], 0.0);
    get().await.shape::<GetJobRunResponse>();
}

async fn shows_what_was_asked(world: World) {
    let app = world.application(json!({})).await;
    let asked = json!({
        "name": "n",
        "tags": { "a": "b" },
        "executionTimeoutMinutes": 30,
        "executionIamPolicy": { "policy": "{}" },
        "retryPolicy": { "maxAttempts": 1 },
        "jobDriver": { "sparkSubmit": { "entryPoint": "s3://b/j.py", "entryPointArguments": ["", "x"] } },
        "configurationOverrides": { "applicationConfiguration": [] },
    });
    let run = world.run(&app, asked.clone()).await;
    let found = world.get_run(&app, &run).await;
    for (name, value) in asked.as_object().expect("an object") {
        assert_eq!(found[name], *value, "{name}");
    }
    assert_eq!((&found["executionRole"], &found["mode"]), (&json!(ROLE), &json!("BATCH")));
    assert_eq!(found["createdBy"], "arn:aws:iam::000000000000:user/somebody");
    assert_eq!((&found["attempt"], &found["releaseLabel"]), (&json!(1), &json!("emr-7.13.0")));
    let plain = world.run(&app, json!({})).await;
    assert_eq!(world.get_run(&app, &plain).await["executionTimeoutMinutes"], 720);
    let streaming = world.run(&app, json!({ "mode": "STREAMING" })).await;
    assert_eq!(world.get_run(&app, &streaming).await["mode"], "STREAMING");
}

async fn is_the_same_after_the_archive(mut world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({ "tags": { "a": "b" }, "name": "n" })).await;
    let driver = world.driver().await;
    let before = world.get_run(&app, &run).await;
    driver.end(0).await;
    let ended = world.run_is(&app, &run, "SUCCESS").await;
    world.archived(&run).await;
    assert_eq!(world.get_run(&app, &run).await, ended);
    world.restart().await;
    let archived = world.get_run(&app, &run).await;
    assert_eq!(archived, ended);
    let answer = world.call(GetJobRun, json!({ "applicationId": app, "jobRunId": run })).await;
    answer.shape::<GetJobRunResponse>();
    let but_for_state = |run: &Value| {
        let changing = [
            "state",
            "updatedAt",
            "attemptUpdatedAt",
            "endedAt",
            "totalExecutionDurationSeconds",
            "totalResourceUtilization",
            "billedResourceUtilization",
        ];
        changing.iter().fold(run.clone(), |run, name| merged(run, json!({ *name: null })))
    };
    assert_eq!(but_for_state(&archived), but_for_state(&before));
}

async fn says_why_a_run_waits(world: World) {
    let app = world.application(json!({ "maximumCapacity": { "cpu": "8 vCPU", "memory": "32 GB" } })).await;
    let _first = world.run(&app, json!({})).await;
    let _driver = world.driver().await;
    let second = world.run(&app, json!({})).await;
    // Runs of one millisecond have no order.
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let third = world.run(&app, json!({})).await;
    let details = async |run: &str, text: &str| {
        let look = async || world.get_run(&app, run).await;
        world.eventually(text, look, |found| found["stateDetails"] == text).await
    };
    let text = "The JobRun is pending scheduling: it needs 8 vCPU and 32 GB, 0 vCPU and 0 GB are left of maximumCapacity.";
    assert_eq!(details(&second, text).await["state"], "PENDING");
    details(&third, "The JobRun is pending scheduling behind 1 run.").await;
}

async fn words_a_failure_as_emr_does(world: World) {
    let app = world.application(json!({})).await;
    let run = world.whole_run(&app, json!({}), 3).await;
    let failed = world.run_is(&app, &run, "FAILED").await;
    let text = "Job failed, please check complete logs in configured logging destination. ExitCode: 3. Last few exceptions: ValueError: no";
    assert_eq!(failed["stateDetails"], text);
}

async fn knows_no_other_run(world: World) {
    let (app, other) = (world.application(json!({})).await, world.application(json!({})).await);
    let run = world.run(&app, json!({})).await;
    let get = async |app: &str, run: &str| {
        world.call(GetJobRun, json!({ "applicationId": app, "jobRunId": run })).await
    };
    for unknown in ["00nobody", "00mjwaid1kjakusj", "x"] {
        let text = format!("JobRun {unknown} does not exist");
        get(&app, unknown).await.refused(404, "ResourceNotFoundException", &text);
    }
    let text = format!("JobRun {run} does not exist");
    get(&other, &run).await.refused(404, "ResourceNotFoundException", &text);
    let text = "Application 00nobody does not exist";
    get("00nobody", &run).await.refused(404, "ResourceNotFoundException", text);
    let second = json!({ "applicationId": app, "jobRunId": run, "attempt": 2 });
    assert_eq!(world.call(GetJobRun, second).await.kind(), (404, "ResourceNotFoundException".to_owned()));
}
