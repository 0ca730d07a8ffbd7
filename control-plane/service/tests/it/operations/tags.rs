//! TagResource, UntagResource, ListTagsForResource.

use crate::world::{World, stories};
use firesteel_wire::Operation::{ListTagsForResource, TagResource, UntagResource};
use firesteel_wire::shapes::ListTagsForResourceResponse;
use serde_json::{Value, json};

stories! {
    changes_tags_of_applications_and_runs,
    changes_tags_of_archived_runs,
    loses_no_tag_of_a_run_that_is_being_archived,
    loses_no_tag_to_another_caller,
    refuses_bad_tags,
    refuses_unknown_resources,
}

async fn tag(world: &World, arn: &str, tags: Value) -> crate::world::Answer {
    world.call(TagResource, json!({ "resourceArn": arn, "tags": tags })).await
}

async fn tags(world: &World, arn: &str) -> Value {
    let answer = world.call(ListTagsForResource, json!({ "resourceArn": arn })).await;
    answer.shape::<ListTagsForResourceResponse>();
    answer.ok()["tags"].clone()
}

async fn untag(world: &World, arn: &str, keys: Value) {
    let input = json!({ "resourceArn": arn, "tagKeys": keys });
    assert_eq!(world.call(UntagResource, input).await.ok(), json!({}));
}

async fn changes_tags_of_applications_and_runs(world: World) {
    let app = world.application(json!({ "tags": { "team": "a" } })).await;
    let run = world.run(&app, json!({})).await;
    let app_arn = world.get(&app).await["arn"].as_str().expect("an ARN").to_owned();
    let run_arn = world.get_run(&app, &run).await["arn"].as_str().expect("an ARN").to_owned();
    assert_eq!(tags(&world, &app_arn).await, json!({ "team": "a" }));
    assert_eq!(tags(&world, &run_arn).await, json!({}), "a run does not inherit");
    for arn in [&app_arn, &run_arn] {
        assert_eq!(tag(&world, arn, json!({ "team": "b", "x y": "" })).await.ok(), json!({}));
        tag(&world, arn, json!({ "other": "c" })).await.ok();
        assert_eq!(tags(&world, arn).await, json!({ "team": "b", "x y": "", "other": "c" }));
        untag(&world, arn, json!(["x y", "other", "absent"])).await;
        assert_eq!(tags(&world, arn).await, json!({ "team": "b" }));
    }
    assert_eq!(world.get(&app).await["tags"], json!({ "team": "b" }));
    assert_eq!(world.get_run(&app, &run).await["tags"], json!({ "team": "b" }));
}

async fn changes_tags_of_archived_runs(mut world: World) {
    let app = world.application(json!({})).await;
    let run = world.whole_run(&app, json!({ "tags": { "a": "1", "b": "2" } }), 0).await;
    world.archived(&run).await;
    let arn = world.get_run(&app, &run).await["arn"].as_str().expect("an ARN").to_owned();
    tag(&world, &arn, json!({ "c": "3" })).await.ok();
    untag(&world, &arn, json!(["a"])).await;
    for _ in 0..2 {
        assert_eq!(tags(&world, &arn).await, json!({ "b": "2", "c": "3" }));
        assert_eq!(world.get_run(&app, &run).await["tags"], json!({ "b": "2", "c": "3" }));
        world.restart().await;
    }
}

async fn loses_no_tag_of_a_run_that_is_being_archived(mut world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({ "tags": { "a": "1" } })).await;
    let arn = world.get_run(&app, &run).await["arn"].as_str().expect("an ARN").to_owned();
    let driver = world.driver().await;
    let tagging = async {
        for round in 0..40 {
            tag(&world, &arn, json!({ format!("round {round}"): "" })).await.ok();
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(driver.end(0), tagging);
    world.archived(&run).await;
    for _ in 0..2 {
        assert_eq!(tags(&world, &arn).await.as_object().map(serde_json::Map::len), Some(41));
        world.restart().await;
    }
}

async fn loses_no_tag_to_another_caller(world: World) {
    let app = world.application(json!({})).await;
    let run = world.whole_run(&app, json!({}), 0).await;
    world.archived(&run).await;
    let run_arn = world.get_run(&app, &run).await["arn"].as_str().expect("an ARN").to_owned();
    let app_arn = world.get(&app).await["arn"].as_str().expect("an ARN").to_owned();
    for arn in [app_arn, run_arn] {
        let one = |n: usize| {
            let (world, arn) = (&world, arn.as_str());
            async move { tag(world, arn, json!({ format!("k{n}"): "v" })).await.ok() }
        };
        futures::future::join_all((0..10).map(one)).await;
        assert_eq!(tags(&world, &arn).await.as_object().map(serde_json::Map::len), Some(10), "{arn}");
    }
}

async fn refuses_bad_tags(world: World) {
    let app = world.application(json!({})).await;
    let arn = world.get(&app).await["arn"].as_str().expect("an ARN").to_owned();
    let many = |count: usize| -> Value {
        (0..count).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into()
    };
    for bad in [json!({ "aws:x": "y" }), json!({ "AWS:x": "y" }), json!({ "": "y" }), many(51)] {
        let kind = tag(&world, &arn, bad.clone()).await.kind();
        assert_eq!(kind, (400, "ValidationException".to_owned()), "{bad}");
    }
    tag(&world, &arn, many(50)).await.ok();
    assert_eq!(tag(&world, &arn, json!({ "one": "more" })).await.status, 400);
    tag(&world, &arn, json!({ "k7": "changed" })).await.ok();
    let too_many = json!({ "tags": many(51) });
    let created = world.call(
        firesteel_wire::Operation::CreateApplication,
        crate::world::merged(
            json!({ "releaseLabel": "emr-7.13.0", "type": "SPARK", "clientToken": "t" }),
            too_many.clone(),
        ),
    );
    assert_eq!(created.await.kind(), (400, "ValidationException".to_owned()));
    assert_eq!(world.start_run(&app, too_many).await.kind(), (400, "ValidationException".to_owned()));
    let reserved = json!({ "tags": { "aws:x": "y" } });
    assert_eq!(world.start_run(&app, reserved).await.kind(), (400, "ValidationException".to_owned()));
}

async fn refuses_unknown_resources(world: World) {
    let app = world.application(json!({})).await;
    let of = |account: &str, rest: &str| {
        format!("arn:aws:emr-serverless:us-east-1:{account}:/applications/{rest}")
    };
    let unknown = [
        of("000000000000", "00nobody"),
        of("000000000000", &format!("{app}/jobruns/00nobody")),
        of("000000000000", &format!("{app}/sessions/00nobody")),
        of("111111111111", &app),
        of("000000000000", &app).replace("us-east-1", "eu-west-1"),
        of("000000000000", &app).replacen("aws", "aws-cn", 1),
    ];
    for arn in unknown {
        let kind = tag(&world, &arn, json!({ "a": "b" })).await.kind();
        assert_eq!(kind, (404, "ResourceNotFoundException".to_owned()), "{arn}");
    }
    assert_eq!(tag(&world, "nothing", json!({ "a": "b" })).await.kind().0, 400);
}
