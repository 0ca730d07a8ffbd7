//! StartJobRun.

use crate::world::{ROLE, World, merged, stories};
use firesteel_service::Narrowing;
use firesteel_wire::Operation::{GetJobRun, StartApplication, StartJobRun, StopApplication};
use firesteel_wire::shapes::{GetJobRunResponse, StartJobRunResponse};
use serde_json::{Value, json};

stories! {
    answers_with_id_and_arn,
    starts_the_application,
    is_refused_without_auto_start,
    refuses_bad_requests_in_awss_words,
    gives_one_run_for_one_token,
    gives_one_run_for_one_token_at_the_same_time,
    remembers_its_tokens_over_a_restart,
    remembers_tokens_of_archived_runs,
    keeps_tokens_apart_by_application,
    takes_a_large_request,
    merges_configuration_and_logs,
    fails_a_run_that_never_fits,
}

async fn answers_with_id_and_arn(world: World) {
    let app = world.application(json!({})).await;
    let started: StartJobRunResponse = world.start_run(&app, json!({ "name": "n" })).await.shape();
    let run = &started.job_run_id;
    assert_eq!(started.application_id, app);
    let arn = format!("arn:aws:emr-serverless:us-east-1:000000000000:/applications/{app}/jobruns/{run}");
    assert_eq!(started.arn, arn);
    assert!(run.len() == 16 && run.starts_with("00"), "{run}");
    let found = world.get_run(&app, run).await;
    assert_eq!((&found["arn"], &found["name"]), (&json!(arn), &json!("n")));
}

async fn starts_the_application(world: World) {
    let app = world.application(json!({})).await;
    world.runtimes.stand(firesteel_core::command::Runtime::Preparing(String::new()));
    let run = world.run(&app, json!({})).await;
    assert_eq!(world.get(&app).await["state"], "STARTING");
    assert_eq!(world.get_run(&app, &run).await["state"], "SUBMITTED");
    world.runtimes.stand(firesteel_core::command::Runtime::Ready);
    world.run_is(&app, &run, "SCHEDULED").await;
}

async fn is_refused_without_auto_start(world: World) {
    let app = world.application(json!({ "autoStartConfiguration": { "enabled": false } })).await;
    let (status, kind, text) = world.start_run(&app, json!({})).await.error();
    assert_eq!((status, kind.as_str()), (400, "ValidationException"));
    assert!(text.starts_with(&format!("Application {app} must be STARTED")), "{text}");
    world.call(StartApplication, json!({ "applicationId": app })).await.ok();
    assert_eq!(world.start_run(&app, json!({})).await.status, 200);
}

async fn refuses_bad_requests_in_awss_words(world: World) {
    let app = world.application(json!({})).await;
    let submit = |parameters: &str| json!({ "jobDriver": { "sparkSubmit": { "entryPoint": "s3://b/j.py", "sparkSubmitParameters": parameters } } });
    let known = [
        (
            json!({ "executionRoleArn": "arn:aws:iam::999999999999:role/job" }),
            (403, "AccessDeniedException", "Cross-account pass role is not allowed."),
        ),
        (
            json!({ "executionTimeoutMinutes": 4 }),
            (400, "ValidationException", "RunTimeout must be at least 5 minutes."),
        ),
    ];
    for (change, (status, kind, text)) in known {
        world.start_run(&app, change).await.refused(status, kind, text);
    }
    for change in [
        json!({ "executionRoleArn": "arn:aws:iam::000000000000:user/job" }),
        json!({ "executionRoleArn": "arn:aws-cn:iam::000000000000:role/job" }),
        json!({ "jobDriver": null }),
        json!({ "jobDriver": { "hive": { "query": "select 1" } } }),
        json!({ "mode": "SOMETIMES" }),
        json!({ "clientToken": null }),
        json!({ "clientToken": "not a token" }),
        submit("--conf \"spark.app.name=open"),
        submit("--conf spark.driver.cores=33"),
        submit("--conf spark.executor.memory=100g"),
        submit("--conf spark.master=local"),
        json!({ "configurationOverrides": { "monitoringConfiguration":
            { "s3MonitoringConfiguration": { "logUri": "file:///tmp" } } } }),
    ] {
        let answer = world.start_run(&app, change.clone()).await;
        assert_ne!(answer.status, 200, "{change}");
        assert_eq!(answer.kind(), (400, "ValidationException".to_owned()), "{change}");
    }
    let text = "Application 00nobody does not exist";
    world.start_run("00nobody", json!({})).await.refused(404, "ResourceNotFoundException", text);
    assert_eq!(world.get(&app).await["state"], "CREATED");
}

async fn gives_one_run_for_one_token(world: World) {
    let app = world.application(json!({})).await;
    let first = world.start_run(&app, json!({ "clientToken": "t" })).await.ok();
    assert_eq!(world.start_run(&app, json!({ "clientToken": "t" })).await.ok(), first);
    assert_ne!(world.start_run(&app, json!({ "clientToken": "u" })).await.ok(), first);
    let other = json!({ "clientToken": "t", "name": "other" });
    assert_eq!(world.start_run(&app, other).await.kind(), (409, "ConflictException".to_owned()));
}

async fn gives_one_run_for_one_token_at_the_same_time(world: World) {
    let app = world.application(json!({})).await;
    let start = || world.start_run(&app, json!({ "clientToken": "t" }));
    let answers = futures::future::join_all((0..8).map(|_| start())).await;
    assert!(answers.iter().all(|answer| answer.ok() == answers[0].ok()));
    let listed = world.call(firesteel_wire::Operation::ListJobRuns, json!({ "applicationId": app })).await;
    assert_eq!(listed.ok()["jobRuns"].as_array().map(Vec::len), Some(1));
}

async fn remembers_its_tokens_over_a_restart(mut world: World) {
    let app = world.application(json!({})).await;
    let first = world.start_run(&app, json!({ "clientToken": "t" })).await.ok();
    world.restart().await;
    assert_eq!(world.start_run(&app, json!({ "clientToken": "t" })).await.ok(), first);
    assert_eq!(world.start_run(&app, json!({ "clientToken": "t", "name": "x" })).await.status, 409);
}

async fn remembers_tokens_of_archived_runs(mut world: World) {
    let app = world.application(json!({})).await;
    let run = world.whole_run(&app, json!({ "clientToken": "t" }), 0).await;
    world.archived(&run).await;
    for _ in 0..2 {
        for _ in 0..2 {
            let again = world.start_run(&app, json!({ "clientToken": "t" })).await;
            assert_eq!(again.member("jobRunId"), run);
            assert_eq!(world.start_run(&app, json!({ "clientToken": "t", "name": "x" })).await.status, 409);
        }
        world.down_for(std::time::Duration::from_secs(23 * 3600)).await;
    }
}

async fn keeps_tokens_apart_by_application(world: World) {
    let (one, two) = (world.application(json!({})).await, world.application(json!({})).await);
    let first = world.run(&one, json!({ "clientToken": "t" })).await;
    assert_ne!(world.run(&two, json!({ "clientToken": "t" })).await, first);
}

/// Over 8 KiB the request is an object of its own.
async fn takes_a_large_request(mut world: World) {
    let app = world.application(json!({})).await;
    let arguments: Vec<String> = (0..1000).map(|n| format!("argument number {n} of a long list")).collect();
    let driver = json!({ "sparkSubmit": { "entryPoint": "s3://b/j.py", "entryPointArguments": arguments } });
    let run = world.run(&app, json!({ "jobDriver": driver })).await;
    assert!(world.store.objects().keys().any(|key| key.contains("/requests/")));
    for _ in 0..2 {
        assert_eq!(world.get_run(&app, &run).await["jobDriver"], driver);
        world.restart().await;
    }
}

async fn merges_configuration_and_logs(world: World) {
    let s3 = |uri: &str| json!({ "s3MonitoringConfiguration": { "logUri": uri } });
    let defaults = |value: &str| json!([{ "classification": "spark-defaults", "properties": { "spark.app.name": value } }]);
    let app = world
        .application(json!({
            "monitoringConfiguration": s3("s3://app/logs/"),
            "runtimeConfiguration": defaults("of the application"),
        }))
        .await;
    let overrides = json!({ "applicationConfiguration": defaults("of the run") });
    let run = world.run(&app, json!({ "configurationOverrides": overrides })).await;
    assert_eq!(world.get_run(&app, &run).await["configurationOverrides"], overrides);
    let runner = world.next_runner().await;
    let assignment = world.assigned(&runner).await;
    let logs = assignment.common().logs.clone().expect("a destination");
    assert_eq!(logs.bucket, "app");
    assert_eq!(logs.prefix, format!("logs/applications/{app}/jobs/{run}/SPARK_DRIVER"));
    let firesteel_protocol::Assignment::Driver(driver) = assignment else { panic!("a driver") };
    assert_eq!(driver.configuration["spark-defaults"]["spark.app.name"], "of the run");
    assert_eq!(driver.entry_point, "s3://bucket/job.py");
    let asked = world.roles.asked.lock().expect("whole").clone();
    assert_eq!(asked, [(ROLE.to_owned(), format!("{app},{run}"), Narrowing::default())]);
}

async fn fails_a_run_that_never_fits(world: World) {
    let app = world.application(json!({ "maximumCapacity": { "cpu": "2 vCPU", "memory": "8 GB" } })).await;
    let run = world.run(&app, json!({})).await;
    let failed = world.run_is(&app, &run, "FAILED").await;
    assert_eq!(failed["stateDetails"], "Job failed as application has exceeded maximumCapacity settings.");
    world
        .call(GetJobRun, json!({ "applicationId": app, "jobRunId": run }))
        .await
        .shape::<GetJobRunResponse>();
    world.call(StopApplication, json!({ "applicationId": app })).await.ok();
    world.application_is(&app, "STOPPED").await;
    let input: Value = merged(
        json!({ "applicationId": app, "executionRoleArn": ROLE, "clientToken": "z" }),
        json!({ "jobDriver": { "sparkSubmit": { "entryPoint": "x.py" } } }),
    );
    world.call(StartJobRun, input).await.ok();
    assert_ne!(world.get(&app).await["state"], "CREATED");
}
