//! What becomes of workers: adopted after a restart, missed when they die, killed when nobody wants them.

use crate::world::{Driver, Runner, World, merged, stories};
use firesteel_core::id::WorkerId;
use firesteel_core::size::Size;
use firesteel_protocol::Greeting;
use firesteel_substrate::{LaunchOrder, Substrate};
use serde_json::{Value, json};
use std::time::Duration;

stories! {
    live_workers_are_adopted_after_a_restart,
    a_dead_driver_fails_its_run_and_is_salvaged,
    a_worker_that_dies_before_its_hello_fails_the_run,
    a_settled_run_is_swept,
    a_driver_that_does_not_obey_is_killed,
    strangers_are_killed,
    abandoned_workers_end_with_the_control_plane,
}

fn with_logs() -> Value {
    let s3 = json!({ "s3MonitoringConfiguration": { "logUri": "s3://logs/" } });
    json!({ "configurationOverrides": { "monitoringConfiguration": s3 } })
}

async fn live_workers_are_adopted_after_a_restart(mut world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let driver = world.driver().await;
    let (runner, common, started) = (driver.runner.clone(), driver.common.clone(), driver.started);
    let waiting = world.run(&app, json!({})).await;
    let unheard = world.next_runner().await;
    world.restart().await;
    assert_eq!(world.get_run(&app, &run).await["state"], "RUNNING");
    assert!(world.substrate.is_alive(&runner.order.worker));
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(world.substrate.begun().is_empty(), "nobody is launched twice");
    assert!(matches!(world.hello(&unheard).await, Greeting::Assigned(_)), "a late hello is taken");
    let mut driver = Driver { world: &world, runner, common, wanted: Default::default(), seen: 0, started };
    assert!(!driver.exchange(Duration::ZERO).await.stale);
    driver.end(0).await;
    world.run_is(&app, &run, "SUCCESS").await;
    assert_eq!(world.get_run(&app, &waiting).await["state"], "SCHEDULED");
}

async fn a_dead_driver_fails_its_run_and_is_salvaged(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, with_logs()).await;
    let driver = world.driver().await;
    world.substrate.die(&driver.runner.order.worker);
    let failed = world.run_is(&app, &run, "FAILED").await;
    assert_eq!(failed["stateDetails"], "The worker was lost: its runner died without a word.");
    let salvaged = world.salvage.asked.lock().expect("whole").clone();
    assert!(!salvaged.is_empty());
    let prefix = format!("applications/{app}/jobs/{run}/SPARK_DRIVER");
    assert!(salvaged.iter().all(|(_, to)| *to == prefix), "{salvaged:?}");
}

async fn a_worker_that_dies_before_its_hello_fails_the_run(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, with_logs()).await;
    let runner = world.next_runner().await;
    world.substrate.die(&runner.order.worker);
    world.run_is(&app, &run, "FAILED").await;
    assert!(world.salvage.asked.lock().expect("whole").is_empty(), "there is nothing to salvage");
}

async fn a_settled_run_is_swept(world: World) {
    let app = world.application(json!({})).await;
    let run = world.whole_run(&app, with_logs(), 0).await;
    world.archived(&run).await;
    let swept = world.sweep.asked.lock().expect("whole").clone();
    assert!(!swept.is_empty());
    assert!(swept.iter().all(|uri| *uri == format!("s3://logs/applications/{app}/jobs/{run}/tmp/")));
    let sightings = async || json!(world.substrate.sightings().await.expect("seen").len());
    world.eventually("forgotten", sightings, |left| *left == 0).await;
}

async fn a_driver_that_does_not_obey_is_killed(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let driver = world.driver().await;
    let input = json!({ "applicationId": app, "jobRunId": run, "shutdownGracePeriodInSeconds": 15 });
    world.call(firesteel_wire::Operation::CancelJobRun, input).await.ok();
    tokio::time::sleep(Duration::from_secs(70)).await;
    assert!(world.substrate.is_alive(&driver.runner.order.worker), "its grace and its logs' time");
    world.run_is(&app, &run, "CANCELLED").await;
    assert!(!world.substrate.is_alive(&driver.runner.order.worker));
}

async fn strangers_are_killed(world: World) {
    let worker = WorkerId::new("00nobody00000000-1-driver");
    let order = LaunchOrder {
        worker: worker.clone(),
        token: "t".to_owned(),
        endpoints: Vec::new(),
        size: Size { cpu: 1, memory: 2, disk: 20 },
    };
    world.substrate.launch(&order).await.expect("launched");
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert!(!world.substrate.is_alive(&worker));
    assert!(world.substrate.sightings().await.expect("seen").is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_applications_share_the_quota() {
    let world = World::alone().await;
    let (one, two) = (world.application(json!({})).await, world.application(json!({})).await);
    let large = json!({ "jobDriver": { "sparkSubmit": {
        "entryPoint": "s3://b/j.py",
        "sparkSubmitParameters": "--conf spark.driver.cores=16 --conf spark.driver.memory=28g --conf spark.executor.cores=16 --conf spark.executor.memory=28g",
    } } });
    let mut runs = Vec::new();
    for n in 0..16 {
        let app = if n % 2 == 0 { &one } else { &two };
        runs.push((app, world.run(app, merged(large.clone(), json!({}))).await));
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    // 400 vCPU are 12 drivers of 16 with room for one executor of 16 each.
    assert_eq!(world.substrate.begun().len(), 12);
    let mut pending = 0;
    for (app, run) in &runs {
        pending += usize::from(world.get_run(app, run).await["state"] == "PENDING");
    }
    assert_eq!(pending, 4);
}

async fn abandoned_workers_end_with_the_control_plane(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let mut driver = world.driver().await;
    let plane = world.plane().clone();
    let leaving = tokio::spawn(async move {
        plane.abandon("control plane stopped", Duration::from_secs(20)).await;
    });
    let order = driver.exchange(Duration::from_secs(20)).await.stop.expect("an order to stop");
    assert_eq!(order.reason, "control plane stopped");
    driver.end(firesteel_core::exit::ExitCode::STOPPED.0).await;
    leaving.await.expect("left");
    let failed = world.run_is(&app, &run, "FAILED").await;
    assert_eq!(failed["stateDetails"], "control plane stopped");
}

/// The room that its workers leave is nobody's: a driver that is admitted now would be launched and left behind.
#[tokio::test(start_paused = true)]
async fn a_control_plane_that_ends_admits_nobody() {
    let mut world = World::with_planes(1, 8).await;
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let mut driver = world.driver().await;
    let waiting = world.run(&app, json!({})).await;
    let plane = world.plane().clone();
    let leaving = tokio::spawn(async move {
        plane.abandon("control plane stopped", Duration::from_secs(20)).await;
    });
    driver.exchange(Duration::from_secs(20)).await.stop.expect("an order to stop");
    driver.end(firesteel_core::exit::ExitCode::STOPPED.0).await;
    leaving.await.expect("left");
    world.run_is(&app, &run, "FAILED").await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(world.substrate.begun().is_empty(), "nobody is launched any more");
    assert_eq!(world.get_run(&app, &waiting).await["state"], "PENDING");
    world.restart().await;
    world.driver().await.end(0).await;
    world.run_is(&app, &waiting, "SUCCESS").await;
}

/// A run on host-1; its control planes end there, and two others begin on host-2.
async fn left_on_another_host(members: Value) -> (World, String, String, Runner) {
    let mut world = World::pair().await;
    let app = world.application(json!({})).await;
    let run = world.run(&app, merged(with_logs(), members)).await;
    let driver = world.driver().await.runner.clone();
    world.move_to("host-2").await;
    (world, app, run, driver)
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_with_a_host_that_is_lost() {
    let (world, app, run, runner) = left_on_another_host(json!({})).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(world.get_run(&app, &run).await["state"], "RUNNING", "another host's worker is left alone");
    world.salvage.fails.store(true, std::sync::atomic::Ordering::SeqCst);
    world.neighbours.lost.lock().expect("whole").insert("host-1".to_owned());
    let failed = world.run_is(&app, &run, "FAILED").await;
    let details = "The worker was lost: nothing was heard of its host for 60 seconds. (logs incomplete)";
    assert_eq!(failed["stateDetails"], details);
    let greeting = world.hello(&runner).await;
    assert!(matches!(greeting, Greeting::Refused(_)), "a runner that comes back is nobody: {greeting:?}");
    assert!(world.neighbours.heard.lock().expect("whole").contains("host-1"), "but its host is there");
}

#[tokio::test(start_paused = true)]
async fn another_attempt_waits_for_the_last_credentials_of_a_lost_driver() {
    let (world, app, run, _) = left_on_another_host(json!({ "retryPolicy": { "maxAttempts": 2 } })).await;
    world.neighbours.lost.lock().expect("whole").insert("host-1".to_owned());
    tokio::time::sleep(Duration::from_secs(50 * 60)).await;
    assert!(world.substrate.begun().is_empty(), "the first driver may still write");
    tokio::time::sleep(Duration::from_secs(11 * 60)).await;
    let second = world.driver().await;
    assert!(second.runner.order.worker.as_str().ends_with("-2-driver"), "{:?}", second.runner.order.worker);
    second.end(0).await;
    world.run_is(&app, &run, "SUCCESS").await;
}

/// What one control plane has taken, and nobody has asked another about, goes on when the first is lost.
#[tokio::test(start_paused = true)]
async fn the_other_control_plane_goes_on() {
    let mut world = World::pair().await;
    world.runtimes.stand(firesteel_core::command::Runtime::Preparing(String::new()));
    let app = world.application(json!({})).await;
    let _skipped = world.plane();
    let run = world.run(&app, json!({})).await;
    world.lose_one().await;
    world.runtimes.stand(firesteel_core::command::Runtime::Ready);
    world.driver().await.end(0).await;
    world.run_is(&app, &run, "SUCCESS").await;
}
