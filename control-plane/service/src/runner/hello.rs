//! Hello → greeting: the runner gets its job only after its hello is a committed event.

use super::{Desk, NoAnswer, assignment, refusal};
use crate::body;
use crate::home::{Home, application};
use crate::ports::{Narrowing, RoleError};
use firesteel_core::command::Command;
use firesteel_core::id::WorkerId;
use firesteel_core::job_run::JobRun;
use firesteel_core::refusal::{Refusal, Stale};
use firesteel_core::worker::{Role, Worker};
use firesteel_journal::keys;
use firesteel_protocol::{Credentials, Greeting, Hello, RefusedHello};
use firesteel_wire::texts;
use serde_json::Value;

impl Desk {
    /// Answers a hello.
    pub async fn hello(&self, home: &Home, hello: Hello) -> Result<Greeting, NoAnswer> {
        self.note_its_host(home, &hello.worker);
        let Hello { worker, mark, address, ui_port, .. } = hello;
        let id = worker.clone();
        if let Err(error) = home.submit(Command::Hello { worker, mark, address, ui_port }).await {
            return Ok(Greeting::Refused(as_refused(&refusal(error)?)));
        }
        let state = home.state();
        let app = application(&state);
        let known = app.workers.get(&id).and_then(|worker| Some((worker, app.runs.get(&worker.run)?)));
        let Some((worker, run)) = known else { return Ok(Greeting::Refused(RefusedHello::Unknown)) };
        let body = match body::read(&self.parts, &home.id, run).await {
            Ok(body) => body,
            Err(body::Unreadable::Store(error)) => return Err(error.into()),
            Err(error) => {
                return self.fail(home, run, format!("The job run's request cannot be read: {error}")).await;
            }
        };
        let credentials = match self.credentials(home, run, &body.narrowing()).await? {
            Ok(credentials) => credentials,
            Err(details) => return self.fail(home, run, details).await,
        };
        let until = credentials.expires;
        home.submit(Command::Credentials { worker: id, until })
            .await
            .map_err(|error| NoAnswer::Unavailable(error.to_string()))?;
        let launch = self.launch(home, worker).await?;
        let assignment =
            assignment::assignment(&self.parts.config, app, run, &body, worker, credentials, launch);
        Ok(Greeting::Assigned(Box::new(assignment)))
    }

    /// The run's role's credentials, or the text with which the run is to fail.
    pub(super) async fn credentials(
        &self,
        home: &Home,
        run: &JobRun,
        narrowing: &Narrowing,
    ) -> Result<Result<Credentials, String>, NoAnswer> {
        let role = &*run.request.execution_role;
        let session = assignment::session_name(&home.id, &run.request.id);
        match self.parts.roles.assume(role, &session, narrowing).await {
            Ok(credentials) => {
                home.note_hindered(&run.request.id, None);
                Ok(Ok(credentials))
            }
            Err(RoleError::Refused(reason)) => {
                tracing::warn!(run = %run.request.id, role, reason, "role refused");
                Ok(Err(texts::role_not_assumable(role)))
            }
            Err(RoleError::Policy(reason)) => {
                Ok(Err(format!("Could not narrow runtime role {role} by executionIamPolicy: {reason}")))
            }
            Err(RoleError::Unavailable(reason)) => {
                let why = format!("Waiting for credentials of runtime role {role}: {reason}");
                home.note_hindered(&run.request.id, Some(why));
                Err(NoAnswer::Unavailable(reason))
            }
        }
    }

    async fn fail(&self, home: &Home, run: &JobRun, details: String) -> Result<Greeting, NoAnswer> {
        let command = Command::FailJobRun { run: run.request.id.clone(), details };
        home.submit(command).await.map_err(|error| NoAnswer::Unavailable(error.to_string()))?;
        Ok(Greeting::Refused(RefusedHello::Released))
    }

    /// What an executor is to be started with; the object was stored before the executor was admitted.
    async fn launch(&self, home: &Home, worker: &Worker) -> Result<Option<Value>, NoAnswer> {
        let Role::Executor { launch, .. } = &worker.role else { return Ok(None) };
        let key = launch_key(worker, launch);
        if let Some(known) = home.launch(&key) {
            return Ok(Some(known));
        }
        let (attempt, hash) = key.split_once('/').unwrap_or_default();
        let body = self.parts.state.get(&keys::launch(home.id.as_str(), attempt, hash)).await?;
        let value = body.and_then(|body| serde_json::from_slice::<Value>(&body).ok());
        if let Some(value) = &value {
            home.note_launch(key.clone(), value.clone());
        }
        Ok(value)
    }
}

/// Attempt and hash of a launch.
pub(super) fn launch_key(worker: &Worker, hash: &str) -> String {
    format!("{}-{}/{hash}", worker.run, worker.attempt)
}

fn as_refused(refusal: &Refusal) -> RefusedHello {
    match refusal {
        Refusal::NotThatWorker(Stale::OtherMark) => RefusedHello::OtherMark,
        Refusal::NotThatWorker(Stale::Released) => RefusedHello::Released,
        _ => RefusedHello::Unknown,
    }
}

/// True for a worker that is there to be spoken to.
pub(super) fn find<'a>(
    app: &'a firesteel_core::application::Application,
    id: &WorkerId,
) -> Option<&'a Worker> {
    app.workers.get(id).map(|worker| &**worker)
}
