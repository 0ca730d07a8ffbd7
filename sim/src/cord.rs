//! The cord by which one control plane's life hangs: once it is cut, nothing that it does reaches the world, and nobody
//! hears of it any more. To the world that is a crash.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use tokio::sync::Notify;

/// One life's cord; clones are the same cord.
#[derive(Clone, Default)]
pub struct Cord(Arc<Ends>);

#[derive(Default)]
struct Ends {
    cut: AtomicBool,
    told: Notify,
}

impl Cord {
    /// Cuts it.
    pub fn cut(&self) {
        self.0.cut.store(true, Ordering::SeqCst);
        self.0.told.notify_waiters();
    }

    /// True once it is cut.
    pub fn is_cut(&self) -> bool {
        self.0.cut.load(Ordering::SeqCst)
    }

    /// Something that this life does: it goes no further once the cord is cut, and never returns.
    pub async fn act<T>(&self, doing: impl Future<Output = T>) -> T {
        let mut doing = pin!(doing);
        std::future::poll_fn(
            |context| if self.is_cut() { Poll::Pending } else { doing.as_mut().poll(context) },
        )
        .await
    }

    /// Something that others ask of this life: none once the cord is cut.
    pub async fn ask<T>(&self, asking: impl Future<Output = T>) -> Option<T> {
        let mut told = pin!(self.0.told.notified());
        told.as_mut().enable();
        if self.is_cut() {
            return None;
        }
        tokio::select! {
            biased;
            () = told => None,
            answer = asking => Some(answer),
        }
    }
}
