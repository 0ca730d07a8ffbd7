//! One port: connections in, requests to the door, and a graceful end. It must not know who answers.
//!
//! A connection must come to its point: a TLS handshake, a first request and every further head have their time, and no
//! crowd of idle connections takes the room of the others.

use super::door::Door;
use super::tls::Tls;
use axum::body::Body;
use http::{HeaderValue, Version, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Pause after an accept that failed, e.g. for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// A request's head must have arrived after so long. It is longer than SDKs keep an idle connection (90 s), so that it is they
/// who close it and no request meets a closing one.
const HEAD: Duration = Duration::from_secs(150);
/// Requests that one HTTP/2 connection may have under way.
const STREAMS: u32 = 128;
/// Largest head of a request over HTTP/2, bytes: a session token with its policies fits many times.
const HEAD_BYTES: u32 = 64 << 10;

/// What a port bears.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at once; those beyond are closed.
    pub connections: usize,
    /// Connections at once from one address; those beyond are closed.
    pub from_one: usize,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Time from the connection to the end of its first request's head.
    pub first_head: Duration,
    /// Largest head of a request over HTTP/1.1, bytes; one that is longer is refused.
    pub head_bytes: usize,
}

impl Bounds {
    /// For a port that only this machine reaches.
    pub const NEAR: Self = Self {
        connections: 16_384,
        from_one: 16_384,
        handshake: Duration::from_secs(10),
        first_head: HEAD,
        head_bytes: 400 << 10,
    };
    /// For a port that others reach.
    pub const FAR: Self = Self {
        connections: 4_096,
        from_one: 512,
        handshake: Duration::from_secs(10),
        first_head: Duration::from_secs(20),
        head_bytes: 2 * HEAD_BYTES as usize,
    };
}

/// A port that is being served.
pub struct Listener {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<JoinSet<()>>,
    ended: watch::Receiver<()>,
}

impl Listener {
    /// Begins to serve plain HTTP to this machine.
    pub fn start(socket: TcpListener, door: Arc<Door>) -> Self {
        Self::within(socket, door, None, Bounds::NEAR)
    }

    /// Begins to serve within bounds, behind TLS if there is any.
    pub fn within(socket: TcpListener, door: Arc<Door>, tls: Option<Arc<Tls>>, bounds: Bounds) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (alive, ended) = watch::channel(());
        let task = tokio::spawn(async move {
            let _alive = alive;
            accept(socket, Port { door, tls, bounds, crowd: Arc::default(), stopped }).await
        });
        Self { stop, task, ended }
    }

    /// Resolves only if it ended without being told to.
    pub async fn failed(&self) -> anyhow::Error {
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
        anyhow::anyhow!("the listener ended")
    }

    /// Takes no more connections, lets answers under way go out for so long, and cuts off what is left.
    pub async fn stop(self, limit: Duration) {
        self.stop.send_replace(true);
        let Ok(mut connections) = self.task.await else { return };
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, all).await.is_err() {
            tracing::debug!("connections are cut off");
        }
    }
}

#[derive(Clone)]
struct Port {
    door: Arc<Door>,
    tls: Option<Arc<Tls>>,
    bounds: Bounds,
    crowd: Arc<Crowd>,
    stopped: watch::Receiver<bool>,
}

/// How many connections there are, by address.
#[derive(Default)]
struct Crowd(Mutex<(usize, BTreeMap<IpAddr, usize>)>);

/// One of the crowd, for as long as it is held.
struct Place {
    crowd: Arc<Crowd>,
    peer: IpAddr,
}

impl Crowd {
    fn enter(self: &Arc<Self>, peer: IpAddr, bounds: &Bounds) -> Option<Place> {
        let mut crowd = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, by_peer) = &mut *crowd;
        if *all >= bounds.connections || by_peer.get(&peer).is_some_and(|there| *there >= bounds.from_one) {
            return None;
        }
        *all += 1;
        *by_peer.entry(peer).or_default() += 1;
        Some(Place { crowd: self.clone(), peer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut crowd = self.crowd.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, by_peer) = &mut *crowd;
        *all -= 1;
        if let Some(there) = by_peer.get_mut(&self.peer) {
            *there -= 1;
            if *there == 0 {
                by_peer.remove(&self.peer);
            }
        }
    }
}

async fn accept(socket: TcpListener, mut port: Port) -> JoinSet<()> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            taken = socket.accept() => match taken {
                Ok((stream, peer)) => {
                    let Some(place) = port.crowd.enter(peer.ip(), &port.bounds) else {
                        tracing::debug!(%peer, "too many connections: one more is closed");
                        continue;
                    };
                    let port = port.clone();
                    connections.spawn(async move {
                        let _place = place;
                        greet(stream, port).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "could not take a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = port.stopped.changed() => return connections,
        }
    }
}

async fn greet(stream: TcpStream, mut port: Port) {
    // Without it a small answer waits 40 ms for the other side's acknowledgement.
    stream.set_nodelay(true).ok();
    let Some(tls) = port.tls.clone() else { return serve(stream, port).await };
    let limit = port.bounds.handshake;
    let handshake = tokio::time::timeout(limit, tls.acceptor().accept(stream));
    let greeted = tokio::select! {
        greeted = handshake => greeted,
        _ = port.stopped.wait_for(|stop| *stop) => return,
    };
    match greeted {
        Ok(Ok(stream)) => serve(stream, port).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, port: Port) {
    let Port { door, bounds, mut stopped, .. } = port;
    let asked = Arc::new(AtomicBool::new(false));
    let has_asked = asked.clone();
    let answer = service_fn(move |request: hyper::Request<Incoming>| {
        has_asked.store(true, Ordering::Relaxed);
        let door = door.clone();
        async move { Ok::<_, Infallible>(door.answer(with_host(request.map(Body::new))).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(bounds.head_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES)
        .keep_alive_interval(HEAD / 2);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), answer);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        done = connection.as_mut() => return note(done),
        () = never_asks(&asked, bounds.first_head) => return tracing::debug!("a connection asked nothing in its time"),
        _ = stopped.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    note(connection.await);
}

/// Resolves if nothing was asked in time.
async fn never_asks(asked: &AtomicBool, limit: Duration) {
    tokio::time::sleep(limit).await;
    if asked.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

/// HTTP/2 carries the host in the address; signatures cover it as the header `host`.
fn with_host<B>(mut request: http::Request<B>) -> http::Request<B> {
    if request.version() == Version::HTTP_2
        && !request.headers().contains_key(header::HOST)
        && let Some(host) =
            request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok())
    {
        request.headers_mut().insert(header::HOST, host);
    }
    request
}

fn note<E: std::fmt::Display>(done: Result<(), E>) {
    if let Err(error) = done {
        tracing::debug!(%error, "a connection ended early");
    }
}
