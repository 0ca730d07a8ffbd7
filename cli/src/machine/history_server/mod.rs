//! Spark's own history server, one for each attempt that somebody looks at: begun on demand, ended when nobody looks.
//!
//! The event logs are copied here from S3 with credentials that can read them and nothing else; the server itself gets
//! no credentials at all. It must not know runs, tokens or pages.

mod child;
mod load;

pub(crate) use load::said;

use async_trait::async_trait;
use child::Child;
use firesteel_protocol::{Credentials, ObjectStore};
use firesteel_runtime::{Installer, Readiness};
use firesteel_service::{History, HistoryServers, HistorySource};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Servers at a time on one host.
const MOST: usize = 2;
/// A server that nobody looked at for so long is ended.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// One that nobody looked at for so long makes room for another.
const YIELDS: Duration = Duration::from_secs(30);
/// How long a failure stands before it is tried again.
const FAILURE_STANDS: Duration = Duration::from_secs(30);
/// How long "no room" stands.
const BUSY_STANDS: Duration = Duration::from_secs(2);
/// How often a server looks after itself.
const LOOK: Duration = Duration::from_secs(2);

/// The history servers of one control plane.
#[derive(Clone)]
pub struct ChildHistoryServers(Arc<Inner>);

struct Inner {
    installer: Installer,
    store: ObjectStore,
    root: PathBuf,
    servers: Mutex<BTreeMap<String, Server>>,
    stop: watch::Sender<bool>,
}

struct Server {
    standing: History,
    since: Instant,
    used: Instant,
    task: Option<JoinHandle<()>>,
    /// Set when it is to make room.
    leave: watch::Sender<bool>,
}

impl ChildHistoryServers {
    /// Servers of the releases that `installer` finds, over event logs in `store`; they work below `root`, which is
    /// emptied: what is in it was left by a control plane that was killed.
    pub fn new(installer: Installer, store: ObjectStore, root: PathBuf) -> Self {
        if let Err(error) = std::fs::remove_dir_all(&root)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(folder = %root.display(), %error, "old event logs could not be removed");
        }
        let (stop, _) = watch::channel(false);
        Self(Arc::new(Inner { installer, store, root, servers: Mutex::default(), stop }))
    }
}

#[async_trait]
impl HistoryServers for ChildHistoryServers {
    fn look(&self, key: &str) -> Option<History> {
        let mut servers = self.0.servers();
        let server = servers.get_mut(key)?;
        let stands = match server.standing {
            History::Impossible(_) => FAILURE_STANDS,
            _ if server.task.is_none() => BUSY_STANDS,
            _ => Duration::MAX,
        };
        if server.since.elapsed() > stands {
            servers.remove(key);
            return None;
        }
        server.used = Instant::now();
        Some(server.standing.clone())
    }

    fn begin(&self, source: HistorySource, credentials: Credentials) {
        let mut servers = self.0.servers();
        if servers.contains_key(&source.key) || *self.0.stop.borrow() {
            return;
        }
        let busy = !has_room(&servers);
        let text = if busy {
            format!("Waiting for room: {MOST} other history servers are in use on this host.")
        } else {
            "Spark's history server is being started.".to_owned()
        };
        let (leave, left) = watch::channel(false);
        let key = source.key.clone();
        let task = (!busy).then(|| tokio::spawn(self.0.clone().serve(source, credentials, left)));
        let now = Instant::now();
        servers.insert(key, Server { standing: History::Loading(text), since: now, used: now, task, leave });
    }

    async fn stop(&self) {
        self.0.stop.send_replace(true);
        let tasks: Vec<JoinHandle<()>> =
            self.0.servers().values_mut().filter_map(|server| server.task.take()).collect();
        for task in tasks {
            // A task that broke has dropped its server, which kills it.
            let _ = task.await;
        }
    }
}

/// True if one more may begin; otherwise the one that was not looked at for longest is asked to leave.
fn has_room(servers: &BTreeMap<String, Server>) -> bool {
    let lives = |server: &&Server| server.task.as_ref().is_some_and(|task| !task.is_finished());
    if servers.values().filter(lives).count() < MOST {
        return true;
    }
    let oldest = servers.values().filter(lives).min_by_key(|server| server.used);
    if let Some(oldest) = oldest.filter(|server| server.used.elapsed() > YIELDS) {
        oldest.leave.send_replace(true);
    }
    false
}

impl Inner {
    fn servers(&self) -> MutexGuard<'_, BTreeMap<String, Server>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, key: &str, standing: History) {
        if let Some(server) = self.servers().get_mut(key) {
            server.standing = standing;
            server.since = Instant::now();
        }
    }

    /// The life of one server.
    async fn serve(
        self: Arc<Self>,
        source: HistorySource,
        credentials: Credentials,
        mut left: watch::Receiver<bool>,
    ) {
        let key = source.key.clone();
        let folder = self.root.join(&key);
        let mut stop = self.stop.subscribe();
        let outcome = tokio::select! {
            outcome = self.live(&source, &credentials) => outcome,
            _ = stop.wait_for(|stop| *stop) => Ok(()),
            _ = left.wait_for(|left| *left) => Ok(()),
        };
        if let Err(error) = tokio::fs::remove_dir_all(&folder).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(folder = %folder.display(), %error, "event logs could not be removed");
        }
        match outcome {
            Ok(()) => {
                self.servers().remove(&key);
            }
            Err(why) => {
                tracing::warn!(attempt = key, why, "no history server");
                self.note(&key, History::Impossible(why));
            }
        }
    }

    /// From the event logs to the last look; the child dies when this is dropped.
    async fn live(&self, source: &HistorySource, credentials: &Credentials) -> Result<(), String> {
        let key = &source.key;
        let folder = self.root.join(key);
        let runtime = match self.installer.readiness(source.release.as_str()) {
            Readiness::Ready(runtime) => runtime,
            _ => return Err(format!("Release {} is not installed on this host.", source.release)),
        };
        let say = |text: String| self.note(key, History::Loading(text));
        let bytes = load::load(&self.store, source, credentials, &folder.join("logs"), &say).await?;
        say("Spark's history server is reading the event log.".to_owned());
        let mut child = Child::start(&runtime, &folder, bytes).await.map_err(|error| error.to_string())?;
        let applications = child.ready().await?;
        self.note(key, History::Ready { address: child.address(), applications });
        loop {
            tokio::select! {
                ended = child.ended() => return Err(ended),
                () = tokio::time::sleep(LOOK) => {}
            }
            if self.servers().get(key).is_none_or(|server| server.used.elapsed() > IDLE) {
                child.end().await;
                return Ok(());
            }
        }
    }
}
