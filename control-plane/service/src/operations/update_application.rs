//! UpdateApplication.

use super::{Service, json, refuse, settings};
use crate::home::application;
use crate::views;
use firesteel_core::command::Command;
use firesteel_core::refusal::Refusal;
use firesteel_wire::{ApiError, Input, texts};
use serde_json::json;

impl Service {
    pub(super) async fn update_application(&self, input: Input) -> Result<String, ApiError> {
        let home = self.home(&input).await?;
        let state = home.fresh().await.map_err(refuse::read)?;
        let label = application(&state).settings.as_ref().map(|settings| &settings.release);
        let patch = settings::patch(&input, label)?;
        home.submit(Command::Update(patch)).await.map_err(|error| {
            refuse::submission(&home.id, error, |refusal| match refusal {
                Refusal::FixedWhileStarted(_) => Some(ApiError::validation(texts::UPDATE_WHILE_STARTED)),
                refusal => refuse::wrong_state(refusal, |state| {
                    texts::cannot_be_updated(home.id.as_str(), state.as_str())
                }),
            })
        })?;
        let state = home.state();
        json(&json!({ "application": views::application::full(&self.parts.config, application(&state)) }))
    }
}
