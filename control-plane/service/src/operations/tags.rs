//! TagResource, UntagResource, ListTagsForResource: tags of applications and job runs.

use super::create_application::tags_of;
use super::{Service, arn, json, nothing, refuse, text};
use crate::home::{Home, application};
use firesteel_core::command::Command;
use firesteel_core::id::JobRunId;
use firesteel_core::refusal::Refusal;
use firesteel_journal::SubmitError;
use firesteel_wire::arn::Part;
use firesteel_wire::{ApiError, Input, texts};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

type Tags = BTreeMap<String, String>;

/// Most tags of one resource (user guide, "tagging").
const MOST_TAGS: usize = 50;

impl Service {
    pub(super) async fn tag_resource(&self, input: &Input) -> Result<String, ApiError> {
        let new = checked(tags_of(input))?;
        self.change(input, |tags| tags.extend(new.clone())).await
    }

    pub(super) async fn untag_resource(&self, input: &Input) -> Result<String, ApiError> {
        let keys = input.get("tagKeys").and_then(Value::as_array).cloned().unwrap_or_default();
        self.change(input, |tags| tags.retain(|key, _| !keys.iter().any(|k| k.as_str() == Some(key)))).await
    }

    pub(super) async fn list_tags_for_resource(&self, input: &Input) -> Result<String, ApiError> {
        let (home, run) = self.resource(input).await?;
        json(&json!({ "tags": self.tags(&home, run.as_ref()).await? }))
    }

    /// Changes the tags as they are when it is committed: of two callers at once neither undoes the other.
    async fn change(&self, input: &Input, change: impl Fn(&mut Tags)) -> Result<String, ApiError> {
        let (home, run) = self.resource(input).await?;
        loop {
            let state = home.fresh().await.map_err(refuse::read)?;
            let moves = application(&state).history.tag_moves;
            let looked_at = application(&state).tags_of(run.as_ref()).cloned();
            let mut tags = match &looked_at {
                Some(tags) => tags.clone(),
                None => self.tags(&home, run.as_ref()).await?,
            };
            change(&mut tags);
            let tags = checked(tags)?;
            match home.submit(Command::Tag { run: run.clone(), tags, looked_at, moves }).await {
                Ok(_) => return Ok(nothing()),
                Err(SubmitError::Refused(Refusal::LookAgain)) => {}
                Err(error) => return Err(refuse::submission(&home.id, error, |_| None)),
            }
        }
    }

    async fn tags(&self, home: &Home, run: Option<&JobRunId>) -> Result<Tags, ApiError> {
        match run {
            Some(run) => Ok(self.find_run(home, run.as_str()).await?.request.tags.clone()),
            None => Ok(application(&*home.fresh().await.map_err(refuse::read)?).tags.clone()),
        }
    }

    async fn resource(&self, input: &Input) -> Result<(Arc<Home>, Option<JobRunId>), ApiError> {
        let text = text(input, "resourceArn");
        let unknown = || ApiError::not_found(texts::resource_not_found(text));
        let arn = arn::own(&self.parts.config, text).ok_or_else(unknown)?;
        let home = self.home_of(&arn.application_id).await?;
        match arn.part {
            Part::Whole => Ok((home, None)),
            Part::JobRun(run) => Ok((home, Some(JobRunId::new(run)))),
            Part::Session(_) => Err(unknown()),
        }
    }
}

/// Tags that a resource may have.
pub(super) fn checked(tags: Tags) -> Result<Tags, ApiError> {
    if tags.keys().any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(ApiError::validation("Tag keys that begin with aws: are reserved."));
    }
    if tags.len() > MOST_TAGS {
        return Err(ApiError::validation(format!("A resource has at most {MOST_TAGS} tags.")));
    }
    Ok(tags)
}
