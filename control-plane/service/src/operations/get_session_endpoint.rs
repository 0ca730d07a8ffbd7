//! GetSessionEndpoint. No session can exist yet (see StartSession), so there is none to connect to.

use super::Service;
use super::get_session::no_session;
use firesteel_wire::{ApiError, Input};

impl Service {
    pub(super) async fn get_session_endpoint(&self, input: &Input) -> Result<String, ApiError> {
        self.home(input).await?;
        Err(no_session(input, "sessionId"))
    }
}
