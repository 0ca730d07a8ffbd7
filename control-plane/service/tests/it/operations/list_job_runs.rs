//! ListJobRuns: one list over the runs of the state and of history.

use crate::world::{World, merged, stories};
use firesteel_wire::Operation::{CancelJobRun, ListJobRuns};
use firesteel_wire::shapes::{ListJobRunsResponse, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

stories! {
    shows_summaries,
    pages_over_active_and_archived_runs,
    filters,
    shows_each_run_once_while_runs_are_archived,
    keeps_a_token_to_its_filters,
}

async fn page(world: &World, input: &Value) -> ListJobRunsResponse {
    world.call(ListJobRuns, input.clone()).await.shape()
}

/// Ids on all pages.
async fn all(world: &World, app: &str, filters: Value) -> Vec<String> {
    let mut input = merged(json!({ "applicationId": app }), filters);
    let mut found = Vec::new();
    loop {
        let page = page(world, &input).await;
        found.extend(page.job_runs.into_iter().map(|run| run.id));
        match page.next_token {
            Some(token) => input["nextToken"] = json!(token),
            None => return found,
        }
    }
}

/// Runs a millisecond apart, newest last.
async fn runs(world: &World, app: &str, count: usize) -> Vec<String> {
    let mut made = Vec::new();
    for _ in 0..count {
        made.push(world.run(app, json!({})).await);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    made
}

async fn cancel(world: &World, app: &str, run: &str) {
    world.call(CancelJobRun, json!({ "applicationId": app, "jobRunId": run })).await.ok();
}

/// An application whose runs wait, as its release is not ready.
async fn waiting(world: &World) -> String {
    world.runtimes.stand(firesteel_core::command::Runtime::Preparing(String::new()));
    world.application(json!({})).await
}

async fn shows_summaries(world: World) {
    let app = waiting(&world).await;
    assert_eq!(page(&world, &json!({ "applicationId": app })).await.job_runs.len(), 0);
    let run = world.run(&app, json!({ "name": "n", "tags": { "a": "b" } })).await;
    let listed = page(&world, &json!({ "applicationId": app })).await;
    assert_eq!((&listed.job_runs[0].id, listed.next_token), (&run, None));
    assert_eq!(listed.job_runs[0].r#type.as_deref(), Some("Spark"));
    let unknown = world.call(ListJobRuns, json!({ "applicationId": "00nobody" })).await;
    assert_eq!(unknown.kind(), (404, "ResourceNotFoundException".to_owned()));
}

async fn pages_over_active_and_archived_runs(mut world: World) {
    let app = waiting(&world).await;
    let mut made = runs(&world, &app, 9).await;
    for run in made.iter().step_by(2) {
        cancel(&world, &app, run).await;
        world.archived(run).await;
    }
    made.reverse();
    for _ in 0..2 {
        for size in [1, 2, 3, 9, 10, 50] {
            assert_eq!(all(&world, &app, json!({ "maxResults": size })).await, made, "{size} a page");
        }
        world.restart().await;
    }
}

async fn filters(world: World) {
    let app = waiting(&world).await;
    let mut made = runs(&world, &app, 4).await;
    let streaming = world.run(&app, json!({ "mode": "STREAMING" })).await;
    for run in [&made[0], &made[2]] {
        cancel(&world, &app, run).await;
        world.archived(run).await;
    }
    let archived = vec![made[2].clone(), made[0].clone()];
    assert_eq!(all(&world, &app, json!({ "states": ["CANCELLED"] })).await, archived);
    assert_eq!(all(&world, &app, json!({ "states": ["CANCELLED"], "maxResults": 1 })).await, archived);
    assert_eq!(all(&world, &app, json!({ "states": ["RUNNING", "FAILED"] })).await, [""; 0]);
    assert_eq!(all(&world, &app, json!({ "states": ["SUBMITTED", "CANCELLED"] })).await.len(), 5);
    assert_eq!(all(&world, &app, json!({ "mode": "STREAMING" })).await, [streaming]);
    made.reverse();
    assert_eq!(all(&world, &app, json!({ "mode": "BATCH" })).await, made);
    let created = world.get_run(&app, &made[1]).await["createdAt"].as_f64().expect("seconds");
    let iso = Timestamp((created * 1000.0).round() as i64).to_iso().expect("a date");
    let after = all(&world, &app, json!({ "createdAtAfter": iso, "mode": "BATCH" })).await;
    assert_eq!(after, made[..2]);
    let before = all(&world, &app, json!({ "createdAtBefore": iso })).await;
    assert_eq!(before, made[1..]);
}

async fn shows_each_run_once_while_runs_are_archived(world: World) {
    let app = waiting(&world).await;
    let mut made = runs(&world, &app, 30).await;
    let listing = async {
        let mut lists = Vec::new();
        for size in [1, 2, 3, 4, 5, 7, 11] {
            lists.push(all(&world, &app, json!({ "maxResults": size })).await);
        }
        lists
    };
    let ending = async {
        for run in &made {
            cancel(&world, &app, run).await;
            tokio::task::yield_now().await;
        }
    };
    let (lists, ()) = tokio::join!(listing, ending);
    made.reverse();
    for list in lists {
        assert_eq!(list, made);
    }
}

async fn keeps_a_token_to_its_filters(world: World) {
    let app = waiting(&world).await;
    runs(&world, &app, 3).await;
    let first = page(&world, &json!({ "applicationId": app, "maxResults": 1 })).await;
    let token = first.next_token.expect("more");
    let other = json!({ "applicationId": app, "nextToken": token, "mode": "BATCH" });
    assert_eq!(world.call(ListJobRuns, other).await.kind(), (400, "ValidationException".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is archived, running or filtered, the pages put together are the list, by several states in groups.
    #[test]
    fn pages_put_together_are_the_list(
        ends in proptest::collection::vec(0u8..3, 1..14),
        size in 1usize..6,
        states in proptest::sample::subsequence(vec!["SUBMITTED", "CANCELLED"], 0..=2),
        pair: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.expect("a runtime").block_on(check_pages(ends, size, states, pair))?;
    }
}

async fn check_pages(ends: Vec<u8>, size: usize, states: Vec<&str>, pair: bool) -> Result<(), TestCaseError> {
    let world = if pair { World::pair().await } else { World::alone().await };
    let app = waiting(&world).await;
    let made = runs(&world, &app, ends.len()).await;
    let (mut waiting, mut cancelled, mut all_of_them) = (Vec::new(), Vec::new(), Vec::new());
    for (run, end) in made.iter().zip(&ends) {
        if *end > 0 {
            cancel(&world, &app, run).await;
        }
        if *end > 1 {
            world.archived(run).await;
        }
        let group = if *end > 0 { &mut cancelled } else { &mut waiting };
        group.insert(0, run.clone());
        all_of_them.insert(0, run.clone());
    }
    let group = |state: &str| if state == "CANCELLED" { cancelled.clone() } else { waiting.clone() };
    let expected = match states.is_empty() {
        true => all_of_them,
        false => states.iter().flat_map(|state| group(state)).collect(),
    };
    prop_assert_eq!(all(&world, &app, json!({ "maxResults": size, "states": states })).await, expected);
    Ok(())
}
