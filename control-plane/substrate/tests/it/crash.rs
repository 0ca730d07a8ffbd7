//! The control plane is killed in the middle: its workers live on, and the next one adopts them.

use crate::stage::{Processes, Root, appears, runs, signal};
use crate::suite::{STAYS, order, sighted};
use firesteel_core::id::WorkerId;
use firesteel_substrate::process::ProcessSubstrate;
use firesteel_substrate::{Sighted, Substrate};
use std::process::{Command, Stdio};

const ROOT: &str = "FIRESTEEL_TEST_ROOT";

/// Not a test by itself: the control plane that the test below kills. Without a root it has nothing to do.
#[tokio::test]
async fn a_control_plane_to_be_killed() {
    let Some(path) = std::env::var_os(ROOT) else { return };
    let mut settings = Root::new().settings("ours");
    settings.root = path.into();
    let port = ProcessSubstrate::open(settings).await.unwrap();
    port.launch(&order("w", STAYS)).await.unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn workers_outlive_the_kill_of_their_control_plane() {
    let root = Root::new();
    let mut control_plane = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::a_control_plane_to_be_killed"])
        .env(ROOT, root.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    appears(&root.folder("w").join("began")).await;
    let pid = root.pids("w", "began")[0];
    signal(pid, "CONT");
    control_plane.kill().unwrap();
    control_plane.wait().unwrap();
    assert!(runs(pid), "it died with its control plane");
    let stage = Processes { port: root.open().await, root };
    assert_eq!(sighted(&stage, "w").await.unwrap().state, Sighted::Alive { pid: Some(pid) });
    // A death that no parent of ours reports still gives the hint.
    signal(pid, "KILL");
    let hint = tokio::time::timeout(std::time::Duration::from_secs(15), stage.port.changed()).await;
    assert!(hint.is_ok());
    assert_eq!(sighted(&stage, "w").await.unwrap().state, Sighted::Gone);
    stage.port.forget(&WorkerId::new("w")).await.unwrap();
    assert!(!stage.root.folder("w").exists());
}
