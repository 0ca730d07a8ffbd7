//! Hello.

use crate::world::{World, stories, to_desk};
use firesteel_core::id::Mark;
use firesteel_protocol::{Assignment, Greeting, RefusedHello, transport};
use http::Request;
use serde_json::json;

stories! {
    assigns_the_job,
    gives_the_same_job_to_the_same_process,
    refuses_another_process,
    refuses_who_is_not_wanted_any_more,
    refuses_other_tokens,
    fails_a_run_whose_role_is_refused,
    waits_for_a_role_that_gets_no_answer,
    takes_hostile_calls,
}

async fn assigns_the_job(world: World) {
    let logs = json!({ "s3MonitoringConfiguration": { "logUri": "s3://logs" } });
    let app = world.application(json!({ "name": "etl" })).await;
    let run = world
        .run(
            &app,
            json!({
                "configurationOverrides": { "monitoringConfiguration": logs },
                "executionIamPolicy": { "policy": "{\"Version\":\"2012-10-17\"}" },
            }),
        )
        .await;
    let runner = world.next_runner().await;
    let Assignment::Driver(driver) = world.assigned(&runner).await else { panic!("a driver") };
    let common = &driver.common;
    assert_eq!((common.application.as_str(), common.job_run.as_str()), (app.as_str(), run.as_str()));
    assert_eq!((common.attempt, common.fence), (1, 1));
    assert_eq!((common.size.cpu, common.size.memory, common.size.disk), (4, 16, 20));
    assert_eq!(driver.tmp, Some(format!("s3://logs/applications/{app}/jobs/{run}/tmp/")));
    let asked = world.roles.asked.lock().expect("whole")[0].clone();
    assert_eq!(asked.2.policy.as_deref(), Some("{\"Version\":\"2012-10-17\"}"));
    assert_eq!(world.get_run(&app, &run).await["state"], "SCHEDULED", "its JVM has not started");
}

async fn gives_the_same_job_to_the_same_process(mut world: World) {
    let app = world.application(json!({})).await;
    world.run(&app, json!({})).await;
    let runner = world.next_runner().await;
    let first = world.assigned(&runner).await;
    world.restart().await;
    let second = world.assigned(&runner).await;
    let plain = |assignment: &Assignment| {
        let common = assignment.common();
        (common.job_run.clone(), common.fence, common.heap_mib)
    };
    assert_eq!(plain(&first), plain(&second));
}

async fn refuses_another_process(world: World) {
    let app = world.application(json!({})).await;
    world.run(&app, json!({})).await;
    let runner = world.next_runner().await;
    let mut other = runner.clone();
    other.mark = Mark::new("another process");
    let (one, two) = tokio::join!(world.hello(&runner), world.hello(&other));
    let refused = [&one, &two].iter().filter(|g| ***g == Greeting::Refused(RefusedHello::OtherMark)).count();
    let assigned = [&one, &two].iter().filter(|g| matches!(g, Greeting::Assigned(_))).count();
    assert_eq!((assigned, refused), (1, 1));
}

async fn refuses_who_is_not_wanted_any_more(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let runner = world.next_runner().await;
    let cancel = json!({ "applicationId": app, "jobRunId": run });
    world.call(firesteel_wire::Operation::CancelJobRun, cancel).await.ok();
    assert_eq!(world.hello(&runner).await, Greeting::Refused(RefusedHello::Unknown));
    world.run_is(&app, &run, "CANCELLED").await;
}

async fn refuses_other_tokens(world: World) {
    let (one, two) = (world.application(json!({})).await, world.application(json!({})).await);
    world.run(&one, json!({})).await;
    let runner = world.next_runner().await;
    world.run(&two, json!({})).await;
    let other = world.next_runner().await;
    let (_, mac) = runner.order.token.split_once('.').expect("two parts");
    let tokens = [
        other.order.token.clone(),
        format!("{two}.{mac}"),
        format!("{one}.{}", "0".repeat(64)),
        format!("{one}."),
        String::new(),
    ];
    let body = serde_json::to_string(&runner.hello()).expect("JSON");
    for token in tokens {
        for path in [transport::HELLO] {
            let answer = world.send(to_desk(path, &token, body.clone())).await;
            assert_eq!((answer.status, answer.text.as_str()), (403, "the token is not this worker's"));
        }
    }
    let bare = Request::post(transport::HELLO).header("content-type", "application/json");
    assert_eq!(world.send(bare.body(body.into()).expect("a request")).await.status, 403);
    assert!(matches!(world.hello(&runner).await, Greeting::Assigned(_)), "nobody has spoken for it");
}

async fn fails_a_run_whose_role_is_refused(world: World) {
    let app = world.application(json!({})).await;
    let role = "arn:aws:iam::000000000000:role/nobody";
    let logs = json!({ "monitoringConfiguration": { "s3MonitoringConfiguration": { "logUri": "s3://l/" } } });
    let run = world.run(&app, json!({ "executionRoleArn": role, "configurationOverrides": logs })).await;
    let runner = world.next_runner().await;
    assert_eq!(world.hello(&runner).await, Greeting::Refused(RefusedHello::Released));
    world.substrate.die(&runner.order.worker);
    let failed = world.run_is(&app, &run, "FAILED").await;
    let text = format!(
        "Could not assume runtime role {role} because it doesn't exist or isn't setup with the required trust relationship."
    );
    assert_eq!(failed["stateDetails"], text);
}

async fn waits_for_a_role_that_gets_no_answer(world: World) {
    let app = world.application(json!({})).await;
    let role = "arn:aws:iam::000000000000:role/busy";
    let run = world.run(&app, json!({ "executionRoleArn": role })).await;
    let runner = world.next_runner().await;
    for _ in 0..2 {
        let answer = world.call_desk(transport::HELLO, &runner.order.token, &runner.hello()).await;
        assert_eq!((answer.status, answer.text.as_str()), (503, "STS does not answer"));
    }
    let waiting = world.get_run(&app, &run).await;
    assert_eq!(waiting["state"], "SCHEDULED");
    let why = format!("Waiting for credentials of runtime role {role}: STS does not answer");
    assert_eq!(waiting["stateDetails"], why);
}

async fn takes_hostile_calls(world: World) {
    let app = world.application(json!({})).await;
    world.run(&app, json!({})).await;
    let token = world.next_runner().await.order.token;
    for path in [transport::HELLO, transport::EXCHANGE, transport::END] {
        for body in ["", "null", "{}", "[[[[", "{\"worker\":7}", "{\"worker\":\"\"}"] {
            let status = world.send(to_desk(path, &token, body.to_owned())).await.status;
            assert!((400..500).contains(&status), "{path} {body} {status}");
        }
    }
}
