//! The credentials with which a run's logs are read: its own role's, narrowed to reading its own folder.

use super::page::Page;
use super::standing::Found;
use super::ticket::Ticket;
use crate::ports::{Narrowing, Parts, RoleError};
use crate::runner::assignment::{self, LogFolder};
use firesteel_protocol::Credentials;
use http::StatusCode;
use serde_json::json;

/// Where the attempt's logs are; the page that says why there are none.
pub fn folder(found: &Found, ticket: &Ticket) -> Result<LogFolder, Page> {
    assignment::log_folder(&found.home.id, &found.run, &found.body, ticket.attempt).ok_or_else(|| {
        let why =
            "The job run has no s3MonitoringConfiguration, so its logs and event logs were kept nowhere.";
        Page::new(StatusCode::NOT_FOUND, "There is nothing to show", why).about(found.shown.clone())
    })
}

/// Credentials that can read below the folder.
pub async fn credentials(parts: &Parts, found: &Found, folder: &LogFolder) -> Result<Credentials, Page> {
    let session = assignment::session_name(&found.home.id, &found.run.request.id);
    let narrowing = Narrowing { policy: Some(policy(folder)), ..Narrowing::default() };
    let role = &found.run.request.execution_role;
    parts.roles.assume(role, &session, &narrowing).await.map_err(|error| {
        let text = format!("The logs are read with the job run's own role, which cannot be used: {error}");
        let status = match error {
            RoleError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_GATEWAY,
        };
        Page::new(status, "The logs cannot be read", &text).about(found.shown.clone())
    })
}

/// Reading below the folder and listing its bucket, nothing else.
fn policy(folder: &LogFolder) -> String {
    let LogFolder { bucket, prefix } = folder;
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject"],
                "Resource": [format!("arn:aws:s3:::{bucket}/{prefix}/*")],
            },
            { "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [format!("arn:aws:s3:::{bucket}")] },
        ],
    })
    .to_string()
}
