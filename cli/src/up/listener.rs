//! One port: connections in, requests to the door, and a graceful end. It must not know who answers.

use super::door::Door;
use axum::body::Body;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Pause after an accept that failed, e.g. for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// A request's head must have arrived after so long. It is longer than SDKs keep an idle connection (90 s), so that it is they
/// who close it and no request meets a closing one.
const HEAD: Duration = Duration::from_secs(150);

/// A port that is being served.
pub struct Listener {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<JoinSet<()>>,
    ended: watch::Receiver<()>,
}

impl Listener {
    /// Begins to serve.
    pub fn start(socket: TcpListener, door: Arc<Door>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (alive, ended) = watch::channel(());
        let task = tokio::spawn(async move {
            let _alive = alive;
            accept(socket, door, stopped).await
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

async fn accept(socket: TcpListener, door: Arc<Door>, mut stopped: watch::Receiver<bool>) -> JoinSet<()> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            taken = socket.accept() => match taken {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, door.clone(), stopped.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "could not take a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => return connections,
        }
    }
}

async fn serve(stream: TcpStream, door: Arc<Door>, mut stopped: watch::Receiver<bool>) {
    // Without it a small answer waits 40 ms for the other side's acknowledgement.
    stream.set_nodelay(true).ok();
    let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let door = door.clone();
        async move { Ok::<_, Infallible>(door.answer(request.map(Body::new)).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), answer);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        done = connection.as_mut() => return note(done),
        _ = stopped.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    note(connection.await);
}

fn note<E: std::fmt::Display>(done: Result<(), E>) {
    if let Err(error) = done {
        tracing::debug!(%error, "a connection ended early");
    }
}
