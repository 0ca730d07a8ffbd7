//! One control plane: started, asked, stopped.

use crate::applications::Applications;
use crate::engine::Engine;
use crate::home::application;
use crate::http;
use crate::operations::Service;
use crate::ports::Parts;
use crate::runner::Desk;
use anyhow::Context;
use firesteel_core::command::Command;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How often it looks whether all is settled.
const LOOK: Duration = Duration::from_millis(50);

/// How often the samples of metrics are digested.
const DIGEST_METRICS: Duration = Duration::from_secs(5);

/// A running control plane.
#[derive(Clone)]
pub struct ControlPlane {
    parts: Parts,
    applications: Arc<Applications>,
    engine: Arc<Engine>,
    metrics: PrometheusHandle,
}

impl ControlPlane {
    /// Proves the store, opens every application and starts ticking.
    pub async fn start(parts: Parts) -> anyhow::Result<Self> {
        let chance = || format!("{:016x}", parts.world.chance());
        firesteel_journal::probe(&*parts.state, &chance())
            .await
            .context("the state's store cannot be used")?;
        let (opened, homes) = mpsc::unbounded_channel();
        let applications = Arc::new(Applications::open(parts.clone(), opened).await?);
        applications.open_all().await?;
        let engine = Engine::new(parts.clone(), applications.clone());
        engine.run(homes);
        let metrics = recorder();
        engine.spawn(digest_metrics(metrics.clone()));
        Ok(Self { parts, applications, engine, metrics })
    }

    /// The API, the runners' calls, the dashboards, `/healthz` and `/metrics`.
    pub fn router(&self) -> axum::Router {
        http::router(self.service(), self.desk(), self.metrics.clone())
    }

    /// The API without HTTP, for a simulation: inputs must be well formed.
    #[doc(hidden)]
    pub fn service(&self) -> Service {
        Service::new(self.parts.clone(), self.applications.clone())
    }

    /// The runners' desk without HTTP, for a simulation.
    #[doc(hidden)]
    pub fn desk(&self) -> Desk {
        Desk::new(self.parts.clone(), self.applications.clone(), self.engine.clone())
    }

    /// Ends this host's workers, their runs FAILED with `details`; returns when all are settled or `limit` is over.
    /// Workers that are left then are killed. Runs that wait for a driver go on waiting: for the next control plane.
    pub async fn abandon(&self, details: &str, limit: Duration) {
        let deadline = Instant::now() + limit;
        let host = self.parts.substrate.host().id;
        // What the ending workers leave free must not be given to others.
        self.engine.admit_no_more();
        for home in self.applications.open_homes() {
            let command = Command::Abandon { host: host.clone(), details: details.to_owned() };
            let _nobody_is_being_admitted = home.admitting.lock().await;
            if let Err(error) = home.submit(command).await {
                tracing::warn!(application = %home.id, %error, "could not end the application's workers");
            }
        }
        while Instant::now() < deadline && self.has_live_workers() {
            tokio::time::sleep(LOOK).await;
        }
        // A launch may still be under way: nobody launches once the engine stands.
        self.engine.stop().await;
        self.kill_all().await;
    }

    /// Stops ticking and committing; workers live on.
    pub async fn stop(&self) {
        self.parts.histories.stop().await;
        self.engine.stop().await;
        self.applications.close().await;
    }

    fn has_live_workers(&self) -> bool {
        let host = self.parts.substrate.host().id;
        self.applications.open_homes().iter().any(|home| {
            let state = home.state();
            application(&state).workers.values().any(|worker| worker.is_live() && worker.host == host)
        })
    }

    async fn kill_all(&self) {
        for sighting in self.parts.substrate.sightings().await.unwrap_or_default() {
            if sighting.state.is_alive()
                && let Err(error) = self.parts.substrate.kill(&sighting.worker).await
            {
                tracing::warn!(worker = %sighting.worker, %error, "could not kill");
            }
        }
    }
}

/// The recorder of this process, shared by all control planes in it.
fn recorder() -> PrometheusHandle {
    static SHARED: OnceLock<PrometheusHandle> = OnceLock::new();
    let install = || {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        // Somebody else's recorder in this process stays; then `/metrics` is empty.
        let _ = metrics::set_global_recorder(recorder);
        handle
    };
    SHARED.get_or_init(install).clone()
}

/// Every sample of a histogram is kept until it is digested, whether or not anybody asks for `/metrics`.
async fn digest_metrics(metrics: PrometheusHandle) {
    loop {
        tokio::time::sleep(DIGEST_METRICS).await;
        metrics.run_upkeep();
    }
}
