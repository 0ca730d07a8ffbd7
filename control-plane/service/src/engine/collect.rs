//! A dead worker: what it left is salvaged, then its end is committed.

use super::Engine;
use crate::applications::now;
use crate::body;
use crate::home::{Home, application};
use crate::runner::assignment;
use firesteel_core::command::Command;
use firesteel_core::exit::{Exit, ExitCode};
use firesteel_core::id::WorkerId;
use std::sync::Arc;

impl Engine {
    pub(super) fn collect(self: &Arc<Self>, home: &Arc<Home>, worker: WorkerId, exit: Option<Exit>) {
        let task = format!("collect {worker}");
        if !home.begin(&task) {
            return;
        }
        let (engine, home) = (self.clone(), home.clone());
        self.spawn(async move {
            let exit = match exit {
                Some(exit) => Some(exit),
                None => engine.exit_of_the_lost(&home, &worker).await,
            };
            match exit {
                Some(exit) => engine.commit(&home, Command::Lost { worker, exit }).await,
                None => tokio::time::sleep(super::SLEEP_AFTER_FAILURE).await,
            }
            home.finished(&task);
        });
    }

    /// Commits the end of a dead worker.
    pub(super) async fn commit(&self, home: &Home, end: Command) {
        match home.submit(end).await {
            Ok(accepted) => self.note(&accepted.events),
            Err(error) => tracing::warn!(%error, "could not commit the end of a dead worker"),
        }
    }

    /// None while it is not certain that nothing of it lives: the next tick tries again.
    async fn exit_of_the_lost(&self, home: &Home, worker: &WorkerId) -> Option<Exit> {
        if !self.kill(worker).await {
            return None;
        }
        let logs_complete = self.salvage(home, worker).await;
        Some(Exit {
            code: ExitCode::LOST,
            summary: "The worker was lost: its runner died without a word.".to_owned(),
            started: None,
            ended: now(&self.parts),
            logs_complete,
        })
    }

    /// True if the logs are whole in S3, or none were asked for.
    pub(super) async fn salvage(&self, home: &Home, id: &WorkerId) -> bool {
        let state = home.state();
        let app = application(&state);
        let Some(worker) = app.workers.get(id) else { return true };
        // Without its assignment, which comes with credentials, it has written nothing.
        if worker.greeted.is_none() || worker.credentials_until.is_none() {
            return true;
        }
        let Some(run) = app.runs.get(&worker.run) else { return true };
        let Ok(body) = body::read(&self.parts, &home.id, run).await else { return false };
        let Some(logs) = assignment::log_destination(app, run, &body, worker) else { return true };
        let session = assignment::session_name(&home.id, &worker.run);
        let narrowing = body.narrowing();
        match self.parts.roles.assume(&run.request.execution_role, &session, &narrowing).await {
            Ok(credentials) => {
                self.parts.salvage.salvage(id, &self.parts.config.store, &logs, &credentials).await
            }
            Err(error) => {
                tracing::warn!(worker = %id, %error, "no credentials to salvage logs with");
                false
            }
        }
    }
}
