//! GetSession. No session can exist yet (see StartSession), so there is none to show.

use super::{Service, text};
use firesteel_wire::{ApiError, Input, texts};

impl Service {
    pub(super) async fn get_session(&self, input: &Input) -> Result<String, ApiError> {
        self.home(input).await?;
        Err(no_session(input, "sessionId"))
    }
}

/// The answer to every question about a session that is not there; `member` holds its id.
pub(super) fn no_session(input: &Input, member: &str) -> ApiError {
    ApiError::not_found(texts::session_not_found(text(input, member)))
}
