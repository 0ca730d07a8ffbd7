//! The substrate as it is told of all control planes.

use super::Servers;
use async_trait::async_trait;
use firesteel_core::id::WorkerId;
use firesteel_substrate::{HostFacts, LaunchError, LaunchOrder, Sighting, Substrate, SubstrateError};
use std::sync::Arc;

/// A substrate whose runners are told of all control planes.
pub struct Beside<S> {
    /// Where workers live.
    pub substrate: S,
    /// Who else there is.
    pub servers: Arc<Servers>,
}

#[async_trait]
impl<S: Substrate> Substrate for Beside<S> {
    async fn launch(&self, order: &LaunchOrder) -> Result<(), LaunchError> {
        let mut order = order.clone();
        order.endpoints.extend(self.servers.others().await);
        self.substrate.launch(&order).await
    }

    async fn kill(&self, worker: &WorkerId) -> Result<(), SubstrateError> {
        self.substrate.kill(worker).await
    }

    async fn sightings(&self) -> Result<Vec<Sighting>, SubstrateError> {
        self.substrate.sightings().await
    }

    async fn forget(&self, worker: &WorkerId) -> Result<(), SubstrateError> {
        self.substrate.forget(worker).await
    }

    fn host(&self) -> HostFacts {
        self.substrate.host()
    }

    async fn changed(&self) {
        self.substrate.changed().await;
    }
}
