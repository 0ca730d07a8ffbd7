//! A long past: what operations cost in requests to the store, whatever was settled before, and that all of it is found.

use crate::world::{Answer, World};
use firesteel_journal::{Clock, Counts, Deps, Store};
use firesteel_service::past::{self, Past};
use firesteel_wire::Operation::{self, *};
use firesteel_wire::shapes::{ListJobRunsResponse, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A world whose one application has settled so many runs, and has one that waits.
struct Old {
    world: World,
    app: String,
    past: Past,
    first: String,
    waiting: String,
}

impl Old {
    async fn new(world: World, runs: u64) -> Self {
        Self::with_records(world, runs, 16.min(runs)).await
    }

    async fn with_records(mut world: World, runs: u64, records: u64) -> Self {
        world.runtimes.stand(firesteel_core::command::Runtime::Preparing(String::new()));
        let app = world.application(json!({})).await;
        let first = world.run(&app, json!({})).await;
        world.call(CancelJobRun, json!({ "applicationId": app, "jobRunId": first })).await.ok();
        world.archived(&first).await;
        let newest = firesteel_core::time::Millis(world.clock.now() - 3_600_000);
        let past = Past { application: app.clone(), runs, records, newest };
        let (store, deps): (Arc<dyn Store>, _) = (world.store.clone(), deps(&world));
        past::write(store, deps, &past).await.expect("a past");
        world.restart().await;
        let waiting = world.run(&app, json!({})).await;
        tokio::time::sleep(Duration::from_secs(40)).await;
        Self { world, app, past, first, waiting }
    }

    fn nth(&self, n: u64) -> String {
        past::nth(&self.past, n).0.to_string()
    }

    /// A run's resource.
    fn resource(&self, n: u64) -> Value {
        let (app, id) = (&self.app, self.nth(n));
        let arn = format!("arn:aws:emr-serverless:us-east-1:000000000000:/applications/{app}/jobruns/{id}");
        json!({ "resourceArn": arn, "applicationId": null })
    }

    fn start(&self) -> Value {
        let driver = json!({ "sparkSubmit": { "entryPoint": "s3://bucket/job.py" } });
        let role = crate::world::ROLE;
        json!({ "clientToken": self.world.token(), "executionRoleArn": role, "jobDriver": driver })
    }

    /// What the store was asked while the operation was answered, whatever the answer is.
    async fn cost(&self, operation: Operation, members: Value) -> (Answer, String) {
        let input = crate::world::merged(json!({ "applicationId": self.app }), members);
        self.world.requests.take();
        let answer = self.world.call(operation, input).await;
        let counts = self.world.requests.take();
        tokio::time::sleep(Duration::from_secs(30)).await;
        (answer, in_words(counts))
    }

    /// Ids on all pages.
    async fn all(&self, filters: Value) -> Vec<String> {
        let mut input = crate::world::merged(json!({ "applicationId": self.app }), filters);
        let mut found = Vec::new();
        loop {
            let page: ListJobRunsResponse = self.world.call(ListJobRuns, input.clone()).await.shape();
            found.extend(page.job_runs.into_iter().map(|run| run.id));
            match page.next_token {
                Some(token) => input["nextToken"] = json!(token),
                None => return found,
            }
        }
    }

    /// Size of the newest checkpoint.
    fn checkpoint_bytes(&self) -> usize {
        let prefix = format!("applications/{}/checkpoints/", self.app);
        let objects = self.world.store.objects();
        objects
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix))
            .map(|(_, body)| body.len())
            .last()
            .expect("one")
    }
}

fn in_words(counts: Counts) -> String {
    let Counts { create, put, get, list, delete, .. } = counts;
    let kinds = [(create, "create"), (put, "PUT"), (get, "GET"), (list, "LIST"), (delete, "DELETE")];
    let some = kinds.into_iter().filter(|(count, _)| *count > 0);
    some.map(|(count, kind)| format!("{count} {kind}")).collect::<Vec<_>>().join(" + ")
}

fn deps(world: &World) -> Deps {
    let marks = world.clock.clone();
    let marks = move || format!("past-{:x}", firesteel_service::World::chance(&*marks));
    Deps { clock: world.clock.clone(), marks: Arc::new(marks) }
}

/// Operation, its case, and what it costs with 10, 10,000 and 1,000,000 settled runs: docs/storage.md has this table.
type Table = Vec<(&'static str, [String; 3])>;

fn expected() -> Table {
    let row = |name, costs: [&str; 3]| (name, costs.map(str::to_owned));
    vec![
        row("GetJobRun, live", ["", "", ""]),
        row("GetJobRun, settled lately", ["1 GET", "1 GET", "1 GET"]),
        row("GetJobRun, settled long ago", ["1 GET", "1 GET", "1 GET"]),
        row("GetJobRun, the same again", ["", "", ""]),
        row("ListJobRunAttempts, settled long ago", ["1 GET", "1 GET", "1 GET"]),
        row("ListJobRuns, newest", ["", "", "1 GET"]),
        row("ListJobRuns, from the middle", ["", "1 GET", "6 GET"]),
        row("ListJobRuns, RUNNING", ["", "", ""]),
        row("ListJobRuns, FAILED", ["", "", ""]),
        row("ListJobRuns, CANCELLED from the middle", ["", "", "2 GET"]),
        row("ListJobRuns, STREAMING from the middle", ["", "", "1 GET"]),
        row("ListJobRuns, FAILED and STREAMING", ["", "", ""]),
        row("ListTagsForResource, settled long ago", ["1 GET", "1 GET", "1 GET"]),
        row("TagResource, settled long ago", ["1 create + 1 GET", "1 create + 1 GET", "1 create + 1 GET"]),
        row("CancelJobRun, settled long ago", ["1 GET", "1 GET", "1 GET"]),
        row("StartJobRun", ["1 create", "1 create", "1 create"]),
    ]
}

/// Each case, asked right after a start: nothing is remembered.
async fn costs(old: &mut Old) -> Vec<(&'static str, String)> {
    let run = |id: &String| json!({ "jobRunId": id });
    let [oldest, recent] = [old.nth(0), old.nth(old.past.runs - 1)];
    let middle = firesteel_core::id::created_at(&old.nth(old.past.runs / 2)).expect("a time").0;
    let middle = Timestamp(middle).to_iso().expect("a date");
    let before = |members: Value| crate::world::merged(json!({ "createdAtBefore": middle }), members);
    let tags = crate::world::merged(old.resource(3), json!({ "tags": { "a": "b" } }));
    let cases = [
        ("GetJobRun, live", GetJobRun, run(&old.waiting)),
        ("GetJobRun, settled lately", GetJobRun, run(&recent)),
        ("GetJobRun, settled long ago", GetJobRun, run(&oldest)),
        ("GetJobRun, the same again", GetJobRun, run(&oldest)),
        ("ListJobRunAttempts, settled long ago", ListJobRunAttempts, run(&old.nth(1))),
        ("ListJobRuns, newest", ListJobRuns, json!({})),
        ("ListJobRuns, from the middle", ListJobRuns, before(json!({}))),
        ("ListJobRuns, RUNNING", ListJobRuns, json!({ "states": ["RUNNING"] })),
        ("ListJobRuns, FAILED", ListJobRuns, json!({ "states": ["FAILED"] })),
        ("ListJobRuns, CANCELLED from the middle", ListJobRuns, before(json!({ "states": ["CANCELLED"] }))),
        ("ListJobRuns, STREAMING from the middle", ListJobRuns, before(json!({ "mode": "STREAMING" }))),
        (
            "ListJobRuns, FAILED and STREAMING",
            ListJobRuns,
            json!({ "states": ["FAILED"], "mode": "STREAMING" }),
        ),
        ("ListTagsForResource, settled long ago", ListTagsForResource, old.resource(2)),
        ("TagResource, settled long ago", TagResource, tags),
        ("CancelJobRun, settled long ago", CancelJobRun, run(&oldest)),
        ("StartJobRun", StartJobRun, old.start()),
    ];
    let mut found = Vec::new();
    for (name, operation, members) in cases {
        if !name.ends_with("again") {
            old.world.restart().await;
            // Between two ticks, and before the journal has been idle for so long that it looks first.
            tokio::time::sleep(Duration::from_secs(25)).await;
        }
        found.push((name, old.cost(operation, members).await.1));
    }
    found
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_costs_the_same_whatever_was_settled_before() {
    let mut table: Table = Vec::new();
    for (place, runs) in [10, 10_000, 1_000_000].into_iter().enumerate() {
        let mut old = Old::new(World::alone().await, runs).await;
        for (row, (name, cost)) in costs(&mut old).await.into_iter().enumerate() {
            if table.len() <= row {
                table.push((name, Default::default()));
            }
            table[row].1[place] = cost;
        }
        let bytes = old.checkpoint_bytes();
        assert!(bytes < 2 << 20, "{bytes} bytes of state beside {runs} settled runs");
    }
    assert_eq!(table, expected(), "{table:#?}");
}

/// Beside another control plane an answer also asks once whether the state is the newest.
#[tokio::test(start_paused = true)]
async fn beside_another_control_plane_an_answer_costs_one_request_more() {
    let alone = costs(&mut Old::new(World::alone().await, 10_000).await).await;
    let pair = costs(&mut Old::new(World::pair().await, 10_000).await).await;
    let gets = |cost: &str| -> u64 {
        let gets = cost.split(" + ").find_map(|part| part.strip_suffix(" GET"));
        gets.map_or(0, |gets| gets.parse().expect("a number"))
    };
    for ((name, alone), (_, pair)) in
        alone.iter().zip(&pair).filter(|((name, _), _)| !name.starts_with("Start"))
    {
        // Each of the two has read other segments before.
        assert!(
            gets(pair) <= gets(alone) + 6 && gets(pair) > 0,
            "{name}: {alone} alone, {pair} beside another"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn all_of_a_long_past_is_found_page_by_page() {
    let old = Old::new(World::alone().await, 5_000).await;
    for (members, passes) in [
        (json!({}), (|_, _| true) as fn(&str, &str) -> bool),
        (json!({ "states": ["CANCELLED"] }), |state, _| state == "CANCELLED"),
        (json!({ "mode": "STREAMING" }), |_, mode| mode == "STREAMING"),
        (json!({ "states": ["SUCCESS"], "mode": "STREAMING" }), |s, m| s == "SUCCESS" && m == "STREAMING"),
    ] {
        let nth = (0..old.past.runs).rev().map(|n| past::nth(&old.past, n));
        let expected = nth.filter(|(_, state, mode)| passes(state.as_str(), mode));
        let expected: Vec<String> = expected.map(|(id, ..)| id.to_string()).collect();
        let mut found = old.all(members.clone()).await;
        found.retain(|id| *id != old.waiting && *id != old.first);
        assert_eq!(found, expected, "{members}");
    }
}

/// Two control planes, one list that fills up and is packed, and pages that are read meanwhile.
#[tokio::test(start_paused = true)]
async fn what_is_packed_between_two_pages_is_neither_repeated_nor_hidden() {
    let old = Old::new(World::pair().await, 1_990).await;
    let throughout = old.all(json!({ "mode": "STREAMING" })).await;
    let settling = async {
        for _ in 0..30 {
            let run = old.world.run(&old.app, json!({})).await;
            let input = json!({ "applicationId": old.app, "jobRunId": run });
            old.world.call(CancelJobRun, input).await.ok();
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    };
    let reading = async {
        let mut lists = Vec::new();
        for size in [1, 2, 3, 5, 9, 14] {
            lists.push(old.all(json!({ "mode": "STREAMING", "maxResults": size })).await);
        }
        lists
    };
    let (lists, ()) = tokio::join!(reading, settling);
    for list in lists {
        assert_eq!(list, throughout);
    }
    let segment = async || json!(old.world.store.objects().keys().any(|key| key.contains("/segments/")));
    old.world.eventually("a segment", segment, |found| *found == true).await;
    assert_eq!(old.all(json!({})).await.len(), 1_990 + 2 + 30);
    assert_eq!(old.all(json!({ "mode": "STREAMING" })).await, throughout);
}

#[tokio::test(start_paused = true)]
async fn changed_tags_of_many_settled_runs_leave_the_state_and_are_found() {
    let old = Old::with_records(World::pair().await, 1_100, 1_100).await;
    for n in 0..1_001 {
        let tags = json!({ "tags": { "n": n.to_string() } });
        old.world.call(TagResource, crate::world::merged(old.resource(n), tags)).await.ok();
    }
    let moved = async || json!(old.world.store.objects().keys().filter(|key| key.contains("/tags/")).count());
    old.world.eventually("moved", moved, |count| count.as_u64() >= Some(500)).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    for n in [0, 250, 499, 500, 1_000, 1_050] {
        let input = json!({ "applicationId": old.app, "jobRunId": old.nth(n) });
        let run = old.world.call(GetJobRun, input).await.ok();
        let expected = if n <= 1_000 { json!({ "n": n.to_string() }) } else { json!({}) };
        assert_eq!(run["jobRun"]["tags"], expected, "{n}");
    }
    let again = crate::world::merged(old.resource(0), json!({ "tags": { "again": "yes" } }));
    old.world.call(TagResource, again).await.ok();
    let listed = old.world.call(ListTagsForResource, old.resource(0)).await.ok();
    assert_eq!(listed["tags"], json!({ "n": "0", "again": "yes" }));
}
