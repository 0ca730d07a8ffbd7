//! The control plane is killed in the middle: its workers live on, and the next one adopts them, or clears away what
//! they left.

use crate::stage::{Processes, Root, appears, runs, signal};
use crate::suite::{STAYS, order, sighted};
use firesteel_core::id::WorkerId;
use firesteel_substrate::process::ProcessSubstrate;
use firesteel_substrate::{Sighted, Substrate};
use std::process::{Command, Stdio};
use std::time::Duration;

const ROOT: &str = "FIRESTEEL_TEST_ROOT";
const PART: &str = "FIRESTEEL_TEST_PART";

/// Not a test by itself: the control plane that the tests below kill. Without a root it has nothing to do.
#[tokio::test]
async fn a_control_plane_to_be_killed() {
    let (Some(path), Ok(part)) = (std::env::var_os(ROOT), std::env::var(PART)) else { return };
    let mut settings = Root::new().settings("ours");
    settings.root = path.into();
    // Of a runner that died unseen, only processes that show the worker's folder can be told from strangers.
    settings.environment.insert("NO_STRANGER".to_owned(), "1".into());
    let port = ProcessSubstrate::open(settings).await.unwrap();
    port.launch(&order("w", &part)).await.unwrap();
    std::future::pending::<()>().await;
}

/// A root whose control plane was killed when its worker had written `file`; with the runner's process id.
async fn after_a_crash(part: &str, file: &str) -> (Root, u32) {
    let root = Root::new();
    let mut control_plane = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::a_control_plane_to_be_killed"])
        .envs([(ROOT, root.path().into_os_string()), (PART, part.into())])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    appears(&root.folder("w").join(file)).await;
    control_plane.kill().unwrap();
    control_plane.wait().unwrap();
    let pid = root.pids("w", "began")[0];
    assert!(runs(pid), "it died with its control plane");
    (root, pid)
}

#[tokio::test]
async fn workers_outlive_the_kill_of_their_control_plane() {
    let (root, pid) = after_a_crash(STAYS, "began").await;
    let stage = Processes { port: root.open().await, root };
    assert_eq!(sighted(&stage, "w").await.unwrap().state, Sighted::Alive { pid: Some(pid) });
    // The death of what is not our child gives the hint as well.
    signal(pid, "KILL");
    let hint = tokio::time::timeout(Duration::from_secs(15), stage.port.changed()).await;
    assert!(hint.is_ok());
    assert_eq!(sighted(&stage, "w").await.unwrap().state, Sighted::Gone);
    stage.port.forget(&WorkerId::new("w")).await.unwrap();
    assert!(!stage.root.folder("w").exists());
}

#[tokio::test]
async fn an_adopted_worker_is_killed_as_a_whole() {
    let (root, pid) = after_a_crash("family", "family").await;
    let mut family = root.pids("w", "family");
    family.push(pid);
    let stage = Processes { port: root.open().await, root };
    stage.port.kill(&WorkerId::new("w")).await.unwrap();
    assert!(family.iter().all(|pid| !runs(*pid)), "{family:?}");
}

#[tokio::test]
async fn what_a_runner_left_that_died_unseen_is_cleared_away() {
    let (root, pid) = after_a_crash("family", "family").await;
    let family = root.pids("w", "family");
    signal(pid, "KILL");
    while runs(pid) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(family.iter().any(|pid| runs(*pid)), "nothing is left to clear away");
    let stage = Processes { port: root.open().await, root };
    assert_eq!(sighted(&stage, "w").await.unwrap().state, Sighted::Gone);
    assert!(family.iter().all(|pid| !runs(*pid)), "{family:?}");
}
