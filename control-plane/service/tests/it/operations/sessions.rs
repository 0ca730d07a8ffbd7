//! StartSession, GetSession, ListSessions, TerminateSession, GetSessionEndpoint, GetResourceDashboard: no session exists yet.

use crate::world::{ROLE, World, merged, stories};
use firesteel_wire::Operation::{self, GetResourceDashboard, ListSessions, StartSession};
use firesteel_wire::shapes::{ListSessionsResponse, SessionState};
use serde_json::{Value, json};

stories! {
    checks_a_start_as_aws_would_and_then_refuses_it,
    starts_nothing,
    knows_no_session,
    lists_none,
    checks_filters,
    knows_no_application,
}

async fn start(world: &World, app: &str, members: Value) -> crate::world::Answer {
    let usual =
        json!({ "applicationId": app, "clientToken": world.token(), "executionRoleArn": ROLE, "name": "n" });
    world.call(StartSession, merged(usual, members)).await
}

async fn checks_a_start_as_aws_would_and_then_refuses_it(world: World) {
    let on = json!({ "sessionEnabled": true });
    let off = json!({ "enabled": false });
    let waits = "must be STARTED to accept sessions, or CREATED or STOPPED with autoStartConfiguration enabled. Current status: CREATED";
    let not_run =
        "Sessions are not run by this version of Firesteel. Submit the work with StartJobRun instead.";
    let too_old = "Sessions need release label emr-7.13.0 or later. The application has 'emr-7.12.0'.";
    let table = [
        (json!({ "interactiveConfiguration": on, "releaseLabel": "emr-7.12.0" }), too_old.to_owned()),
        (
            json!({}),
            "Application {} does not accept sessions: interactiveConfiguration.sessionEnabled must be true."
                .to_owned(),
        ),
        (
            json!({ "interactiveConfiguration": on, "autoStartConfiguration": off }),
            format!("Application {{}} {waits}"),
        ),
        (json!({ "interactiveConfiguration": on }), not_run.to_owned()),
        (json!({ "interactiveConfiguration": on, "releaseLabel": "emr-spark-8.0.0" }), not_run.to_owned()),
    ];
    for (members, expected) in table {
        let app = world.application(members).await;
        let answer = start(&world, &app, json!({})).await;
        answer.refused(400, "ValidationException", &expected.replace("{}", &app));
    }
    let app = world.application(json!({ "interactiveConfiguration": on })).await;
    let foreign = json!({ "executionRoleArn": "arn:aws:iam::111111111111:role/job" });
    start(&world, &app, foreign).await.refused(
        403,
        "AccessDeniedException",
        "Cross-account pass role is not allowed.",
    );
}

/// A refused start leaves the application where it was: it is not even started.
async fn starts_nothing(world: World) {
    let app = world.application(json!({ "interactiveConfiguration": { "sessionEnabled": true } })).await;
    start(&world, &app, json!({})).await.error();
    assert_eq!(world.get(&app).await["state"], "CREATED");
    world.call(Operation::DeleteApplication, json!({ "applicationId": app })).await.ok();
    let gone = format!("Application {app} does not exist");
    start(&world, &app, json!({})).await.refused(404, "ResourceNotFoundException", &gone);
}

async fn knows_no_session(world: World) {
    let app = world.application(json!({})).await;
    for operation in [Operation::GetSession, Operation::TerminateSession, Operation::GetSessionEndpoint] {
        let answer = world.call(operation, json!({ "applicationId": app, "sessionId": "00s1" })).await;
        answer.refused(404, "ResourceNotFoundException", "Session 00s1 does not exist");
    }
    let input = json!({ "applicationId": app, "resourceId": "00s2", "resourceType": "SESSION" });
    let answer = world.call(GetResourceDashboard, input).await;
    answer.refused(404, "ResourceNotFoundException", "Session 00s2 does not exist");
}

async fn lists_none(world: World) {
    let app = world.application(json!({})).await;
    let states: Vec<&str> = SessionState::ALL.iter().map(|state| state.as_str()).collect();
    let asked = [
        json!({}),
        json!({ "states": states, "maxResults": 50 }),
        json!({ "createdAtAfter": 1.5, "createdAtBefore": 2 }),
    ];
    for members in asked {
        let input = merged(json!({ "applicationId": app }), members);
        let page: ListSessionsResponse = world.call(ListSessions, input).await.shape();
        assert_eq!((page.sessions, page.next_token), (Vec::new(), None));
    }
}

async fn checks_filters(world: World) {
    let app = world.application(json!({})).await;
    for members in [
        json!({ "states": ["RUNNING"] }),
        json!({ "maxResults": 51 }),
        json!({ "nextToken": "abc" }),
        json!({ "nextToken": "a b" }),
    ] {
        let input = merged(json!({ "applicationId": app }), members);
        assert_eq!(world.call(ListSessions, input).await.kind(), (400, "ValidationException".to_owned()));
    }
    let input = json!({ "applicationId": app, "resourceId": "00s1", "resourceType": "JOB" });
    let (status, _, message) = world.call(GetResourceDashboard, input).await.error();
    assert_eq!(status, 400);
    assert!(message.contains("at 'resourceType'") && message.ends_with("[SESSION]"), "{message}");
}

async fn knows_no_application(world: World) {
    let usual = json!({ "applicationId": "00none", "sessionId": "00s1", "resourceId": "00s1", "resourceType": "SESSION",
        "clientToken": "t", "executionRoleArn": ROLE });
    for operation in [
        StartSession,
        Operation::GetSession,
        ListSessions,
        Operation::TerminateSession,
        Operation::GetSessionEndpoint,
        GetResourceDashboard,
    ] {
        let answer = world.call(operation, usual.clone()).await;
        answer.refused(404, "ResourceNotFoundException", "Application 00none does not exist");
    }
}
