//! What applications share, however many control planes there are: never more than the quota lives, and everybody's turn
//! comes.

use crate::world::World;
use firesteel_substrate::Substrate;
use serde_json::json;
use std::time::Duration;

/// A driver and an executor of the default sizes.
const FOR_ONE_RUN: u32 = 8;

async fn alive(world: &World) -> usize {
    let sightings = world.substrate.sightings().await.expect("seen");
    sightings.iter().filter(|sighting| sighting.state.is_alive()).count()
}

fn registry_entries(world: &World) -> usize {
    world.store.objects().keys().filter(|key| key.starts_with("registry/journal/")).count()
}

async fn two_applications_take_turns(world: World) {
    let apps = [world.application(json!({})).await, world.application(json!({})).await];
    let mut runs = Vec::new();
    for n in 0..4 {
        let app = &apps[n % 2];
        runs.push((app, world.run(app, json!({})).await));
    }
    for _ in 0..4 {
        let mut driver = world.driver().await;
        driver.wants("u1");
        driver.exchange(Duration::ZERO).await;
        let executor = world.next_runner().await;
        assert!(
            executor.order.worker.as_str().ends_with("-u1"),
            "its first executor has its room: {executor:?}"
        );
        tokio::time::sleep(Duration::from_secs(15)).await;
        assert!(world.substrate.begun().is_empty(), "the others wait");
        assert_eq!(alive(&world).await, 2);
        driver.end(0).await;
        world.substrate.die(&executor.order.worker);
    }
    for (app, run) in &runs {
        world.run_is(app, run, "SUCCESS").await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_applications_take_turns_with_one_control_plane() {
    two_applications_take_turns(World::with_planes(1, FOR_ONE_RUN).await).await;
}

#[tokio::test(start_paused = true)]
async fn two_applications_take_turns_with_two_control_planes() {
    two_applications_take_turns(World::with_planes(2, FOR_ONE_RUN).await).await;
}

#[tokio::test(start_paused = true)]
async fn what_one_alone_has_admitted_counts_for_two() {
    let mut world = World::with_planes(1, FOR_ONE_RUN).await;
    let (one, two) = (world.application(json!({})).await, world.application(json!({})).await);
    let first = world.run(&one, json!({})).await;
    let runner = world.next_runner().await;
    world.lose_one().await;
    world.start_planes(2).await;
    let second = world.run(&two, json!({})).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(world.substrate.begun().is_empty());
    let waiting = world.get_run(&two, &second).await;
    assert_eq!(
        (&waiting["state"], &waiting["stateDetails"]),
        (
            &json!("PENDING"),
            &json!(
                "The JobRun is pending scheduling: it needs 8 vCPU, 0 are left of the installation's quota."
            )
        )
    );
    world.substrate.die(&runner.order.worker);
    world.run_is(&one, &first, "FAILED").await;
    world.driver().await.end(0).await;
    world.run_is(&two, &second, "SUCCESS").await;
}

/// Runs that follow each other closely ask the registry once.
#[tokio::test(start_paused = true)]
async fn what_is_held_serves_the_next_run() {
    let world = World::with_planes(1, 400).await;
    let app = world.application(json!({})).await;
    world.whole_run(&app, json!({}), 0).await;
    let before = registry_entries(&world);
    for _ in 0..5 {
        world.whole_run(&app, json!({}), 0).await;
    }
    assert_eq!(registry_entries(&world), before);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(registry_entries(&world), before + 1, "it gives everything back, once");
}

/// The room for a run's first executor is kept on its driver's host. A runner that has gone over to the control plane of a
/// full host is sent back when its own host's is there again; not over and over, for perhaps it cannot reach that.
#[tokio::test(start_paused = true)]
async fn a_driver_that_waits_on_anothers_host_is_sent_to_its_own() {
    let mut world = World::with_planes(1, FOR_ONE_RUN).await;
    let app = world.application(json!({})).await;
    world.run(&app, json!({})).await;
    let runner = world.driver().await.runner.clone();
    world.move_to("host-2").await;
    let mut driver = world.driver_of(runner.clone()).await;
    driver.wants("u1");
    driver.wants("u2");
    driver.exchange(Duration::ZERO).await;
    let hold = Duration::from_secs(2);
    let status = |driver: &crate::world::Driver<'_>| {
        let says = driver.says(hold);
        let (world, token) = (&world, driver.runner.order.token.clone());
        async move { world.call_desk(firesteel_protocol::transport::EXCHANGE, &token, &says).await.status }
    };
    // The executor that found room here changes what is seen.
    driver.exchange(Duration::ZERO).await;
    assert_eq!(status(&driver).await, 200, "nobody else is there");
    world.neighbours.there.lock().expect("whole").insert("host-1".to_owned());
    assert_eq!(status(&driver).await, 503);
    assert_eq!(status(&driver).await, 200, "once");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(status(&driver).await, 503);
    driver.wanted.executors.pop();
    driver.wanted.version += 1;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(status(&driver).await, 200, "it waits for nothing");
}
