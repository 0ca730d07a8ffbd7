//! DeleteApplication: the application's journal closes with TERMINATED, then the registry follows.

use super::{Service, nothing, refuse};
use firesteel_core::command::Command;
use firesteel_core::refusal::Refusal;
use firesteel_journal::SubmitError;
use firesteel_wire::{ApiError, Input, texts};
use std::time::Duration;

/// How often and how long it waits for settled runs to be archived.
const PATIENCE: (u32, Duration) = (100, Duration::from_millis(100));

impl Service {
    pub(super) async fn delete_application(&self, input: &Input) -> Result<String, ApiError> {
        let home = self.home(input).await?;
        let mut patience = PATIENCE.0;
        loop {
            match home.submit(Command::Delete).await {
                Ok(_) => break,
                Err(SubmitError::Refused(Refusal::Settling(_))) if patience > 0 => {
                    patience -= 1;
                    home.wake.notify_one();
                    tokio::time::sleep(PATIENCE.1).await;
                }
                Err(error) => {
                    let text = |state: firesteel_core::application::ApplicationState| {
                        texts::cannot_be_deleted(home.id.as_str(), state.as_str())
                    };
                    return Err(refuse::submission(&home.id, error, |r| refuse::wrong_state(r, text)));
                }
            }
        }
        self.applications.deleted(&home.id).await.map_err(|e| refuse::submission(&home.id, e, |_| None))?;
        Ok(nothing())
    }
}
