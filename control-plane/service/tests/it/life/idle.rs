//! What control planes beside each other ask of the store while nothing happens.

use crate::world::World;
use firesteel_core::command::Runtime;
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::Duration;

const APPLICATIONS: u64 = 50;
const MINUTES: u64 = 5;

/// Two control planes, and applications each with a run that waits for ever, if `waiting`.
async fn resting(waiting: bool) -> World {
    let world = World::with_planes(2, 0).await;
    for n in 0..APPLICATIONS {
        let app = world.application(json!({ "name": format!("app-{n}") })).await;
        if waiting {
            world.run(&app, json!({})).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(300)).await;
    world
}

/// Requests of both in a minute.
async fn requests(world: &World) -> u64 {
    world.requests.take();
    tokio::time::sleep(Duration::from_secs(60 * MINUTES)).await;
    let counts = world.requests.take();
    assert_eq!((counts.create, counts.put, counts.delete), (0, 0, 0), "nothing happens");
    (counts.get + counts.list) / MINUTES
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_changes_nothing_asks_once() {
    for waiting in [false, true] {
        let world = resting(waiting).await;
        // Every 20 s each of both looks at each application, and every 5 s at the registry.
        let (most, asked) = (2 * (APPLICATIONS * 3 + 12), requests(&world).await);
        assert!(
            (most - most / 5..=most).contains(&asked),
            "{asked} requests a minute, {most} expected, {waiting}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_look_after_is_looked_at_every_50_seconds() {
    for waiting in [false, true] {
        let world = resting(waiting).await;
        world.neighbours.others_look.store(true, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let (most, asked) = (2 * (APPLICATIONS * 6 / 5 + 12), requests(&world).await);
        assert!(
            (most - most / 5..=most).contains(&asked),
            "{asked} requests a minute, {most} expected, {waiting}"
        );
    }
}

/// Nobody says that it looks after the application: what happens to it goes on all the same.
#[tokio::test(start_paused = true)]
async fn correctness_rests_on_nobodys_looking() {
    let mut world = World::pair().await;
    world.neighbours.others_look.store(true, Ordering::SeqCst);
    world.runtimes.stand(Runtime::Preparing(String::new()));
    let app = world.application(json!({})).await;
    let _skipped = world.plane();
    let run = world.run(&app, json!({})).await;
    world.lose_one().await;
    world.runtimes.stand(Runtime::Ready);
    world.driver().await.end(0).await;
    world.run_is(&app, &run, "SUCCESS").await;
    world.archived(&run).await;
}
