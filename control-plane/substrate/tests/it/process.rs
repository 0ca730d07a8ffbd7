//! The process substrate: the suite, and what it promises beyond: the errand, the environment, the whole, and that
//! nothing of anybody else's is ever touched.

use crate::stage::{Processes, Root, appears, is_our_zombie, runs, session, start_ticks};
use crate::suite::{self, DIES, EXITS, STAYS, order, sighted, until};
use firesteel_core::id::WorkerId;
use firesteel_protocol::transport::Errand;
use firesteel_substrate::process::{ProcessSubstrate, WORKER_FOLDER};
use firesteel_substrate::{LaunchError, Sighted, Substrate};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command};

#[tokio::test]
async fn passes_the_suite() {
    suite::run(Processes::new).await;
}

/// Launches a worker and waits until it wrote `file`; gives the runner's id.
async fn launch(stage: &Processes, worker: &str, part: &str, file: &str) -> u32 {
    stage.port.launch(&order(worker, part)).await.unwrap();
    appears(&stage.root.folder(worker).join(file)).await;
    stage.root.pids(worker, "began")[0]
}

#[tokio::test]
async fn the_errand_comes_by_a_descriptor_and_by_no_other_way() {
    let stage = Processes::new().await;
    let pid = launch(&stage, "w", "stays-secret", "errand.json").await;
    let folder = stage.root.folder("w");
    let errand: Errand = serde_json::from_str(&appears(&folder.join("errand.json")).await).unwrap();
    let expected = Errand {
        worker: WorkerId::new("w"),
        host: stage.port.host().id,
        endpoints: order("w", STAYS).endpoints,
        token: "stays-secret".to_owned(),
        address: sighted(&stage, "w").await.unwrap().address,
        folder: folder.clone(),
        forbidden: Some("/forbidden".into()),
        runtimes: "/runtimes".into(),
        authority: Some("an authority".to_owned()),
    };
    assert_eq!(errand, expected);
    let environment = fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    let command_line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    let record = fs::read_to_string(folder.join("worker.json")).unwrap();
    for place in [&environment, &command_line, &record] {
        assert!(!place.contains("stays-secret"), "{place}");
    }
    let allowed = ["PATH", "HOME", "LANG", WORKER_FOLDER, "RUST_LOG", "RUST_BACKTRACE", "FAMILY"];
    for variable in environment.split_terminator('\0') {
        let name = variable.split('=').next().unwrap();
        assert!(allowed.contains(&name), "{variable}");
    }
    stage.port.kill(&WorkerId::new("w")).await.unwrap();
}

#[tokio::test]
async fn a_worker_is_its_own_session_in_its_own_folder() {
    let stage = Processes::new().await;
    let pid = launch(&stage, "w", STAYS, "began").await;
    let folder = stage.root.folder("w");
    assert_eq!(session(pid), Some(pid));
    assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), folder);
    assert_eq!(sighted(&stage, "w").await.unwrap().state, Sighted::Alive { pid: Some(pid) });
    let open: Vec<_> =
        fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(|fd| fd.unwrap().path()).collect();
    assert!(open.len() <= 4, "more is open than the standard three: {open:?}");
    for (path, mode) in
        [("", 0o700), ("work", 0o700), ("local", 0o700), ("worker.json", 0o600), ("runner.log", 0o600)]
    {
        let found = fs::metadata(folder.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{path}");
    }
    stage.port.kill(&WorkerId::new("w")).await.unwrap();
    assert!(!runs(pid) && !is_our_zombie(pid));
}

#[tokio::test]
async fn kill_ends_descendants_of_every_kind() {
    let stage = Processes::new().await;
    let pid = launch(&stage, "w", "family", "family").await;
    let mut family = stage.root.pids("w", "family");
    assert!(family.len() == 5 && family.iter().all(|pid| runs(*pid)), "{family:?}");
    family.push(pid);
    stage.port.kill(&WorkerId::new("w")).await.unwrap();
    let left: Vec<_> = family.iter().filter(|pid| runs(**pid) || is_our_zombie(**pid)).collect();
    assert!(left.is_empty(), "{left:?} of {family:?}");
    assert_eq!(sighted(&stage, "w").await.unwrap().state, Sighted::Gone);
}

#[tokio::test]
async fn what_a_dead_runner_leaves_behind_is_cleared_away() {
    let stage = Processes::new().await;
    stage.port.launch(&order("w", "orphans")).await.unwrap();
    appears(&stage.root.folder("w").join("family")).await;
    assert_eq!(until(&stage, "w", |state| !state.is_alive()).await, Sighted::Gone);
    let left: Vec<_> = stage.root.pids("w", "family").into_iter().filter(|pid| runs(*pid)).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_runner_that_ends_by_itself_is_no_zombie() {
    let stage = Processes::new().await;
    for part in [EXITS, DIES] {
        let pid = launch(&stage, part, part, "began").await;
        until(&stage, part, |state| !state.is_alive()).await;
        assert!(!is_our_zombie(pid), "{part}");
    }
}

#[tokio::test]
async fn launched_at_the_same_moment_it_still_starts_once() {
    let stage = Processes::new().await;
    let root = stage.root;
    let port = std::sync::Arc::new(stage.port);
    let mut launches = tokio::task::JoinSet::new();
    for n in 0..80 {
        let (port, order) = (port.clone(), order(&format!("w{}", n / 4), STAYS));
        launches.spawn(async move { port.launch(&order).await });
    }
    while let Some(launched) = launches.join_next().await {
        launched.unwrap().unwrap();
    }
    for worker in (0..20).map(|n| format!("w{n}")) {
        appears(&root.folder(&worker).join("began")).await;
        port.kill(&WorkerId::new(worker.as_str())).await.unwrap();
        assert_eq!(root.pids(&worker, "began").len(), 1, "{worker}");
    }
}

#[tokio::test]
async fn another_control_plane_adopts_what_lives() {
    let stage = Processes::new().await;
    let pid = launch(&stage, "w", STAYS, "began").await;
    launch(&stage, "ended", EXITS, "exit.json").await;
    let address = sighted(&stage, "w").await.unwrap().address;
    let refused = ProcessSubstrate::open(stage.root.settings("ours")).await.err().unwrap();
    assert_eq!(refused.kind(), std::io::ErrorKind::WouldBlock);
    let host = stage.port.host();
    let stage = stage.reopened().await;
    assert_eq!(stage.port.host(), host);
    let seen = sighted(&stage, "w").await.unwrap();
    assert_eq!((seen.state, seen.address), (Sighted::Alive { pid: Some(pid) }, address));
    until(&stage, "ended", |state| matches!(state, Sighted::Exited(_))).await;
    stage.port.launch(&order("w", STAYS)).await.unwrap();
    assert_eq!(stage.root.pids("w", "began"), [pid]);
    stage.port.kill(&WorkerId::new("w")).await.unwrap();
    assert!(!runs(pid));
}

/// A process that has nothing to do with any worker: in a session of its own, so that a mistake in the rooms under
/// test cannot end the session in which the tests run.
struct Stranger(Child);

impl Stranger {
    fn new() -> Self {
        let script = "import os; os.setsid(); os.execv('/bin/sleep', ['sleep', '1000'])";
        let stranger = Self(Command::new("python3").args(["-c", script]).spawn().unwrap());
        while session(stranger.0.id()) != Some(stranger.0.id()) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        stranger
    }

    fn record(&self, installation: &str, host: &str, boot: &str, ticks_off: u64) -> String {
        let pid = self.0.id();
        let started = start_ticks(pid).unwrap() + ticks_off;
        let process = format!(r#"{{"pid":{pid},"started":{started}}}"#);
        record(installation, host, boot, &process)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        // It may be dead already, where a test fails.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn record(installation: &str, host: &str, boot: &str, process: &str) -> String {
    format!(
        r#"{{"installation":"{installation}","host":"{host}","boot":"{boot}","address":"127.0.0.9","process":{process}}}"#
    )
}

fn this_boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap().trim().to_owned()
}

fn plant(root: &Root, worker: &str, record: &str) {
    fs::create_dir_all(root.folder(worker)).unwrap();
    fs::write(root.folder(worker).join("worker.json"), record).unwrap();
}

#[tokio::test]
async fn another_installations_or_hosts_worker_is_not_touched() {
    let stage = Processes::new().await;
    let mut stranger = Stranger::new();
    let host = stage.port.host().id;
    plant(&stage.root, "theirs", &stranger.record("theirs", host.as_str(), &this_boot(), 0));
    plant(&stage.root, "elsewhere", &stranger.record("ours", "another-host", &this_boot(), 0));
    let stage = stage.reopened().await;
    assert_eq!(stage.port.sightings().await.unwrap(), []);
    for worker in ["theirs", "elsewhere"] {
        stage.port.kill(&WorkerId::new(worker)).await.unwrap();
        stage.port.forget(&WorkerId::new(worker)).await.unwrap();
        let launched = stage.port.launch(&order(worker, STAYS)).await;
        assert!(matches!(launched, Err(LaunchError::Refused { .. })), "{launched:?}");
        assert!(stage.root.folder(worker).join("worker.json").exists());
    }
    assert_eq!(stranger.0.try_wait().unwrap(), None, "it was killed");
}

#[tokio::test]
async fn a_process_that_has_a_dead_runners_id_is_not_touched() {
    let stage = Processes::new().await;
    let mut stranger = Stranger::new();
    let host = stage.port.host().id;
    plant(&stage.root, "later", &stranger.record("ours", host.as_str(), &this_boot(), 1));
    plant(&stage.root, "before-the-boot", &stranger.record("ours", host.as_str(), "another-boot", 0));
    let stage = stage.reopened().await;
    for worker in ["later", "before-the-boot"] {
        assert_eq!(sighted(&stage, worker).await.unwrap().state, Sighted::Gone, "{worker}");
        stage.port.kill(&WorkerId::new(worker)).await.unwrap();
        stage.port.forget(&WorkerId::new(worker)).await.unwrap();
    }
    assert_eq!(stranger.0.try_wait().unwrap(), None, "it was killed");
}

#[tokio::test]
async fn a_worker_that_got_no_process_is_gone_for_ever() {
    let stage = Processes::new().await;
    let host = stage.port.host().id;
    plant(&stage.root, "w", &record("ours", host.as_str(), &this_boot(), "null"));
    let stage = stage.reopened().await;
    assert_eq!(sighted(&stage, "w").await.unwrap().state, Sighted::Gone);
    stage.port.launch(&order("w", STAYS)).await.unwrap();
    assert_eq!(sighted(&stage, "w").await.unwrap().state, Sighted::Gone);
    assert!(!stage.root.folder("w").join("began").exists());
}

#[tokio::test]
async fn what_was_certainly_not_started_may_be_tried_again() {
    let root = Root::new();
    let mut settings = root.settings("ours");
    settings.runner.program = root.path().join("runner");
    let port = ProcessSubstrate::open(settings).await.unwrap();
    let order = order("w", STAYS);
    let failed = port.launch(&order).await;
    assert!(matches!(failed, Err(LaunchError::NotStarted { .. })), "{failed:?}");
    assert_eq!(port.sightings().await.unwrap(), []);
    std::os::unix::fs::symlink("/bin/sh", root.path().join("runner")).unwrap();
    port.launch(&order).await.unwrap();
    appears(&root.folder("w").join("began")).await;
    port.kill(&order.worker).await.unwrap();
}

#[tokio::test]
async fn orders_that_can_never_succeed_are_refused() {
    let stage = Processes::new().await;
    let long = "t".repeat(20_000);
    for order in [order("../w", STAYS), order("", STAYS), order(".new-w", STAYS), order("w", &long)] {
        let refused = stage.port.launch(&order).await;
        assert!(matches!(refused, Err(LaunchError::Refused { .. })), "{:?}: {refused:?}", order.worker);
    }
    assert_eq!(fs::read_dir(stage.root.path().join("workers")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_torn_exit_is_no_word() {
    let stage = Processes::new().await;
    launch(&stage, "w", STAYS, "began").await;
    fs::write(stage.root.folder("w").join("exit.json"), r#"{"code":0,"summ"#).unwrap();
    stage.port.kill(&WorkerId::new("w")).await.unwrap();
    assert_eq!(sighted(&stage, "w").await.unwrap().state, Sighted::Gone);
}

#[tokio::test]
async fn a_worker_lives_until_its_runner_is_dead_whatever_it_wrote() {
    let stage = Processes::new().await;
    let pid = launch(&stage, "w", STAYS, "began").await;
    let exit = serde_json::to_vec(&suite::an_exit()).unwrap();
    fs::write(stage.root.folder("w").join("exit.json"), exit).unwrap();
    assert_eq!(sighted(&stage, "w").await.unwrap().state, Sighted::Alive { pid: Some(pid) });
    stage.port.kill(&WorkerId::new("w")).await.unwrap();
    assert_eq!(sighted(&stage, "w").await.unwrap().state, Sighted::Exited(suite::an_exit()));
}
