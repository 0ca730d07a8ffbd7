//! Effects: what a plan says is to be done in the world. Each may fail or be lost; the next plan says it again.

use super::Engine;
use crate::home::Home;
use crate::runner::token;
use firesteel_core::id::WorkerId;
use firesteel_core::plan::Effect;
use firesteel_substrate::{LaunchError, LaunchOrder};
use std::sync::Arc;

impl Engine {
    pub(super) async fn act(self: &Arc<Self>, home: &Arc<Home>, effect: Effect) {
        match effect {
            Effect::Prepare(release) => self.parts.runtimes.prepare(&release).await,
            Effect::Launch(worker) => self.launch(home, worker).await,
            Effect::Collect(worker, exit) => self.collect(home, worker, exit),
            Effect::GiveUp(worker) => self.give_up(home, worker),
            Effect::Kill(worker) => {
                self.kill(&worker).await;
            }
            Effect::Forget(worker) => self.forget(&worker).await,
            Effect::Archive(run) => self.archive(home, run),
        }
    }

    async fn launch(self: &Arc<Self>, home: &Home, worker: WorkerId) {
        let snapshot = home.state();
        let Some(size) = snapshot.state.0.workers.get(&worker).map(|worker| worker.size) else { return };
        let order = LaunchOrder {
            token: token::of(&self.parts.config.secret, &home.id, &worker),
            endpoints: self.parts.config.endpoints.clone(),
            size,
            worker,
        };
        match self.parts.substrate.launch(&order).await {
            Ok(()) => {}
            Err(LaunchError::Refused { worker, reason }) => {
                tracing::error!(%worker, reason, "launch refused");
                let details = format!("The worker cannot be started: {reason}");
                self.fail_run_of(home, &worker, details).await;
            }
            Err(error) => tracing::warn!(%error, "launch failed; it will be tried again"),
        }
    }

    async fn fail_run_of(&self, home: &Home, worker: &WorkerId, details: String) {
        let run = super::tick::run_of(worker);
        let command = firesteel_core::command::Command::FailJobRun { run, details };
        if let Err(error) = home.submit(command).await {
            tracing::warn!(%error, "could not fail the run");
        }
    }

    /// True if nothing of it lives any more.
    pub(super) async fn kill(&self, worker: &WorkerId) -> bool {
        tracing::info!(%worker, "killing");
        let killed = self.parts.substrate.kill(worker).await;
        if let Err(error) = &killed {
            tracing::warn!(%worker, %error, "kill failed; it will be tried again");
        }
        killed.is_ok()
    }

    pub(super) async fn forget(&self, worker: &WorkerId) {
        if let Err(error) = self.parts.substrate.forget(worker).await {
            tracing::warn!(%worker, %error, "could not forget");
        }
    }
}
