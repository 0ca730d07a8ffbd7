//! What came without this control plane: applications that others have taken are opened; workers on this host whose
//! run no application knows are killed and cleared away, after the state was read again.

use super::{Engine, tick};
use crate::home::application;
use anyhow::Result;
use firesteel_core::id::WorkerId;
use std::sync::Arc;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(5);

impl Engine {
    pub(super) async fn watch_for_strangers(self: Arc<Self>) {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.open_what_others_have_taken().await {
                tracing::warn!(%error, "could not look for new applications");
            }
            if let Err(error) = self.clear_strangers().await {
                tracing::warn!(%error, "could not look for strangers");
            }
        }
    }

    /// An application that another control plane has created is ticked here, too: the other one may be lost.
    async fn open_what_others_have_taken(&self) -> Result<()> {
        if !self.parts.config.alone {
            self.applications.open_all().await?;
        }
        Ok(())
    }

    async fn clear_strangers(&self) -> Result<()> {
        let mut strangers = self.parts.substrate.sightings().await?;
        strangers.retain(|sighting| !self.is_known(&sighting.worker));
        if strangers.is_empty() {
            return Ok(());
        }
        self.applications.open_all().await?;
        for home in self.applications.open_homes() {
            home.journal.refresh().await?;
        }
        for sighting in strangers.iter().filter(|sighting| !self.is_known(&sighting.worker)) {
            self.clear(&sighting.worker, sighting.state.is_alive()).await;
        }
        Ok(())
    }

    /// True if any application has the worker's run in its state.
    fn is_known(&self, worker: &WorkerId) -> bool {
        let run = tick::run_of(worker);
        self.applications.open_homes().iter().any(|home| application(&home.state()).runs.contains_key(&run))
    }

    async fn clear(&self, worker: &WorkerId, alive: bool) {
        if alive {
            self.kill(worker).await;
        }
        self.forget(worker).await;
    }
}
