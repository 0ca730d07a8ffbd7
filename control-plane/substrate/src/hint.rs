//! A hint that something changed, with one memory per listener and wake-ups in the order of waiting (so that a
//! simulation sees the same order every time). It must not know what changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

/// One listener's end. A clone is another listener to the same changes.
#[derive(Debug, Default)]
pub(crate) struct Hint {
    shared: Arc<Shared>,
    seen: AtomicU64,
}

#[derive(Debug, Default)]
struct Shared {
    version: AtomicU64,
    notify: Notify,
}

impl Clone for Hint {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), seen: AtomicU64::new(self.seen.load(Ordering::SeqCst)) }
    }
}

impl Hint {
    /// Tells every listener.
    pub(crate) fn give(&self) {
        self.shared.version.fetch_add(1, Ordering::SeqCst);
        self.shared.notify.notify_waiters();
    }

    /// Resolves when something changed since this listener last resolved.
    pub(crate) async fn taken(&self) {
        loop {
            let woken = self.shared.notify.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let version = self.shared.version.load(Ordering::SeqCst);
            if self.seen.swap(version, Ordering::SeqCst) != version {
                return;
            }
            woken.await;
        }
    }
}
