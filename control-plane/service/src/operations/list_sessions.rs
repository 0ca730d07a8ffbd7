//! ListSessions. No session can exist yet (see StartSession): every page is the only one, and empty.

use super::{Service, json};
use firesteel_wire::paging::Page;
use firesteel_wire::shapes::ListSessionsResponse;
use firesteel_wire::{ApiError, Input, Operation};

impl Service {
    pub(super) async fn list_sessions(&self, input: &Input) -> Result<String, ApiError> {
        Page::of(Operation::ListSessions, input)?;
        self.home(input).await?;
        json(&ListSessionsResponse::default())
    }
}
