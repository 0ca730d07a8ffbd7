//! StartApplication: STARTING is committed before it returns; a started application stays as it is.

use super::{Service, nothing, refuse};
use firesteel_core::command::Command;
use firesteel_wire::{ApiError, Input, texts};

impl Service {
    pub(super) async fn start_application(&self, input: &Input) -> Result<String, ApiError> {
        let home = self.home(input).await?;
        home.submit(Command::Start).await.map_err(|error| {
            let text = |_| texts::CANNOT_BE_STARTED.to_owned();
            refuse::submission(&home.id, error, |refusal| refuse::wrong_state(refusal, text))
        })?;
        Ok(nothing())
    }
}
