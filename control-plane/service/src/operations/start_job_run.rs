//! StartJobRun: acknowledged only when it is in the journal; the same token gives the same run.

use super::create_application::{content, tags_of};
use super::tags::checked;
use super::{Caller, Service, arn, json, refuse, text};
use crate::applications::now;
use crate::body::{self, Body};
use crate::home::{Home, application};
use crate::{run_request, run_terms};
use firesteel_core::application::{Application, Settings};
use firesteel_core::command::Command;
use firesteel_core::id::{self, JobRunId};
use firesteel_core::job_run::NewRun;
use firesteel_core::refusal::Refusal;
use firesteel_journal::SubmitError;
use firesteel_wire::arn::check_role;
use firesteel_wire::shapes::StartJobRunResponse;
use firesteel_wire::{ApiError, Input, texts};
use serde_json::Value;
use std::sync::Arc;

impl Service {
    pub(super) async fn start_job_run(&self, caller: Caller, input: Input) -> Result<String, ApiError> {
        let home = self.home(&input).await?;
        let config = &self.parts.config;
        check_role(text(&input, "executionRoleArn"), arn::partition(config), &config.account)?;
        let snapshot = home.fresh().await.map_err(refuse::read)?;
        let app = application(&snapshot);
        let missing = || ApiError::not_found(texts::application_not_found(home.id.as_str()));
        let settings = app.settings.as_ref().ok_or_else(missing)?;
        let token = text(&input, "clientToken").to_owned();
        let content = content(&input);
        if let Some(known) = self.known(&home, app, &token, &content).await? {
            return self.started(&home, &known);
        }
        let run = self.new_run(&home, settings, caller, &input, content).await?;
        self.submit_run(&home, run.into(), app.removals).await
    }

    /// Looks for the token again whenever runs have left the state since it was looked for: then there were so many.
    async fn submit_run(
        &self,
        home: &Home,
        run: Arc<NewRun>,
        mut looked_at: u64,
    ) -> Result<String, ApiError> {
        loop {
            let command = Command::StartJobRun { run: run.clone(), looked_at };
            match home.submit(command).await {
                Ok(accepted) if !accepted.events.is_empty() => return self.started(home, &run.id),
                Ok(_) => {}
                Err(SubmitError::Refused(Refusal::LookAgain)) => {}
                Err(error) => return Err(refused(home, &run, error)),
            }
            let snapshot = home.fresh().await.map_err(refuse::read)?;
            let app = application(&snapshot);
            if let Some(known) = self.known(home, app, &run.token, &run.content).await? {
                return self.started(home, &known);
            }
            looked_at = app.removals;
        }
    }

    /// The run that this token has created, in the state or archived.
    async fn known(
        &self,
        home: &Home,
        app: &Application,
        token: &str,
        content: &str,
    ) -> Result<Option<JobRunId>, ApiError> {
        let conflict = || ApiError::conflict(texts::client_token_conflict(token));
        if let Some(run) = app.tokens.get(token).and_then(|id| app.runs.get(id)) {
            let same = &*run.request.content == content;
            return if same { Ok(Some(run.request.id.clone())) } else { Err(conflict()) };
        }
        let found = home.tokens.find(&self.parts, home.id.as_str(), token).await;
        match found.map_err(|error| refuse::unavailable(&error.to_string()))? {
            Some(entry) if entry.content == content => Ok(Some(JobRunId::new(entry.run))),
            Some(_) => Err(conflict()),
            None => Ok(None),
        }
    }

    async fn new_run(
        &self,
        home: &Home,
        settings: &Settings,
        caller: Caller,
        input: &Input,
        content: String,
    ) -> Result<NewRun, ApiError> {
        refuse_an_image(settings)?;
        let terms = run_terms::read(&settings.release, input)?;
        let tags = checked(tags_of(input))?;
        let asked = run_request::read(settings, input)?;
        let body = Body { echo: asked.echo, configuration: asked.configuration, log_uri: asked.log_uri };
        let stored = body::write(&self.parts, &home.id, &body).await;
        let stored = stored.map_err(|error| refuse::unavailable(&error.to_string()))?;
        Ok(NewRun {
            id: JobRunId::new(id::mint(now(&self.parts), self.parts.world.chance())),
            token: text(input, "clientToken").into(),
            content: content.into(),
            name: input.get("name").and_then(Value::as_str).map(Arc::from),
            created_by: caller.arn.into(),
            execution_role: text(input, "executionRoleArn").into(),
            timeout: terms.timeout,
            mode: terms.mode.into(),
            retry: terms.retry,
            flex: terms.flex,
            release: settings.release.clone(),
            needs: asked.needs,
            tags,
            body: stored,
        })
    }

    fn started(&self, home: &Home, run: &JobRunId) -> Result<String, ApiError> {
        json(&StartJobRunResponse {
            application_id: home.id.to_string(),
            arn: arn::job_run(&self.parts.config, &home.id, run),
            job_run_id: run.to_string(),
        })
    }
}

/// Without what the image holds a job would do something else than its author saw.
fn refuse_an_image(settings: &Settings) -> Result<(), ApiError> {
    let types = settings.echo.get("workerTypeSpecifications").and_then(Value::as_object);
    let types = types.into_iter().flat_map(|types| types.values());
    let images = types.filter_map(|kind| kind.get("imageConfiguration"));
    let mut images = images.chain(settings.echo.get("imageConfiguration"));
    let uri = images.find_map(|image| image.get("imageUri")?.as_str().filter(|uri| !uri.is_empty()));
    uri.map_or(Ok(()), |uri| {
        Err(ApiError::validation(format!(
            "The application has the custom image {uri}. Job runs in custom images are not supported here: remove it \
             with an empty imageConfiguration and bring dependencies with spark.archives."
        )))
    })
}

fn refused(home: &Home, run: &NewRun, error: SubmitError<Refusal>) -> ApiError {
    refuse::submission(&home.id, error, |refusal| match refusal {
        Refusal::NotStarted(state) => {
            Some(ApiError::validation(texts::not_accepting("job runs", home.id.as_str(), state.as_str())))
        }
        Refusal::TokenConflict => Some(ApiError::conflict(texts::client_token_conflict(&run.token))),
        _ => None,
    })
}
