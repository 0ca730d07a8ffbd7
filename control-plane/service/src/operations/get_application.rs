//! GetApplication. A deleted application still answers, with state TERMINATED.

use super::{Service, json, refuse};
use crate::home::application;
use crate::views;
use firesteel_wire::{ApiError, Input};
use serde_json::json;

impl Service {
    pub(super) async fn get_application(&self, input: &Input) -> Result<String, ApiError> {
        let home = self.home(input).await?;
        let state = home.fresh().await.map_err(refuse::read)?;
        let view = views::application::full(&self.parts.config, application(&state));
        json(&json!({ "application": view }))
    }
}
