//! Which ports are opened: the one that was asked for and, if that is behind TLS or beyond loopback, a plain one on loopback
//! for this machine's own workers.
//!
//! It must not know what is served there.

use super::door::Door;
use super::listener::{Bounds, Listener};
use super::tls::{Certificate, Tls};
use crate::arguments::Exposure;
use crate::failure::Failure;
use crate::folder::reachable;
use crate::machine::watch::{Watch, watch};
use anyhow::Context;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Most descriptors that are asked of the system; each connection takes one, and a request to S3 a few more.
const DESCRIPTORS: u64 = 65_536;

/// Ports that are open and not served yet.
pub struct Ports {
    /// Where it listens.
    pub address: SocketAddr,
    /// URL for callers.
    pub url: String,
    /// Where workers of this machine reach it: plain HTTP on loopback.
    pub local: SocketAddr,
    /// The authority to trust, if it is the installation's own.
    pub authority: Option<PathBuf>,
    outer: TcpListener,
    inner: Option<TcpListener>,
    tls: Option<Arc<Tls>>,
    bounds: Bounds,
}

/// Ports that are served.
pub struct Served {
    outer: Listener,
    inner: Option<Listener>,
    _watch: Option<Watch>,
}

impl Ports {
    /// Opens them. `local_port` is the loopback port of the last time.
    pub async fn open(
        address: SocketAddr,
        exposure: &Exposure,
        folder: &Path,
        local_port: Option<u16>,
    ) -> Result<Self, Failure> {
        let certificate = exposure.certificate(folder, address);
        let far = !address.ip().is_loopback();
        if far && certificate.is_none() && !exposure.plain_http {
            return Err(Failure::Usage(format!(
                "--listen {} beyond loopback needs TLS, for session tokens would travel in clear: give --tls self, or --tls-cert FILE and \
                 --tls-key FILE; or --plain-http if the network itself is safe",
                address.ip()
            )));
        }
        let authority = certificate.as_ref().and_then(Certificate::authority);
        let tls = certificate.map(Tls::new).transpose()?.map(Arc::new);
        let outer = bind(address).await?;
        let address = outer.local_addr()?;
        let inner = if far || tls.is_some() { Some(inner(local_port).await?) } else { None };
        let local = inner.as_ref().map_or(Ok(address), TcpListener::local_addr)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = match exposure.host_name.first() {
            Some(name) => format!("{scheme}://{name}:{}", address.port()),
            None => format!("{scheme}://{}", reachable(address)),
        };
        let bounds = bounds(far, descriptors());
        Ok(Self { address, url, local, authority, outer, inner, tls, bounds })
    }

    /// URLs for runners on this machine, tried in turn.
    pub fn for_runners(&self) -> Vec<String> {
        let mut urls = vec![format!("http://{}", self.local)];
        if self.authority.is_some() {
            urls.push(format!("https://{}", reachable(self.address)));
        }
        urls
    }

    /// The authority's certificate, for runners.
    pub fn authority_pem(&self) -> anyhow::Result<Option<String>> {
        let read =
            |file: &PathBuf| std::fs::read_to_string(file).with_context(|| format!("{}", file.display()));
        self.authority.as_ref().map(read).transpose()
    }

    /// Begins to serve.
    pub fn serve(self, door: &Arc<Door>) -> Served {
        let watch = self
            .tls
            .clone()
            .filter(|tls| !tls.watched().is_empty())
            .map(|tls| watch("the certificate", tls.watched(), move || tls.reload()));
        Served {
            outer: Listener::within(self.outer, door.clone(), self.tls, self.bounds),
            inner: self.inner.map(|inner| Listener::start(inner, door.clone())),
            _watch: watch,
        }
    }
}

impl Served {
    /// Resolves only if one of them ended without being told to.
    pub async fn failed(&self) -> anyhow::Error {
        match &self.inner {
            Some(inner) => tokio::select! {
                fault = self.outer.failed() => fault,
                fault = inner.failed() => fault,
            },
            None => self.outer.failed().await,
        }
    }

    /// Stops them; see [`Listener::stop`].
    pub async fn stop(self, limit: Duration) {
        let inner = async {
            if let Some(inner) = self.inner {
                inner.stop(limit).await;
            }
        };
        tokio::join!(self.outer.stop(limit), inner);
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let port = address.port();
        let advice = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("port {port} is in use; give another (up: --port N, serve: --listen ADDR:N)")
            }
            _ => error.to_string(),
        };
        Failure::Other(anyhow::anyhow!("cannot listen on {address}: {advice}"))
    })
}

/// The loopback port of the last time, which workers that live on know, else any.
async fn inner(local_port: Option<u16>) -> anyhow::Result<TcpListener> {
    let at = |port: u16| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
    if let Some(port) = local_port {
        match TcpListener::bind(at(port)).await {
            Ok(socket) => return Ok(socket),
            Err(error) => {
                tracing::warn!(port, %error, "the workers' port cannot be had; workers that live on lose contact");
            }
        }
    }
    TcpListener::bind(at(0)).await.context("cannot listen on loopback")
}

fn bounds(far: bool, descriptors: u64) -> Bounds {
    let mut bounds = if far { Bounds::FAR } else { Bounds::NEAR };
    let half = usize::try_from(descriptors / 2).unwrap_or(usize::MAX);
    bounds.connections = bounds.connections.min(half);
    bounds
}

/// How many descriptors this process may have, after asking for more.
fn descriptors() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 1_024 };
    let wanted = hard.min(DESCRIPTORS).max(soft);
    if wanted > soft && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_err() {
        return soft;
    }
    wanted
}
