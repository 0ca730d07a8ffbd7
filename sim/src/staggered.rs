//! Makes the order in which several futures notice one change repeatable.
//!
//! A tokio watch wakes those who wait for it in a random order that no seed governs. Who waits behind a [`Staggered`]
//! looks up only after everything else of that moment is done, and each after a lag of its own.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// Polls of other tasks that are let go first.
const ROUNDS: u32 = 24;

/// A future that notices changes `lag` after they were made.
pub struct Staggered<F> {
    inner: Pin<Box<F>>,
    lag: Duration,
    noticing: Noticing,
}

enum Noticing {
    At(u32),
    After(Pin<Box<Sleep>>),
    Now,
}

impl<F: Future> Staggered<F> {
    /// `lag` must differ among all that may wait for one change.
    pub fn new(inner: F, lag: Duration) -> Self {
        Self { inner: Box::pin(inner), lag, noticing: Noticing::Now }
    }
}

impl<F: Future> Future for Staggered<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        loop {
            match &mut this.noticing {
                Noticing::At(0) => {
                    this.noticing = Noticing::After(Box::pin(tokio::time::sleep(this.lag)));
                }
                Noticing::At(rounds) => {
                    *rounds -= 1;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Noticing::After(sleep) => match sleep.as_mut().poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(()) => this.noticing = Noticing::Now,
                },
                Noticing::Now => {
                    this.noticing = Noticing::At(ROUNDS);
                    return this.inner.as_mut().poll(context);
                }
            }
        }
    }
}
