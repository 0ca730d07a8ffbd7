//! Workers on a host of which nobody has heard for a minute: their end is committed from here, for no control plane on that
//! host can. A runner that comes back finds that it is no longer that worker, and ends its job.

use super::Engine;
use crate::applications::now;
use crate::home::{Home, application};
use firesteel_core::application::Application;
use firesteel_core::exit::{Exit, ExitCode};
use firesteel_core::id::WorkerId;
use firesteel_core::time::Millis;
use firesteel_core::worker::Worker;
use std::sync::Arc;

impl Engine {
    /// Ends the workers of lost hosts. Gives the time at which one more may be given up.
    pub(super) fn give_up_lost_hosts(self: &Arc<Self>, home: &Arc<Home>) -> Option<Millis> {
        let here = &self.gate.host().id;
        let (state, at) = (home.state(), now(&self.parts));
        let app = application(&state);
        let elsewhere = app.workers.iter().filter(|(_, worker)| worker.is_live() && worker.host != *here);
        let lost: Vec<_> =
            elsewhere.filter(|(_, worker)| self.parts.neighbours.has_lost(&worker.host)).collect();
        for (id, worker) in &lost {
            if may_be_given_up(app, worker) <= at {
                self.give_up(home, (*id).clone());
            }
        }
        lost.into_iter().map(|(_, worker)| may_be_given_up(app, worker)).filter(|due| *due > at).min()
    }

    fn give_up(self: &Arc<Self>, home: &Arc<Home>, worker: WorkerId) {
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
            engine.commit_end(&home, &worker, exit).await;
            home.finished(&task);
        });
    }
}

/// A driver that another attempt would follow is not known to be dead: it may still write until its last credentials end.
fn may_be_given_up(app: &Application, worker: &Worker) -> Millis {
    let retried = app.runs.get(&worker.run).is_some_and(|run| run.request.retry.names_attempts());
    match worker.credentials_until {
        Some(until) if worker.is_driver() && retried => until,
        _ => worker.admitted,
    }
}
