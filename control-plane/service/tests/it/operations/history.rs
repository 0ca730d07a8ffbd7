//! A long past: what operations cost in requests to the store, whatever was settled before, and that all of it is found.

use crate::world::World;
use firesteel_journal::{Clock, Counts, Deps, Store};
use firesteel_service::past::{self, Past};
use firesteel_wire::Operation::{self, *};
use firesteel_wire::shapes::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A world whose one application has settled so many runs, and has one that waits.
struct Old {
    world: World,
    app: String,
    past: Past,
    waiting: String,
}

impl Old {
    async fn new(mut world: World, runs: u64) -> Self {
        world.runtimes.stand(firesteel_core::command::Runtime::Preparing(String::new()));
        let app = world.application(json!({})).await;
        let first = world.run(&app, json!({})).await;
        world.call(CancelJobRun, json!({ "applicationId": app, "jobRunId": first })).await.ok();
        world.archived(&first).await;
        let newest = firesteel_core::time::Millis(world.clock.now() - 3_600_000);
        let past = Past { application: app.clone(), runs, records: 16.min(runs), newest };
        let (store, deps): (Arc<dyn Store>, _) = (world.store.clone(), deps(&world));
        past::write(store, deps, &past).await.expect("a past");
        world.restart().await;
        let waiting = world.run(&app, json!({})).await;
        tokio::time::sleep(Duration::from_secs(40)).await;
        Self { world, app, past, waiting }
    }

    fn nth(&self, n: u64) -> String {
        past::nth(&self.past, n).0.to_string()
    }

    /// What the store was asked while the operation was answered.
    async fn cost(&self, operation: Operation, members: Value) -> (Value, String) {
        let mut input = json!({ "applicationId": self.app });
        if operation == TagResource || operation == ListTagsForResource {
            input = json!({});
        }
        self.world.requests.take();
        let answer = self.world.call(operation, crate::world::merged(input, members)).await;
        let counts = self.world.requests.take();
        tokio::time::sleep(Duration::from_secs(30)).await;
        (answer.ok().clone(), in_words(counts))
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

fn ids(answer: &Value) -> Vec<String> {
    let lines = answer["jobRuns"].as_array().expect("lines");
    lines.iter().map(|line| line["id"].as_str().expect("an id").to_owned()).collect()
}

async fn costs(old: &Old) -> Vec<(&'static str, String)> {
    let run = |id: &String| json!({ "jobRunId": id });
    let [oldest, recent] = [old.nth(0), old.nth(old.past.runs - 1)];
    let resource = |id: &String| {
        let arn = format!("arn:aws:emr-serverless:us-east-1:000000000000:/applications/{}/jobruns/{id}", old.app);
        json!({ "resourceArn": arn })
    };
    let middle = firesteel_core::id::created_at(&old.nth(old.past.runs / 2)).expect("a time").0;
    let middle = Timestamp(middle).to_iso().expect("a date");
    let mut costs = Vec::new();
    let mut note = async |name, operation, members| {
        let (answer, cost) = old.cost(operation, members).await;
        costs.push((name, cost));
        answer
    };
    note("GetJobRun, live", GetJobRun, run(&old.waiting)).await;
    note("GetJobRun, settled lately", GetJobRun, run(&recent)).await;
    note("GetJobRun, settled long ago", GetJobRun, run(&oldest)).await;
    note("GetJobRun, again", GetJobRun, run(&oldest)).await;
    note("ListJobRunAttempts, settled long ago", ListJobRunAttempts, run(&old.nth(1))).await;
    note("ListJobRuns, first page", ListJobRuns, json!({})).await;
    let half = note("ListJobRuns, createdAtBefore", ListJobRuns, json!({ "createdAtBefore": middle })).await;
    if let Some(token) = half.get("nextToken") {
        note("ListJobRuns, page after that", ListJobRuns, json!({ "createdAtBefore": middle, "nextToken": token })).await;
    }
    for (name, states) in [("ListJobRuns, FAILED", vec!["FAILED"]), ("ListJobRuns, FAILED and CANCELLED", vec!["FAILED", "CANCELLED"])] {
        note(name, ListJobRuns, json!({ "states": states })).await;
    }
    note("ListJobRuns, RUNNING", ListJobRuns, json!({ "states": ["RUNNING"] })).await;
    note("ListJobRuns, FAILED and STREAMING", ListJobRuns, json!({ "states": ["FAILED"], "mode": "STREAMING" })).await;
    note("ListTagsForResource, settled long ago", ListTagsForResource, resource(&old.nth(2))).await;
    note("TagResource, settled long ago", TagResource, crate::world::merged(resource(&old.nth(3)), json!({ "tags": { "a": "b" } }))).await;
    costs
}

#[tokio::test(start_paused = true)]
async fn look() {
    for runs in [10, 10_000, 1_000_000] {
        let began = std::time::Instant::now();
        let old = Old::new(World::alone().await, runs).await;
        println!("{runs}: {:?}, {} objects", began.elapsed(), old.world.store.objects().len());
        for (name, cost) in costs(&old).await {
            println!("    {name}: {cost}");
        }
    }
}
