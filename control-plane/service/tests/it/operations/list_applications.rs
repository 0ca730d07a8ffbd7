//! ListApplications.

use crate::world::{World, stories};
use firesteel_wire::Operation::{ListApplications, StartApplication};
use firesteel_wire::shapes::ListApplicationsResponse;
use serde_json::json;

stories! { shows_summaries, filters_by_state, pages_newest_first, refuses_bad_pages }

async fn shows_summaries(world: World) {
    world.application(json!({ "name": "etl", "tags": { "a": "b" } })).await;
    let answer = world.call(ListApplications, json!({})).await;
    let listed: ListApplicationsResponse = answer.shape();
    assert_eq!((listed.applications.len(), listed.next_token), (1, None));
    assert_eq!(answer.ok()["applications"][0]["type"], "Spark");
}

async fn filters_by_state(world: World) {
    let (started, created) = (world.application(json!({})).await, world.application(json!({})).await);
    world.call(StartApplication, json!({ "applicationId": started })).await.ok();
    world.application_is(&started, "STARTED").await;
    let ids = async |states: serde_json::Value| {
        let listed: ListApplicationsResponse =
            world.call(ListApplications, json!({ "states": states })).await.shape();
        listed.applications.into_iter().map(|app| app.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(json!(["STARTED"])).await, std::slice::from_ref(&started));
    assert_eq!(ids(json!(["CREATED"])).await, [created]);
    assert_eq!(ids(json!(["STARTED", "CREATED"])).await.len(), 2);
    assert!(ids(json!(["STOPPED"])).await.is_empty());
}

async fn pages_newest_first(world: World) {
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(world.application(json!({})).await);
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    made.reverse();
    for size in [1, 2, 5, 50] {
        let (mut found, mut input, mut pages) = (Vec::new(), json!({ "maxResults": size }), 0);
        loop {
            let page: ListApplicationsResponse = world.call(ListApplications, input.clone()).await.shape();
            assert!(page.applications.len() <= size);
            found.extend(page.applications.into_iter().map(|app| app.id));
            pages += 1;
            match page.next_token {
                Some(token) => input["nextToken"] = json!(token),
                None => break,
            }
        }
        assert_eq!((&found, pages), (&made, 5_usize.div_ceil(size)));
    }
}

async fn refuses_bad_pages(world: World) {
    let table = [
        json!({ "maxResults": 0 }),
        json!({ "maxResults": 51 }),
        json!({ "nextToken": "AAAA" }),
        json!({ "states": ["SLEEPING"] }),
    ];
    for input in table {
        let kind = world.call(ListApplications, input.clone()).await.kind();
        assert_eq!(kind, (400, "ValidationException".to_owned()), "{input}");
    }
}
