//! GetResourceDashboard. Sessions are the only resources with a dashboard of this kind, and none can exist yet (see StartSession).

use super::Service;
use super::get_session::no_session;
use firesteel_wire::{ApiError, Input};

impl Service {
    pub(super) async fn get_resource_dashboard(&self, input: &Input) -> Result<String, ApiError> {
        self.home(input).await?;
        Err(no_session(input, "resourceId"))
    }
}
