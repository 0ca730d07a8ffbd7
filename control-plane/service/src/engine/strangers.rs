//! What came without this control plane: applications that others have taken are opened; workers on this host whose
//! run no application knows are killed and cleared away, after the state was read again.

use super::{Engine, tick};
use crate::home::application;
use anyhow::Result;
use firesteel_core::id::WorkerId;
use std::collections::BTreeSet;
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
        let sighted = self.parts.substrate.sightings().await?;
        let known = self.known_workers(false).await?;
        if sighted.iter().all(|sighting| known.contains(tick::run_of(&sighting.worker).as_str())) {
            return Ok(());
        }
        let known = self.known_workers(true).await?;
        for sighting in sighted {
            if !known.contains(tick::run_of(&sighting.worker).as_str()) {
                self.clear(&sighting.worker, sighting.state.is_alive()).await;
            }
        }
        Ok(())
    }

    async fn clear(&self, worker: &WorkerId, alive: bool) {
        if alive {
            self.kill(worker).await;
        }
        self.forget(worker).await;
    }

    /// Runs that any application has in its state, read afresh if asked.
    async fn known_workers(&self, fresh: bool) -> Result<BTreeSet<String>> {
        let mut runs = BTreeSet::new();
        if fresh {
            self.applications.open_all().await?;
        }
        for home in self.applications.open_homes() {
            let state = if fresh { home.journal.refresh().await? } else { home.state() };
            runs.extend(application(&state).runs.keys().map(ToString::to_string));
        }
        Ok(runs)
    }
}
