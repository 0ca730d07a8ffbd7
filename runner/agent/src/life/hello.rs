//! The first word, repeated until there is an answer.

use crate::control::{Backoff, Contact, ControlPlane};
use firesteel_core::id::Mark;
use firesteel_protocol::transport::Errand;
use firesteel_protocol::{Greeting, Hello};
use std::net::{IpAddr, TcpListener};
use std::time::{Duration, Instant};

/// How long a runner without an assignment goes on asking.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// A free port of the worker's address, for the Spark UI that a driver would open there later.
pub(super) fn free_port(address: &str) -> Option<u16> {
    let listener = TcpListener::bind((address.parse::<IpAddr>().ok()?, 0)).ok()?;
    Some(listener.local_addr().ok()?.port())
}

/// The greeting; none if no control plane was heard for too long.
pub(super) async fn greet(
    control: &dyn ControlPlane,
    errand: &Errand,
    mark: &Mark,
    ui_port: Option<u16>,
) -> Option<Greeting> {
    let hello = Hello {
        worker: errand.worker.clone(),
        mark: mark.clone(),
        host: errand.host.clone(),
        address: errand.address.clone(),
        ui_port,
    };
    let contact = Contact::new(Instant::now(), PATIENCE);
    let mut backoff = Backoff::default();
    while !contact.is_lost(Instant::now()) {
        match control.hello(&hello).await {
            Ok(greeting) => return Some(greeting),
            Err(error) => {
                say!("firesteel runner {}: hello: {error}", errand.worker);
                tokio::time::sleep(backoff.failed()).await;
            }
        }
    }
    None
}
