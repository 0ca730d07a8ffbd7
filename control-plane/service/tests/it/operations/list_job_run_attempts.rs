//! ListJobRunAttempts.

use crate::world::{World, stories};
use firesteel_wire::Operation::ListJobRunAttempts;
use firesteel_wire::shapes::{JobRunAttemptSummary, ListJobRunAttemptsResponse};
use serde_json::json;

stories! { shows_the_first_attempt_from_the_first_moment, refuses_what_is_not_there }

/// Some clients index the list by the attempt's number right after StartJobRun.
async fn shows_the_first_attempt_from_the_first_moment(world: World) {
    world.runtimes.stand(firesteel_core::command::Runtime::Preparing(String::new()));
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({ "name": "n" })).await;
    let only = async || -> JobRunAttemptSummary {
        let input = json!({ "applicationId": app, "jobRunId": run });
        let listed: ListJobRunAttemptsResponse = world.call(ListJobRunAttempts, input).await.shape();
        assert_eq!((listed.job_run_attempts.len(), listed.next_token), (1, None));
        listed.job_run_attempts[0].clone()
    };
    let first = only().await;
    assert_eq!((&first.id, first.attempt, first.state.as_str()), (&run, Some(1), "SUBMITTED"));
    assert_eq!(first.created_at, first.job_created_at);
    world.runtimes.stand(firesteel_core::command::Runtime::Ready);
    let driver = world.driver().await;
    assert_eq!((only().await.attempt, only().await.state.as_str()), (Some(1), "RUNNING"));
    driver.end(0).await;
    world.archived(&run).await;
    let last = only().await;
    assert_eq!((last.attempt, last.state.as_str()), (Some(1), "SUCCESS"));
    assert_eq!(last.job_created_at, first.job_created_at);
}

async fn refuses_what_is_not_there(world: World) {
    let app = world.application(json!({})).await;
    let input = json!({ "applicationId": app, "jobRunId": "00nobody" });
    let text = "JobRun 00nobody does not exist";
    world.call(ListJobRunAttempts, input).await.refused(404, "ResourceNotFoundException", text);
}
