//! StartSession: what EMR Serverless would check is checked; then it is refused, for sessions have no driver here yet.

use super::{Service, arn, refuse, text};
use crate::home::application;
use firesteel_core::application::{Application, ApplicationState, Settings};
use firesteel_core::release::ReleaseLabel;
use firesteel_wire::arn::check_role;
use firesteel_wire::{ApiError, Input, texts};

/// The first release with sessions (user guide, "Spark Connect"): major and minor number.
const FIRST_RELEASE: (u16, u16) = (7, 13);

impl Service {
    pub(super) async fn start_session(&self, input: &Input) -> Result<String, ApiError> {
        let home = self.home(input).await?;
        let config = &self.parts.config;
        check_role(text(input, "executionRoleArn"), arn::partition(config), &config.account)?;
        let snapshot = home.fresh().await.map_err(refuse::read)?;
        let app = application(&snapshot);
        let settings = app.settings.as_ref().filter(|_| app.is_alive());
        let settings =
            settings.ok_or_else(|| ApiError::not_found(texts::application_not_found(home.id.as_str())))?;
        check(home.id.as_str(), app, settings)?;
        Err(ApiError::validation(texts::SESSIONS_NOT_RUN))
    }
}

fn check(id: &str, app: &Application, settings: &Settings) -> Result<(), ApiError> {
    use ApplicationState::{Created, Started, Starting, Stopped};
    if !has_sessions(&settings.release) {
        return Err(ApiError::validation(texts::release_without_sessions(settings.release.as_str())));
    }
    let interactive = settings.echo.get("interactiveConfiguration");
    if interactive.and_then(|switches| switches.get("sessionEnabled")?.as_bool()) != Some(true) {
        return Err(ApiError::validation(texts::sessions_not_enabled(id)));
    }
    match app.state {
        Started | Starting => Ok(()),
        Created | Stopped if settings.auto_start => Ok(()),
        state => Err(ApiError::validation(texts::not_accepting("sessions", id, state.as_str()))),
    }
}

fn has_sessions(label: &ReleaseLabel) -> bool {
    let generation = label.release().map(|release| release.generation);
    generation.is_some_and(|found| (found.major, found.minor) >= FIRST_RELEASE)
}
