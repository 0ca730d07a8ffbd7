//! The operations of the API, one file each. A request comes here verified and well formed; what is left is its meaning.

pub mod arn;
mod authorize;
mod cancel_job_run;
mod create_application;
mod delete_application;
mod get_application;
mod get_dashboard_for_job_run;
mod get_job_run;
mod get_resource_dashboard;
mod get_session;
mod get_session_endpoint;
mod list_applications;
mod list_job_run_attempts;
mod list_job_runs;
mod list_sessions;
mod refuse;
mod settings;
mod start_application;
mod start_job_run;
mod start_session;
mod stop_application;
mod tags;
mod terminate_session;
mod update_application;

use crate::applications::{Applications, Unreachable};
use crate::authorization::Policy;
use crate::home::Home;
use crate::ports::Parts;
use firesteel_wire::{ApiError, Input, Operation, texts};
use std::sync::Arc;

/// The API's name in signatures.
pub const SERVICE: &str = "emr-serverless";

/// Bytes that most answers fit in.
const ANSWER: usize = 2 << 10;

/// Who calls.
pub struct Caller {
    /// ARN.
    pub arn: String,
    /// What they may do.
    pub policy: Arc<Policy>,
    /// Host and port under which they have reached this control plane, as they wrote it.
    pub host: Option<String>,
}

/// The API of one installation.
#[derive(Clone)]
pub struct Service {
    parts: Parts,
    applications: Arc<Applications>,
}

impl Service {
    /// An API over the applications.
    pub fn new(parts: Parts, applications: Arc<Applications>) -> Self {
        Self { parts, applications }
    }

    /// What it is made of.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// All applications.
    pub fn applications(&self) -> &Applications {
        &self.applications
    }

    /// Answers one operation with the JSON of its output.
    pub async fn call(&self, caller: Caller, operation: Operation, input: Input) -> Result<String, ApiError> {
        self.authorize(&caller, operation, &input).await?;
        match operation {
            Operation::CreateApplication => self.create_application(input).await,
            Operation::GetApplication => self.get_application(&input).await,
            Operation::ListApplications => self.list_applications(&input).await,
            Operation::UpdateApplication => self.update_application(input).await,
            Operation::StartApplication => self.start_application(&input).await,
            Operation::StopApplication => self.stop_application(&input).await,
            Operation::DeleteApplication => self.delete_application(&input).await,
            Operation::StartJobRun => self.start_job_run(caller, input).await,
            Operation::GetJobRun => self.get_job_run(&input).await,
            Operation::ListJobRuns => self.list_job_runs(&input).await,
            Operation::GetDashboardForJobRun => self.get_dashboard_for_job_run(&caller, &input).await,
            Operation::CancelJobRun => self.cancel_job_run(&input).await,
            Operation::ListJobRunAttempts => self.list_job_run_attempts(&input).await,
            Operation::TagResource => self.tag_resource(&input).await,
            Operation::UntagResource => self.untag_resource(&input).await,
            Operation::ListTagsForResource => self.list_tags_for_resource(&input).await,
            Operation::StartSession => self.start_session(&input).await,
            Operation::GetSession => self.get_session(&input).await,
            Operation::ListSessions => self.list_sessions(&input).await,
            Operation::TerminateSession => self.terminate_session(&input).await,
            Operation::GetSessionEndpoint => self.get_session_endpoint(&input).await,
            Operation::GetResourceDashboard => self.get_resource_dashboard(&input).await,
        }
    }

    /// The application that the input names.
    async fn home(&self, input: &Input) -> Result<Arc<Home>, ApiError> {
        self.home_of(text(input, "applicationId")).await
    }

    async fn home_of(&self, id: &str) -> Result<Arc<Home>, ApiError> {
        self.applications.home(id).await.map_err(|error| match error {
            Unreachable::Unknown => ApiError::not_found(texts::application_not_found(id)),
            error => ApiError::internal(error.to_string()),
        })
    }
}

/// A text member; empty if absent (validation has ruled that out where it is required).
fn text<'a>(input: &'a Input, member: &str) -> &'a str {
    input.get(member).and_then(|value| value.as_str()).unwrap_or_default()
}

/// The answer of operations that have nothing to say.
fn nothing() -> String {
    "{}".to_owned()
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, ApiError> {
    let mut text = Vec::with_capacity(ANSWER);
    serde_json::to_writer(&mut text, value).map_err(|error| ApiError::internal(error.to_string()))?;
    String::from_utf8(text).map_err(|error| ApiError::internal(error.to_string()))
}
