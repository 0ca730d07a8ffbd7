//! Who may do what: policies, roles that are passed, tags, and keys that end.

use crate::world::{ACCESS_KEY, ACCOUNT, Answer, REGION, ROLE, World, merged, signed_by, stories};
use firesteel_core::time::{MINUTE, Millis};
use firesteel_journal::Clock as _;
use firesteel_protocol::Greeting;
use firesteel_service::Identity;
use firesteel_service::authorization::Policy;
use firesteel_wire::{Input, Operation, client};
use serde_json::{Value, json};
use std::sync::Arc;

stories! {
    the_callers_arn_is_the_runs_creator,
    each_action_is_refused_with_its_resource,
    nobody_learns_which_ids_exist,
    a_role_must_be_one_that_may_be_passed,
    a_role_of_another_account_is_passed_by_nobody,
    an_explicit_deny_says_so,
    tags_decide_where_a_policy_asks_for_them,
    temporary_keys_need_their_token_and_end,
    a_policy_that_does_not_exist_fails_the_run,
}

const KEY: &str = "AKIAENGINEER00000000";
const SECRET: &str = "engineer-secret";
const ENGINEER: &str = "arn:aws:iam::000000000000:user/engineer";
const UNKNOWN: &str = "00f1cbsc6anuij25";

fn identity(statements: Value) -> Identity {
    let policy: Policy = serde_json::from_value(statements).expect("a policy");
    Identity { secret: SECRET.to_owned(), arn: ENGINEER.to_owned(), policy: Arc::new(policy), expires: None }
}

fn engineer(world: &World, statements: Value) {
    world.keys.more.lock().expect("whole").insert(KEY.to_owned(), (None, identity(statements)));
}

async fn call_with(world: &World, token: Option<&str>, operation: Operation, input: Value) -> Answer {
    let input: Input = input.as_object().expect("an object").clone();
    let request = client::request(operation, &input).expect("a request");
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    let (target, body) = (format!("{}{query}", request.path), request.body.unwrap_or_default());
    let headers: Vec<(&str, &str)> = token.map(|token| ("x-amz-security-token", token)).into_iter().collect();
    world.send(signed_by(&world.clock, (KEY, SECRET), &request.method, &target, body.into(), &headers)).await
}

async fn call(world: &World, operation: Operation, input: Value) -> Answer {
    call_with(world, None, operation, input).await
}

fn application_arn(id: &str) -> String {
    format!("arn:aws:emr-serverless:{REGION}:{ACCOUNT}:/applications/{id}")
}

fn new_run(world: &World, application: &str, more: Value) -> Value {
    let usual = json!({
        "applicationId": application,
        "clientToken": world.token(),
        "executionRoleArn": ROLE,
        "jobDriver": { "sparkSubmit": { "entryPoint": "s3://bucket/job.py" } },
    });
    merged(usual, more)
}

#[track_caller]
fn denied(answer: &Answer, action: &str, resource: &str) {
    assert_eq!(answer.kind(), (403, "AccessDeniedException".to_owned()), "{}", answer.text);
    let expected = format!(
        "User: {ENGINEER} is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
    );
    assert_eq!(answer.json()["message"], expected);
}

async fn the_callers_arn_is_the_runs_creator(world: World) {
    let app = world.application(json!({})).await;
    engineer(
        &world,
        json!([{ "actions": ["emr-serverless:*JobRun"], "applications": [app], "pass_roles": [ROLE] }]),
    );
    let run = call(&world, Operation::StartJobRun, new_run(&world, &app, json!({}))).await;
    let run: String = run.member("jobRunId");
    let get = json!({ "applicationId": app, "jobRunId": run });
    let found = call(&world, Operation::GetJobRun, get).await.ok();
    assert_eq!(found["jobRun"]["createdBy"], ENGINEER);
    let own = world.run(&app, json!({})).await;
    assert_eq!(world.get_run(&app, &own).await["createdBy"], "arn:aws:iam::000000000000:user/somebody");
}

async fn each_action_is_refused_with_its_resource(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    engineer(&world, json!([]));
    let arn = application_arn(&app);
    let run_arn = format!("{arn}/jobruns/{run}");
    let of = json!({ "applicationId": app, "jobRunId": run, "clientToken": "t" });
    let table = [
        (
            Operation::CreateApplication,
            json!({ "type": "SPARK", "releaseLabel": "emr-7.13.0", "clientToken": "t" }),
            "*",
        ),
        (Operation::ListApplications, json!({}), "*"),
        (Operation::GetApplication, of.clone(), &arn),
        (Operation::UpdateApplication, of.clone(), &arn),
        (Operation::StartApplication, of.clone(), &arn),
        (Operation::StopApplication, of.clone(), &arn),
        (Operation::DeleteApplication, of.clone(), &arn),
        (Operation::StartJobRun, new_run(&world, &app, json!({})), &arn),
        (Operation::ListJobRuns, of.clone(), &arn),
        (Operation::GetJobRun, of.clone(), &run_arn),
        (Operation::ListJobRunAttempts, of.clone(), &run_arn),
        (Operation::GetDashboardForJobRun, of.clone(), &run_arn),
        (Operation::CancelJobRun, of, &run_arn),
        (Operation::TagResource, json!({ "resourceArn": run_arn, "tags": { "a": "b" } }), &run_arn),
        (Operation::UntagResource, json!({ "resourceArn": arn, "tagKeys": ["a"] }), &arn),
        (Operation::ListTagsForResource, json!({ "resourceArn": arn }), &arn),
    ];
    for (operation, input, resource) in table {
        let answer = call(&world, operation, input).await;
        denied(&answer, &format!("emr-serverless:{operation}"), resource);
    }
    assert_ne!(world.get(&app).await["state"], "TERMINATED", "nothing came of it");
}

async fn nobody_learns_which_ids_exist(world: World) {
    let app = world.application(json!({})).await;
    let other = world.application(json!({})).await;
    engineer(&world, json!([{ "actions": ["*"], "applications": [app] }]));
    for id in [other.as_str(), UNKNOWN] {
        let answer = call(&world, Operation::GetApplication, json!({ "applicationId": id })).await;
        denied(&answer, "emr-serverless:GetApplication", &application_arn(id));
        let run = json!({ "applicationId": id, "jobRunId": UNKNOWN });
        let answer = call(&world, Operation::GetJobRun, run).await;
        denied(&answer, "emr-serverless:GetJobRun", &format!("{}/jobruns/{UNKNOWN}", application_arn(id)));
    }
    let run = json!({ "applicationId": app, "jobRunId": UNKNOWN });
    assert_eq!(call(&world, Operation::GetJobRun, run).await.kind().0, 404, "their own may be asked about");
    let bad = call(&world, Operation::GetApplication, json!({ "applicationId": "NO" })).await;
    assert_eq!(bad.kind().0, 400, "what is no request is no question either");
}

async fn a_role_must_be_one_that_may_be_passed(world: World) {
    let app = world.application(json!({})).await;
    let pass = format!("arn:aws:iam::{ACCOUNT}:role/etl-*");
    engineer(
        &world,
        json!([{ "actions": ["emr-serverless:StartJobRun"], "applications": [app], "pass_roles": [pass] }]),
    );
    let start = async |role: &str| {
        call(&world, Operation::StartJobRun, new_run(&world, &app, json!({ "executionRoleArn": role }))).await
    };
    denied(&start(ROLE).await, "iam:PassRole", ROLE);
    assert_eq!(start(&format!("arn:aws:iam::{ACCOUNT}:role/etl-7")).await.status, 200);
}

async fn a_role_of_another_account_is_passed_by_nobody(world: World) {
    let app = world.application(json!({})).await;
    engineer(&world, json!([{ "actions": ["*"], "applications": ["*"], "pass_roles": ["*"] }]));
    let role = "arn:aws:iam::210987654321:role/etl";
    for answer in [
        call(&world, Operation::StartJobRun, new_run(&world, &app, json!({ "executionRoleArn": role })))
            .await,
        world.start_run(&app, json!({ "executionRoleArn": role })).await,
    ] {
        assert_eq!(answer.kind(), (403, "AccessDeniedException".to_owned()));
        assert_eq!(answer.json()["message"], "Cross-account pass role is not allowed.");
    }
}

async fn an_explicit_deny_says_so(world: World) {
    let app = world.application(json!({})).await;
    engineer(
        &world,
        json!([
            { "actions": ["*"], "applications": ["*"] },
            { "effect": "deny", "actions": ["emr-serverless:Delete*"], "applications": [app] },
        ]),
    );
    let answer = call(&world, Operation::DeleteApplication, json!({ "applicationId": app })).await;
    assert_eq!(answer.kind(), (403, "AccessDeniedException".to_owned()));
    let message = answer.json()["message"].as_str().expect("a text").to_owned();
    let end =
        format!("on resource: {} with an explicit deny in an identity-based policy", application_arn(&app));
    assert!(message.ends_with(&end), "{message}");
    call(&world, Operation::GetApplication, json!({ "applicationId": app })).await.ok();
}

async fn tags_decide_where_a_policy_asks_for_them(world: World) {
    let theirs = world.application(json!({ "tags": { "team": "genomics" } })).await;
    let other = world.application(json!({ "tags": { "team": "finance" } })).await;
    engineer(
        &world,
        json!([{ "actions": ["*"], "applications": ["*"], "tags": { "team": "gen*" }, "pass_roles": [ROLE] }]),
    );
    call(&world, Operation::GetApplication, json!({ "applicationId": theirs })).await.ok();
    assert_eq!(call(&world, Operation::StartJobRun, new_run(&world, &theirs, json!({}))).await.status, 200);
    for id in [other.as_str(), UNKNOWN] {
        let answer = call(&world, Operation::GetApplication, json!({ "applicationId": id })).await;
        denied(&answer, "emr-serverless:GetApplication", &application_arn(id));
    }
    let create = |team: &str| json!({ "type": "SPARK", "releaseLabel": "emr-7.13.0", "clientToken": world.token(), "tags": { "team": team } });
    denied(
        &call(&world, Operation::CreateApplication, create("finance")).await,
        "emr-serverless:CreateApplication",
        "*",
    );
    assert_eq!(call(&world, Operation::CreateApplication, create("genetics")).await.status, 200);
}

async fn temporary_keys_need_their_token_and_end(world: World) {
    let ends = Millis(world.clock.now()).plus(10 * MINUTE);
    let mut session = identity(json!([{ "actions": ["*"], "applications": ["*"] }]));
    session.expires = Some(ends);
    world.keys.more.lock().expect("whole").insert(KEY.to_owned(), (Some("token".to_owned()), session));
    let list = async |token| call_with(&world, token, Operation::ListApplications, json!({})).await;
    list(Some("token")).await.ok();
    for token in [None, Some("forged")] {
        let answer = list(token).await;
        assert_eq!(answer.kind(), (403, "UnrecognizedClientException".to_owned()));
        assert_eq!(answer.json()["message"], "The security token included in the request is invalid.");
    }
    tokio::time::sleep(std::time::Duration::from_secs(601)).await;
    let answer = list(Some("token")).await;
    assert_eq!(answer.kind(), (403, "ExpiredTokenException".to_owned()));
    assert_eq!(answer.json()["message"], "The security token included in the request is expired");
    let long_lived = signed_by(
        &world.clock,
        (ACCESS_KEY, crate::world::SECRET),
        "GET",
        "/applications",
        Vec::new(),
        &[("x-amz-security-token", "token")],
    );
    assert_eq!(world.send(long_lived).await.kind().1, "UnrecognizedClientException", "that key has no token");
}

async fn a_policy_that_does_not_exist_fails_the_run(world: World) {
    let app = world.application(json!({})).await;
    let nowhere = format!("arn:aws:iam::{ACCOUNT}:policy/nowhere");
    let narrowed = json!({ "executionIamPolicy": { "policyArns": [nowhere] } });
    let run = world.run(&app, narrowed).await;
    let runner = world.next_runner().await;
    assert!(matches!(world.hello(&runner).await, Greeting::Refused(_)), "no credentials, no job");
    let failed = world.run_is(&app, &run, "FAILED").await;
    let details = failed["stateDetails"].as_str().expect("a text");
    assert!(details.starts_with(&format!("Could not narrow runtime role {ROLE}")), "{details}");
    assert!(details.contains(&nowhere) && details.contains("does not exist"), "{details}");
}
