//! Exchange: whole sets both ways, held until there is something new.

use crate::world::{Driver, LAUNCH, Runner, World, stories};
use firesteel_core::id::Mark;
use firesteel_core::time::{MINUTE, Millis};
use firesteel_protocol::{Answer, Assignment, ExecutorStatus, StopOrder, transport};
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

stories! {
    grows_and_shrinks_the_executors,
    is_held_until_something_changes,
    says_where_control_planes_are_reached,
    says_what_an_executor_waits_for,
    admits_an_executor_as_soon_as_there_is_room,
    asks_for_launches_that_it_does_not_know,
    renews_credentials_near_their_end,
    calls_others_stale,
    takes_hostile_numbers,
}

const HELD: Duration = Duration::from_secs(20);

/// The first exchange after which executor `uid` stands so.
async fn until(driver: &mut Driver<'_>, uid: &str, so: impl Fn(&ExecutorStatus) -> bool) -> ExecutorStatus {
    for _ in 0..20 {
        let answer = driver.exchange(HELD).await;
        if let Some(seen) = answer.executors.iter().find(|seen| seen.uid == uid && so(&seen.status)) {
            return seen.status.clone();
        }
    }
    panic!("{uid} never stands so")
}

fn starting(status: &ExecutorStatus) -> bool {
    *status == ExecutorStatus::Starting
}

/// Says that the executor's JVM runs.
async fn starts(world: &World, runner: &Runner) -> Answer {
    let Assignment::Executor(executor) = world.assigned(runner).await else { panic!("an executor") };
    assert_eq!(executor.launch, json!({ "command": ["java"] }));
    let common = executor.common;
    let mut itself = Driver {
        world,
        runner: runner.clone(),
        common,
        wanted: Default::default(),
        seen: 0,
        started: Some(Millis(firesteel_journal::Clock::now(&*world.clock))),
    };
    itself.exchange(Duration::ZERO).await
}

async fn grows_and_shrinks_the_executors(mut world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let mut driver = world.driver().await;
    driver.wants("uid-1");
    driver.wants("uid-2");
    until(&mut driver, "uid-2", starting).await;
    let runners = world.runners(2).await;
    assert!(runners.iter().all(|runner| runner.order.size.cpu == 4 && runner.order.size.memory == 16));
    for runner in &runners {
        assert_eq!(starts(&world, runner).await.stop, None);
    }
    let running =
        until(&mut driver, "uid-1", |status| matches!(status, ExecutorStatus::Running { .. })).await;
    assert_eq!(running, ExecutorStatus::Running { address: runners[0].address.clone() });
    let order = StopOrder { decommission: true, grace_ms: 60_000, reason: "idle".to_owned() };
    driver.wanted.version += 1;
    driver.wanted.executors[0].stopping = Some(order.clone());
    driver.exchange(Duration::ZERO).await;
    assert_eq!(starts(&world, &runners[0]).await.stop, Some(order));
    world.substrate.die(&runners[0].order.worker);
    let ended = until(&mut driver, "uid-1", |status| matches!(status, ExecutorStatus::Ended { .. })).await;
    assert!(matches!(ended, ExecutorStatus::Ended { evicted: true, .. }), "{ended:?}");
    driver.wanted.version += 1;
    driver.wanted.executors.remove(0);
    assert_eq!(driver.exchange(Duration::ZERO).await.executors.len(), 1);
    world.substrate.die(&runners[1].order.worker);
    driver.end(0).await;
    world.run_is(&app, &run, "SUCCESS").await;
    world.archived(&run).await;
    world.restart().await;
    assert!(!world.store.objects().keys().any(|key| key.contains("/launch/")), "launches are gone");
}

async fn says_where_control_planes_are_reached(world: World) {
    let app = world.application(json!({})).await;
    world.run(&app, json!({})).await;
    let mut driver = world.driver().await;
    assert!(driver.exchange(Duration::ZERO).await.endpoints.is_empty(), "there is only this one");
    *world.neighbours.endpoints.lock().expect("whole") = vec!["http://a".to_owned(), "http://b".to_owned()];
    let began = Instant::now();
    assert_eq!(driver.exchange(HELD).await.endpoints, ["http://a", "http://b"]);
    assert!(began.elapsed() < Duration::from_secs(1), "news are not held back");
    driver.exchange(HELD).await;
    assert!(began.elapsed() >= HELD, "and are told once");
}

async fn is_held_until_something_changes(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let mut driver = world.driver().await;
    let began = Instant::now();
    driver.exchange(HELD).await;
    let whole = began.elapsed();
    assert!(whole >= HELD && whole < HELD + Duration::from_secs(1), "{whole:?}");
    let began = Instant::now();
    let cancel = async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        let input = json!({ "applicationId": app, "jobRunId": run });
        world.call(firesteel_wire::Operation::CancelJobRun, input).await.ok();
    };
    let (answer, ()) = tokio::join!(driver.exchange(HELD), cancel);
    assert!(answer.stop.is_some());
    assert!(began.elapsed() < Duration::from_secs(13), "{:?}", began.elapsed());
    let began = Instant::now();
    driver.seen = 0;
    driver.exchange(HELD).await;
    assert!(began.elapsed() < Duration::from_secs(1), "an answer not seen yet is not held");
}

async fn says_what_an_executor_waits_for(world: World) {
    let app = world.application(json!({ "maximumCapacity": { "cpu": "8 vCPU", "memory": "40 GB" } })).await;
    world.run(&app, json!({})).await;
    let mut driver = world.driver().await;
    driver.wants("uid-1");
    driver.wants("uid-2");
    let waiting =
        until(&mut driver, "uid-2", |status| matches!(status, ExecutorStatus::Waiting { .. })).await;
    let ExecutorStatus::Waiting { reason, exceeded } = waiting else { panic!("waits") };
    assert_eq!(reason, "needs 4 vCPU and 16 GB, 0 vCPU and 8 GB are left of maximumCapacity");
    assert_eq!(exceeded, ["cpu: 4 vCPU", "memory: 16 GB"]);
}

async fn admits_an_executor_as_soon_as_there_is_room(world: World) {
    let app = world.application(json!({ "maximumCapacity": { "cpu": "8 vCPU", "memory": "40 GB" } })).await;
    world.run(&app, json!({})).await;
    let mut driver = world.driver().await;
    driver.wants("uid-1");
    driver.wants("uid-2");
    until(&mut driver, "uid-1", starting).await;
    let first = world.next_runner().await;
    starts(&world, &first).await;
    until(&mut driver, "uid-2", |status| matches!(status, ExecutorStatus::Waiting { .. })).await;
    let end = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        world.substrate.die(&first.order.worker);
    };
    let began = Instant::now();
    tokio::join!(until(&mut driver, "uid-2", starting), end);
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    assert!(world.next_runner().await.order.worker.as_str().ends_with("uid-2"));
}

async fn asks_for_launches_that_it_does_not_know(mut world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let mut driver = world.driver().await;
    driver.wants("uid-1");
    let launches = std::mem::take(&mut driver.wanted.launches);
    let answer = driver.exchange(HELD).await;
    assert_eq!(answer.unknown_launches, [LAUNCH]);
    assert!(matches!(answer.executors[0].status, ExecutorStatus::Waiting { .. }));
    driver.wanted.launches = launches;
    until(&mut driver, "uid-1", starting).await;
    let (runner, common) = (driver.runner.clone(), driver.common.clone());
    let wanted = driver.wanted.clone();
    let executor = world.next_runner().await;
    world.restart().await;
    let mut driver = Driver { world: &world, runner, common, wanted, seen: 0, started: None };
    driver.wanted.launches.clear();
    let mut unknown = 0;
    for _ in 0..4 {
        let answer = driver.exchange(Duration::ZERO).await;
        unknown += answer.unknown_launches.len();
        assert_eq!(answer.executors[0].status, ExecutorStatus::Starting, "it is not let go for that");
    }
    assert!(unknown > 0, "asked again after a restart");
    let _ = run;
    starts(&world, &executor).await;
}

async fn renews_credentials_near_their_end(world: World) {
    world.roles.life.store(60 * MINUTE, Ordering::SeqCst);
    let app = world.application(json!({})).await;
    world.run(&app, json!({})).await;
    let mut driver = world.driver().await;
    let first = driver.common.credentials.clone();
    assert_eq!(driver.exchange(Duration::ZERO).await.credentials, None);
    tokio::time::sleep(Duration::from_secs(31 * 60)).await;
    let fresh = driver.exchange(Duration::ZERO).await.credentials.expect("renewed");
    assert!(fresh.expires > first.expires && fresh.access_key_id != first.access_key_id);
    driver.common.credentials = fresh;
    assert_eq!(driver.exchange(Duration::ZERO).await.credentials, None);
}

async fn calls_others_stale(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let mut driver = world.driver().await;
    let right = driver.says(Duration::ZERO);
    let mut other_mark = right.clone();
    other_mark.mark = Mark::new("another process");
    let mut other_fence = right.clone();
    other_fence.fence += 1;
    for wrong in [other_mark, other_fence] {
        let token = &driver.runner.order.token;
        let answer = world.call_desk(transport::EXCHANGE, token, &wrong).await.ok();
        assert_eq!(answer["stale"], true, "{wrong:?}");
    }
    assert!(!driver.exchange(Duration::ZERO).await.stale);
    let said = driver.says(Duration::ZERO);
    let token = driver.runner.order.token.clone();
    driver.end(0).await;
    world.run_is(&app, &run, "SUCCESS").await;
    assert_eq!(world.call_desk(transport::EXCHANGE, &token, &said).await.ok()["stale"], true);
}

async fn takes_hostile_numbers(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let mut driver = world.driver().await;
    driver.wants("uid-1");
    until(&mut driver, "uid-1", starting).await;
    driver.wants("driver");
    let large = driver.wants("uid-2");
    (large.cpu, large.memory_mib, large.heap_mib) = (u32::MAX, u64::MAX, u64::MAX);
    driver.wants("../../uid-3").cpu = 0;
    driver.wanted.executors[0].stopping =
        Some(StopOrder { decommission: false, grace_ms: u64::MAX, reason: "x".repeat(10_000) });
    driver.started = Some(Millis(i64::MIN));
    let mut said = driver.says(Duration::MAX);
    (said.wait_ms, said.seen, said.credentials_expire) = (u64::MAX, u64::MAX, Some(Millis(i64::MIN)));
    let answer = world.call_desk(transport::EXCHANGE, &driver.runner.order.token, &said).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    driver.wanted.version = u64::MAX - 1;
    driver.wants("uid-4").launch = "../../../registry/journal/x".to_owned();
    driver.exchange(Duration::ZERO).await;
    assert_eq!(world.get_run(&app, &run).await["state"], "RUNNING");
    tokio::time::sleep(Duration::from_secs(60)).await;
    driver.end(0).await;
    world.run_is(&app, &run, "SUCCESS").await;
}
