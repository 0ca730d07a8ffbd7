//! A settled run leaves the state: its tmp and launches go, then token, history object, removal — in this order.

use super::Engine;
use crate::applications::now;
use crate::body;
use crate::history::{self, pack};
use crate::home::{Home, application};
use crate::runner::assignment;
use crate::tokens;
use firesteel_core::command::Command;
use firesteel_core::history::BOUNDS;
use firesteel_core::id::{self, JobRunId};
use firesteel_core::job_run::JobRun;
use firesteel_journal::protocols::{self, Settled};
use firesteel_journal::requests;
use std::collections::HashSet;
use std::sync::Arc;

/// One packing at a time.
const PACKING: &str = "pack";
/// One sweep at a time.
const SWEEPING: &str = "sweep";
/// Tokens that one sweep looks at.
const TOKENS_AT_ONCE: usize = 1000;

impl Engine {
    pub(super) fn archive(self: &Arc<Self>, home: &Arc<Home>, run: JobRunId) {
        let task = format!("archive {run}");
        if !home.begin(&task) {
            return;
        }
        let (engine, home) = (self.clone(), home.clone());
        self.spawn(async move {
            if let Err(error) = engine.archive_one(&home, &run).await {
                tracing::warn!(%run, %error, "could not archive; it will be tried again");
                tokio::time::sleep(super::SLEEP_AFTER_FAILURE).await;
            }
            home.finished(&task);
            engine.sweep(&home);
        });
    }

    async fn archive_one(&self, home: &Home, id: &JobRunId) -> anyhow::Result<()> {
        let state = home.state();
        let Some(run) = application(&state).runs.get(id).cloned() else { return Ok(()) };
        self.clean_up(home, &run).await?;
        let run = body::inlined(&self.parts, &home.id, &run).await?;
        let (store, app) = (&*self.parts.state, home.id.as_str());
        let hash = tokens::hash(app, &run.request.token);
        let settled = Settled {
            run: id.to_string(),
            created: id::created_at(id.as_str()).unwrap_or(run.created).0,
            token: Some((hash.clone(), run.request.content.to_string())),
            body: history::encode(&run)?,
        };
        home.tokens.note(&self.parts, &hash);
        protocols::archive(store, app, &settled, now(&self.parts).0).await?;
        home.remember(run);
        home.submit(Command::Archived(vec![id.clone()])).await?;
        Ok(())
    }

    /// Packs what is due, beside the tick.
    pub(super) fn pack(self: &Arc<Self>, home: &Arc<Home>) {
        let state = home.state();
        let history = &application(&state).history;
        let due = history.due(&BOUNDS).is_some() || !history.due_tags(&BOUNDS).is_empty();
        if !due || !home.begin(PACKING) {
            return;
        }
        let (engine, home) = (self.clone(), home.clone());
        self.spawn(async move {
            if let Err(error) = pack::pack_all(&engine.parts, &home).await {
                tracing::warn!(application = %home.id, %error, "history was not packed; it will be tried again");
                tokio::time::sleep(super::SLEEP_AFTER_FAILURE).await;
            }
            home.finished(PACKING);
        });
    }

    /// Now and then removes bodies and tokens that nothing asks for any more.
    fn sweep(self: &Arc<Self>, home: &Arc<Home>) {
        if !home.is_time_to_sweep(now(&self.parts)) || !home.begin(SWEEPING) {
            return;
        }
        let (engine, home) = (self.clone(), home.clone());
        self.spawn(async move {
            if let Err(error) = engine.sweep_once(&home).await {
                tracing::warn!(application = %home.id, %error, "what is old was not swept; it will be tried again");
                tokio::time::sleep(super::SLEEP_AFTER_FAILURE).await;
            }
            home.finished(SWEEPING);
        });
    }

    async fn sweep_once(&self, home: &Home) -> anyhow::Result<()> {
        let (store, now) = (&*self.parts.state, now(&self.parts).0);
        let state = home.fresh().await?;
        let live = application(&state).runs.iter().filter_map(|(_, run)| body::hash_of(run));
        let named: HashSet<&str> = live.collect();
        requests::sweep_bodies(store, home.id.as_str(), now, |sha256| named.contains(sha256)).await?;
        protocols::sweep_tokens(store, now, TOKENS_AT_ONCE).await?;
        Ok(())
    }

    async fn clean_up(&self, home: &Home, run: &JobRun) -> anyhow::Result<()> {
        for attempt in &run.attempts {
            let name = format!("{}-{}", run.request.id, attempt.number);
            protocols::forget_launches(&*self.parts.state, home.id.as_str(), &name).await?;
            home.forget_launches(&name);
        }
        if run.attempts.iter().all(|attempt| attempt.started.is_none()) {
            return Ok(());
        }
        let state = home.state();
        let body = body::read(&self.parts, &home.id, run).await?;
        let Some(tmp) = assignment::tmp_prefix(application(&state), run, &body) else { return Ok(()) };
        let session = assignment::session_name(&home.id, &run.request.id);
        match self.parts.roles.assume(&run.request.execution_role, &session, &body.narrowing()).await {
            Ok(credentials) if self.parts.sweep.sweep(&tmp, &credentials).await => {}
            Ok(_) => tracing::warn!(run = %run.request.id, tmp, "the run's tmp prefix was not removed"),
            Err(error) => tracing::warn!(run = %run.request.id, %error, "no credentials to remove tmp with"),
        }
        Ok(())
    }
}
