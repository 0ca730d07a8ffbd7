//! Workers on a host of which nobody has heard for a minute: their end is committed from here, for no control plane on that
//! host can. A runner that comes back finds that it is no longer that worker, and ends its job.

use super::Engine;
use crate::applications::now;
use crate::home::Home;
use firesteel_core::application::Application;
use firesteel_core::command::Command;
use firesteel_core::exit::{Exit, ExitCode};
use firesteel_core::id::{HostId, WorkerId};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Engine {
    /// The lost ones among the other hosts that have workers of the application.
    pub(super) fn lost_hosts(&self, app: &Application) -> BTreeSet<HostId> {
        let here = &self.gate.host().id;
        let live = app.workers.values().filter(|worker| worker.is_live() && worker.host != *here);
        let hosts: BTreeSet<&HostId> = live.map(|worker| &worker.host).collect();
        hosts.into_iter().filter(|host| self.parts.neighbours.has_lost(host)).cloned().collect()
    }

    pub(super) fn give_up(self: &Arc<Self>, home: &Arc<Home>, worker: WorkerId) {
        let task = format!("give up {worker}");
        if !home.begin(&task) {
            return;
        }
        let (engine, home) = (self.clone(), home.clone());
        self.spawn(async move {
            tracing::warn!(%worker, "its host is lost");
            let exit = Exit {
                code: ExitCode::LOST,
                summary: "The worker was lost: nothing was heard of its host for 60 seconds.".to_owned(),
                started: None,
                ended: now(&engine.parts),
                logs_complete: engine.salvage(&home, &worker).await,
            };
            engine.commit(&home, Command::GiveUp { worker, exit }).await;
            home.finished(&task);
        });
    }
}
