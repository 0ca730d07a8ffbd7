//! StopApplication: only without active runs.

use super::{Service, nothing, refuse};
use firesteel_core::command::Command;
use firesteel_core::refusal::Refusal;
use firesteel_wire::{ApiError, Input, texts};

impl Service {
    pub(super) async fn stop_application(&self, input: &Input) -> Result<String, ApiError> {
        let home = self.home(input).await?;
        home.submit(Command::Stop).await.map_err(|error| {
            refuse::submission(&home.id, error, |refusal| match refusal {
                Refusal::ActiveRuns(runs) => {
                    Some(ApiError::validation(texts::runs_still_active(home.id.as_str(), *runs)))
                }
                refusal => refuse::wrong_state(refusal, |_| texts::CANNOT_BE_STOPPED.to_owned()),
            })
        })?;
        Ok(nothing())
    }
}
