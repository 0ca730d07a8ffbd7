//! The pod API on loopback: Spark's driver in client mode asks its executors here.
//!
//! The rules are in `firesteel-pods`; this room gives them sockets, a clock and a lock. It must not know where executors
//! run, who admits them, or what a job run is.

mod clock;
mod server;
mod shared;
mod streams;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use firesteel_pods::{Settings, Sighting, Wanted};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::shared::Shared;

/// A running pod API for one Spark driver. It ends when this value is dropped.
#[derive(Debug)]
pub struct PodApi {
    shared: Arc<Shared>,
    address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl PodApi {
    /// Listens on a free port of 127.0.0.1 and serves whoever brings `token` as bearer token
    /// (`spark.kubernetes.authenticate.oauthToken`). The seed in the settings is for the uids of pods: take a fresh one for each
    /// start. The version is that of the runtime.
    ///
    /// # Errors
    /// If the port cannot be bound.
    pub async fn start(token: impl Into<String>, settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(token.into(), settings));
        let tasks = [
            tokio::spawn(server::serve(listener, Arc::clone(&shared))),
            tokio::spawn(shared::keep_time(Arc::clone(&shared))),
        ];
        Ok(Self { shared, address, tasks })
    }

    /// Where it listens: `spark.master` is `k8s://` followed by this.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The executors wanted, as they change; the first value is there at once.
    pub fn wanted(&self) -> watch::Receiver<Wanted> {
        self.shared.wanted()
    }

    /// Tells what was seen of executors. The same sightings may be told again and again.
    pub fn observe(&self, sightings: &[Sighting]) {
        self.shared.change(|cluster, now| cluster.observe(sightings, now));
    }
}

impl Drop for PodApi {
    fn drop(&mut self) {
        // Streams and connections see this and end by themselves; the listener must not outlive the value.
        self.shared.stop.cancel();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
