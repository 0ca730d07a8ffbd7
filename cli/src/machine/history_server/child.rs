//! One history server as a process: its command line, its start, its readiness, its end.
//!
//! It dies with this process, however that dies: a guardian (the runners' own) waits on a pipe that only this process
//! holds, and kills what carries the mark.

use bytes::Bytes;
use firesteel_runtime::{Role, Runtime};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use std::fmt::Write;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, Command};
use tokio::time::Instant;

/// How long a server may take until it shows an application; large event logs take their time.
const PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(100);
const MIB: u64 = 1 << 20;
/// A session that no process has: the guardian is to go by the mark alone.
const NO_SESSION: i32 = -1;
/// What the guardian takes as a farewell.
const FAREWELL: &[u8] = b"Q";

/// A running server.
pub(super) struct Child {
    java: tokio::process::Child,
    guard: tokio::process::Child,
    tie: ChildStdin,
    address: SocketAddr,
    log: PathBuf,
    http: Client<HttpConnector, Full<Bytes>>,
}

#[derive(Deserialize)]
struct Application {
    id: String,
}

impl Child {
    /// Starts the server over `folder/logs`, which hold so many bytes.
    pub(super) async fn start(runtime: &Runtime, folder: &Path, bytes: u64) -> io::Result<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = folder.join("server.log");
        std::fs::create_dir_all(folder.join("tmp"))?;
        std::fs::write(folder.join("history.conf"), properties(folder, free.port()))?;
        let mark = format!("{:016x}", rand::random::<u64>());
        let (guard, tie) = start_guard(&format!("{MARK}={mark}")).await?;
        let out = std::fs::File::create(&log)?;
        let mut java = Command::new(runtime.java_executable());
        java.args(arguments(runtime, folder, bytes))
            .env_clear()
            .envs(environment(runtime, folder))
            .env(MARK, mark)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .process_group(0)
            .kill_on_drop(true);
        let java = java.spawn()?;
        let http = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { java, guard, tie, address: free, log, http })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it shows at least one application; their ids, or why it does not.
    pub(super) async fn ready(&mut self) -> Result<Vec<String>, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(ids) = self.applications().await.filter(|ids| !ids.is_empty()) {
                return Ok(ids);
            }
            if Instant::now() > deadline {
                return Err(format!("Spark's history server shows nothing. {}", self.tail()));
            }
            tokio::select! {
                ended = self.ended() => return Err(ended),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn applications(&self) -> Option<Vec<String>> {
        let uri = format!("http://{}/api/v1/applications", self.address).parse().ok()?;
        let answer = tokio::time::timeout(Duration::from_secs(20), self.http.get(uri)).await.ok()?.ok()?;
        let body = answer.into_body().collect().await.ok()?.to_bytes();
        let mut ids: Vec<String> =
            serde_json::from_slice::<Vec<Application>>(&body).ok()?.into_iter().map(|app| app.id).collect();
        // The first context is named after the run, later ones have a number behind it.
        ids.sort_by_key(|id| (id.len(), id.clone()));
        ids.dedup();
        Some(ids)
    }

    /// Waits for its end, which is a failure.
    pub(super) async fn ended(&mut self) -> String {
        let status = self.java.wait().await;
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        format!("Spark's history server ended ({how}). {}", self.tail())
    }

    /// Ends it; nothing of it is left when this returns.
    pub(super) async fn end(mut self) {
        // It holds nothing that would be lost.
        if let Err(error) = self.java.kill().await {
            tracing::warn!(%error, "a history server could not be killed");
            return;
        }
        let _ = self.tie.write_all(FAREWELL).await;
        drop(self.tie);
        let _ = self.guard.wait().await;
    }

    /// The last lines that it wrote.
    fn tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut errors = text.lines().filter(|line| line.contains("ERROR") || line.contains("Exception"));
        let last = errors.next_back().or_else(|| text.lines().next_back()).unwrap_or_default();
        last.chars().take(300).collect()
    }
}

/// Name of the variable by which the guardian knows a server.
const MARK: &str = "FIRESTEEL_HISTORY";

async fn start_guard(mark: &str) -> io::Result<(tokio::process::Child, ChildStdin)> {
    let mut guard = Command::new(std::env::current_exe()?)
        .args([firesteel_agent::GUARD_VERB, mark])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let mut tie = guard.stdin.take().ok_or_else(|| io::Error::other("the guardian has no input"))?;
    tie.write_all(&NO_SESSION.to_ne_bytes()).await?;
    Ok((guard, tie))
}

fn arguments(runtime: &Runtime, folder: &Path, bytes: u64) -> Vec<String> {
    let mut line = runtime.cds_options(Role::Driver, &runtime.java);
    line.extend(runtime.java_options().iter().cloned());
    line.extend([
        format!("-Xmx{}m", heap_mib(bytes)),
        "-XX:-UsePerfData".to_owned(),
        "-XX:+ExitOnOutOfMemoryError".to_owned(),
        format!("-Djava.io.tmpdir={}", folder.join("tmp").display()),
        "-cp".to_owned(),
        runtime.class_path(None, folder),
        "org.apache.spark.deploy.history.HistoryServer".to_owned(),
        "--properties-file".to_owned(),
        folder.join("history.conf").display().to_string(),
    ]);
    line
}

/// Small for small event logs: what the server keeps is smaller than what it reads.
fn heap_mib(bytes: u64) -> u64 {
    match bytes / MIB {
        0..64 => 512,
        64..512 => 1_024,
        _ => 2_048,
    }
}

fn environment(runtime: &Runtime, folder: &Path) -> [(&'static str, String); 9] {
    let text = |path: &Path| path.display().to_string();
    [
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("HOME", text(folder)),
        ("LANG", "C.UTF-8".to_owned()),
        ("USER", "hadoop".to_owned()),
        ("HADOOP_USER_NAME", "hadoop".to_owned()),
        ("JAVA_HOME", text(runtime.java_home())),
        ("SPARK_HOME", text(&runtime.spark_home)),
        ("SPARK_CONF_DIR", text(folder)),
        ("SPARK_LOCAL_IP", Ipv4Addr::LOCALHOST.to_string()),
    ]
}

fn properties(folder: &Path, port: u16) -> String {
    let pairs = [
        ("spark.history.fs.logDirectory", format!("file://{}", folder.join("logs").display())),
        ("spark.history.ui.port", port.to_string()),
        ("spark.port.maxRetries", "0".to_owned()),
        // The folder does not change; the first look is at once.
        ("spark.history.fs.update.interval", "1d".to_owned()),
        ("spark.history.fs.numReplayThreads", "1".to_owned()),
        ("spark.history.retainedApplications", "4".to_owned()),
    ];
    pairs.iter().fold(String::new(), |mut text, (key, value)| {
        let _ = writeln!(text, "{key} {value}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heap_grows_with_the_event_logs_and_stays_modest() {
        for (mib, heap) in [(0, 512), (63, 512), (64, 1_024), (511, 1_024), (512, 2_048), (100_000, 2_048)] {
            assert_eq!(heap_mib(mib * MIB), heap, "{mib} MiB");
        }
    }

    #[test]
    fn the_server_stays_on_its_port_or_fails() {
        let text = properties(Path::new("/f"), 4_711);
        assert!(text.contains("spark.history.ui.port 4711\n"), "{text}");
        assert!(text.contains("spark.history.fs.logDirectory file:///f/logs\n"), "{text}");
        assert!(text.contains("spark.port.maxRetries 0\n"), "{text}");
    }
}
