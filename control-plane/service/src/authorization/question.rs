//! What an operation asks of its caller's policy: actions on resources (service authorization reference, EMR Serverless).

use super::policy::VENDOR;
use crate::operations::arn;
use crate::ports::Config;
use firesteel_wire::{Input, Operation};

/// May this be done?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The action, e.g. `emr-serverless:StartJobRun`.
    pub action: String,
    /// What it is about.
    pub about: About,
}

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// No application in particular.
    Everything,
    /// An application, or something in it.
    Within {
        /// ARN of the resource.
        arn: String,
        /// The application that it is, or is in.
        application: ApplicationName,
    },
    /// A resource that is not of this service.
    Elsewhere {
        /// Its ARN, as the caller wrote it.
        arn: String,
    },
    /// A role that is passed to an application.
    Role {
        /// ARN of the role.
        arn: String,
        /// The application that is to use it.
        application: ApplicationName,
    },
}

/// An application by both its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationName {
    /// Id.
    pub id: String,
    /// ARN.
    pub arn: String,
}

impl About {
    /// The resource, as refusals name it.
    pub fn resource(&self) -> &str {
        match self {
            Self::Everything => "*",
            Self::Within { arn, .. } | Self::Elsewhere { arn } | Self::Role { arn, .. } => arn,
        }
    }

    /// Id of the application, if there is one.
    pub fn application(&self) -> Option<&str> {
        match self {
            Self::Everything | Self::Elsewhere { .. } => None,
            Self::Within { application, .. } | Self::Role { application, .. } => Some(&application.id),
        }
    }
}

/// All that must be allowed for an operation, in the order in which AWS refuses.
pub fn questions(config: &Config, operation: Operation, input: &Input) -> Vec<Question> {
    let text = |member: &str| input.get(member).and_then(|value| value.as_str()).unwrap_or_default();
    let own = Question {
        action: [VENDOR, ":", operation.name()].concat(),
        about: match operation {
            Operation::CreateApplication | Operation::ListApplications => About::Everything,
            Operation::TagResource | Operation::UntagResource | Operation::ListTagsForResource => {
                tagged(config, text("resourceArn"))
            }
            _ => within(config, text("applicationId"), below(operation, &text)),
        },
    };
    let role = text("executionRoleArn");
    match operation {
        Operation::StartJobRun | Operation::StartSession if !role.is_empty() => {
            let application = name(config, text("applicationId"));
            let about = About::Role { arn: role.to_owned(), application };
            vec![own, Question { action: "iam:PassRole".to_owned(), about }]
        }
        _ => vec![own],
    }
}

/// What in the application an operation is about; `None` for the application itself.
enum Below<'a> {
    Nothing,
    JobRun(&'a str),
    Session(&'a str),
}

fn below<'a>(operation: Operation, text: &impl Fn(&str) -> &'a str) -> Below<'a> {
    match operation {
        Operation::GetJobRun
        | Operation::CancelJobRun
        | Operation::ListJobRunAttempts
        | Operation::GetDashboardForJobRun => Below::JobRun(text("jobRunId")),
        Operation::GetSession | Operation::GetSessionEndpoint | Operation::TerminateSession => {
            Below::Session(text("sessionId"))
        }
        Operation::GetResourceDashboard => Below::Session(text("resourceId")),
        _ => Below::Nothing,
    }
}

fn name(config: &Config, id: &str) -> ApplicationName {
    ApplicationName { id: id.to_owned(), arn: arn::below(config, id, &[]) }
}

fn within(config: &Config, id: &str, below: Below<'_>) -> About {
    let application = name(config, id);
    let arn = match below {
        Below::Nothing => application.arn.clone(),
        Below::JobRun(run) => arn::below(config, id, &["/jobruns/", run]),
        Below::Session(session) => arn::below(config, id, &["/sessions/", session]),
    };
    About::Within { arn, application }
}

/// The resource of an ARN that the caller wrote.
fn tagged(config: &Config, text: &str) -> About {
    match arn::own(config, text) {
        Some(arn) => About::Within { arn: arn.to_string(), application: name(config, &arn.application_id) },
        None => About::Elsewhere { arn: text.to_owned() },
    }
}
