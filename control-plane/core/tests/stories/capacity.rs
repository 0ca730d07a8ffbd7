//! Who is admitted, and who waits for what.

use crate::stage::{SMALL, Stage, run, start};
use firesteel_core::admission::Obstacle;
use firesteel_core::application::{ApplicationState, Capacity};
use firesteel_core::command::Runtime;
use firesteel_core::id::{JobRunId, WorkerId};
use firesteel_core::job_run::JobRunState::*;
use firesteel_core::plan::{Effect, Waiting};
use firesteel_core::release::ReleaseLabel;
use firesteel_core::size::Size;

#[test]
fn a_driver_keeps_room_for_one_executor() {
    let mut stage = Stage::cpu_limit(3);
    stage.running("r1");
    stage.submit("r2");
    stage.tick();
    assert_eq!(stage.state_of("r2"), Pending);
    let obstacle = Obstacle::Capacity {
        asked: Size { cpu: 2, memory: 4, disk: 40 },
        left: Size { cpu: 1, memory: 996, disk: u32::MAX - 40 },
    };
    assert_eq!(obstacle.exceeded(), ["cpu: 2 vCPU"]);
    assert_eq!(stage.waits_for("r2"), Some(Waiting::Room(obstacle)));
}

#[test]
fn the_kept_room_is_its_runs_own_and_comes_back_when_the_executor_ends() {
    let mut stage = Stage::cpu_limit(2);
    let driver = stage.running("r1");
    stage.submit("r2");
    stage.report(&driver, "m1", &["u1"], 1);
    assert_eq!(stage.app.workers.len(), 2);
    stage.report(&driver, "m1", &["u1", "u2"], 2);
    assert_eq!(stage.app.workers.len(), 2);
    stage.tick();
    assert_eq!(stage.state_of("r2"), Pending);
}

#[test]
fn later_runs_wait_behind_the_first() {
    let mut stage = Stage::cpu_limit(3);
    stage.running("r1");
    stage.submit("r2");
    let mut driver_only = run("r3");
    driver_only.needs.wants_executors = false;
    stage.must(start(driver_only));
    stage.tick();
    assert_eq!((stage.state_of("r2"), stage.state_of("r3")), (Pending, Pending));
    assert_eq!(stage.waits_for("r3"), Some(Waiting::Behind(1)));
}

#[test]
fn a_run_that_can_never_fit_fails_at_once() {
    let mut stage = Stage::cpu_limit(1);
    stage.submit("r1");
    stage.tick();
    assert_eq!(stage.state_of("r1"), Failed);
    assert_eq!(
        stage.run("r1").state_details,
        "Job failed as application has exceeded maximumCapacity settings."
    );
}

#[test]
fn the_quota_and_the_host_bound_what_is_admitted() {
    let mut stage = Stage::new(None);
    stage.grants(3, 16 * 1024);
    stage.running("r1");
    stage.submit("r2");
    stage.tick();
    let quota = Waiting::Room(Obstacle::Quota { asked: 2, left: 1 });
    assert_eq!(stage.waits_for("r2"), Some(quota));
    stage.grants(16, 3_000);
    stage.tick();
    let host = Waiting::Room(Obstacle::Host { asked: 2_048, left: 952 });
    assert_eq!(stage.waits_for("r2"), Some(host));
}

#[test]
fn a_heap_is_cut_to_the_hosts_share_and_the_size_is_billed_as_asked() {
    let mut stage = Stage::new(None);
    stage.room.heap_share_mib = 512;
    stage.running("r1");
    let driver = stage.app.workers.get(&WorkerId::driver(&JobRunId::new("r1"), 1)).expect("admitted");
    assert_eq!((driver.heap_mib, driver.size), (512, SMALL));
}

#[test]
fn memory_and_disk_are_bounds_too() {
    for capacity in
        [Capacity { cpu: 100, memory: 5, disk: None }, Capacity { cpu: 100, memory: 100, disk: Some(70) }]
    {
        let mut stage = Stage::new(Some(capacity));
        stage.running("r1");
        stage.submit("r2");
        stage.tick();
        assert_eq!(stage.state_of("r2"), Pending, "{capacity:?}");
    }
}

#[test]
fn while_the_release_is_prepared_the_run_says_so() {
    let mut stage = Stage::new(None);
    stage.runtime = Runtime::Preparing("fetching Spark 3.5.6".to_owned());
    stage.submit("r1");
    stage.tick();
    let text = stage.waits_for("r1").map(|waiting| waiting.to_string());
    assert_eq!(text.as_deref(), Some("The application is STARTING: fetching Spark 3.5.6"));
}

#[test]
fn a_release_that_cannot_run_here_fails_the_run_and_stops_the_application() {
    let mut stage = Stage::new(None);
    stage.runtime = Runtime::Impossible("Spark 3.2 needs Python 3.10 or older".to_owned());
    stage.submit("r1");
    stage.tick();
    assert_eq!(stage.state_of("r1"), Failed);
    assert!(stage.is(ApplicationState::Stopped));
    assert_eq!(stage.app.state_details, "Spark 3.2 needs Python 3.10 or older");
    assert_eq!(stage.run("r1").state_details, "Spark 3.2 needs Python 3.10 or older");
}

#[test]
fn a_started_application_whose_runtime_is_gone_prepares_it_again_before_it_admits() {
    let mut stage = Stage::new(None);
    let driver = stage.running("r1");
    stage.end(&driver, "m1", 0).expect("heard");
    stage.runtime = Runtime::Preparing("fetching".to_owned());
    stage.submit("r2");
    stage.tick();
    assert_eq!(stage.state_of("r2"), Pending);
    let prepare = Effect::Prepare(ReleaseLabel::new("emr-7.13.0"));
    assert!(stage.plan(&[]).effects.contains(&prepare));
    stage.runtime = Runtime::Ready;
    stage.tick();
    assert_eq!(stage.state_of("r2"), Scheduled);
}
