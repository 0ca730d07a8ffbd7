//! Client tokens: whatever happens in between, the same request has one answer, and another one a conflict.

use crate::world::{Answer, World, stories};
use firesteel_service::World as _;
use firesteel_wire::Operation::{CancelJobRun, CreateApplication, DeleteApplication};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

stories! { one_answer_to_one_request, a_deleted_application_keeps_its_token }

/// What each token was first used for, and what it was answered with.
type Known = BTreeMap<String, (u64, String)>;

/// Holds an answer against what the token stands for.
fn check(known: &mut Known, token: &str, content: u64, answer: &Answer, member: &str) {
    match known.get(token) {
        None => {
            known.insert(token.to_owned(), (content, answer.member(member)));
        }
        Some((first, id)) if *first == content => assert_eq!(answer.member(member), *id, "{token}"),
        Some(_) => assert_eq!(answer.kind(), (409, "ConflictException".to_owned()), "{token}"),
    }
}

/// The same numbers in each run, that look random.
struct Steps<'w>(&'w World);

impl Steps<'_> {
    fn below(&self, bound: u64) -> u64 {
        (self.0.clock.chance() >> 7) % bound
    }
}

async fn one_answer_to_one_request(mut world: World) {
    let (mut applications, mut runs): (Known, Known) = Default::default();
    let app = world.application(json!({ "schedulerConfiguration": {} })).await;
    world.runtimes.stand(firesteel_core::command::Runtime::Preparing(String::new()));
    for step in 0..300 {
        let (deed, number, content) =
            (Steps(&world).below(20), Steps(&world).below(12), Steps(&world).below(2));
        let token = format!("token-{number}");
        match deed {
            0..=11 => {
                let members = json!({ "clientToken": token, "name": format!("n{content}") });
                let answer = world.start_run(&app, members).await;
                check(&mut runs, &token, content, &answer, "jobRunId");
            }
            12..=15 => {
                let request = json!({
                    "clientToken": token, "type": "SPARK", "releaseLabel": "emr-7.13.0",
                    "name": format!("n{content}"),
                });
                let answer = world.call(CreateApplication, request).await;
                check(&mut applications, &token, content, &answer, "applicationId");
            }
            16..=17 => settle_one(&world, &app, &runs, number as usize).await,
            18 => tokio::time::sleep(Duration::from_secs(1 + Steps(&world).below(3600))).await,
            _ if step % 3 == 0 => world.restart().await,
            _ => {}
        }
    }
    assert!(runs.len() >= 10 && applications.len() >= 10, "most tokens were used");
}

/// Cancels a run and waits until it has left the state, its token with it.
async fn settle_one(world: &World, app: &str, runs: &Known, which: usize) {
    let Some((_, run)) = runs.values().nth(which) else { return };
    world.call(CancelJobRun, json!({ "applicationId": app, "jobRunId": run })).await.ok();
    world.run_is(app, run, "CANCELLED").await;
    world.archived(run).await;
}

async fn a_deleted_application_keeps_its_token(mut world: World) {
    let request = json!({ "clientToken": "once", "type": "SPARK", "releaseLabel": "emr-7.13.0" });
    let first = world.call(CreateApplication, request.clone()).await.member("applicationId");
    world.call(DeleteApplication, json!({ "applicationId": first })).await.ok();
    world.down_for(Duration::from_secs(23 * 3600)).await;
    assert_eq!(world.call(CreateApplication, request).await.member("applicationId"), first);
    let other: Value = json!({ "clientToken": "once", "type": "SPARK", "releaseLabel": "emr-7.12.0" });
    assert_eq!(world.call(CreateApplication, other).await.kind(), (409, "ConflictException".to_owned()));
}
