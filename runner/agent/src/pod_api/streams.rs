//! Watches as streams: WebSocket frames, which Spark asks for, and chunked lines, to which it falls back.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use firesteel_pods::Watch;
use futures::Stream;
use futures::stream::unfold;
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;

use super::shared::Shared;

/// So often a silent WebSocket says how far it is: after a break the client asks from there.
const FRAME_BOOKMARK: Duration = Duration::from_secs(30);

/// So often a silent plain stream does: Spark 3.5's client hangs in `stop()` until the next byte arrives.
const LINE_BOOKMARK: Duration = Duration::from_secs(1);

/// Sends each event as one text frame; pings are answered by the socket itself, while it is read.
pub(super) async fn frames(mut socket: WebSocket, shared: Arc<Shared>, watch: Watch) {
    let mut follower = Follower::new(shared, watch, FRAME_BOOKMARK);
    loop {
        tokio::select! {
            event = follower.next() => {
                let Some(event) = event else {
                    // The peer may be gone already: there is nobody left to tell.
                    let _ = socket.send(Message::Close(None)).await;
                    return;
                };
                if socket.send(Message::Text(event.into())).await.is_err() {
                    return;
                }
            }
            received = socket.recv() => match received {
                // Reading on after a close frame sends the answer to it; then the stream ends.
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            }
        }
    }
}

/// Sends each event as one line.
pub(super) fn lines(shared: Arc<Shared>, watch: Watch) -> impl Stream<Item = Result<String, Infallible>> {
    let follower = Follower::new(shared, watch, LINE_BOOKMARK);
    unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event + "\n"), follower))
    })
}

/// A watch that waits for its next event.
struct Follower {
    shared: Arc<Shared>,
    watch: Watch,
    changes: Receiver<u64>,
    stop: CancellationToken,
    bookmark_every: Duration,
    ready: VecDeque<String>,
}

impl Follower {
    fn new(shared: Arc<Shared>, watch: Watch, bookmark_every: Duration) -> Self {
        let mut changes = shared.events();
        changes.mark_changed();
        let stop = shared.stop.clone();
        Self { shared, watch, changes, stop, bookmark_every, ready: VecDeque::new() }
    }

    /// The next event or, after a silence, a bookmark; `None` when the API stops. May be dropped while it waits:
    /// no event is lost.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                changed = self.changes.changed() => {
                    changed.ok()?;
                    self.ready.extend(self.shared.follow(&mut self.watch));
                }
                () = tokio::time::sleep(self.bookmark_every) => return Some(self.shared.bookmark(&self.watch)),
            }
        }
    }
}
