//! Refusals in AWS's words. Each operation says what a refusal means to its caller.

use firesteel_core::application::ApplicationState;
use firesteel_core::id::ApplicationId;
use firesteel_core::refusal::Refusal;
use firesteel_journal::{ReadError, SubmitError};
use firesteel_wire::{ApiError, ErrorKind, texts};

/// The API's error for a submission that failed; `refused` words the refusals that the operation knows.
pub fn submission(
    id: &ApplicationId,
    error: SubmitError<Refusal>,
    refused: impl FnOnce(&Refusal) -> Option<ApiError>,
) -> ApiError {
    match error {
        SubmitError::Refused(refusal) => refused(&refusal).unwrap_or_else(|| general(id, &refusal)),
        SubmitError::TooLarge { bytes, bound } => {
            ApiError::validation(format!("The request needs {bytes} bytes of state, more than {bound}."))
        }
        SubmitError::Closed => unavailable("the control plane stops"),
        SubmitError::Unavailable(reason) => unavailable(&reason),
    }
}

/// The state cannot be reached: SDKs try again.
pub fn unavailable(reason: &str) -> ApiError {
    ApiError::new(ErrorKind::InternalServer, "The service cannot reach its state now. Try again.")
        .with_detail(reason)
}

/// The state could not be read.
pub fn read(error: ReadError) -> ApiError {
    unavailable(&error.to_string())
}

fn general(id: &ApplicationId, refusal: &Refusal) -> ApiError {
    match refusal {
        Refusal::NoApplication => ApiError::not_found(texts::application_not_found(id.as_str())),
        Refusal::NoRun(run) => ApiError::not_found(texts::job_run_not_found(run.as_str())),
        Refusal::TokenConflict => {
            ApiError::conflict("The client token was already used with a different request.")
        }
        other => ApiError::validation(other.to_string()),
    }
}

/// The text for a state in which an operation is not allowed.
pub fn wrong_state(refusal: &Refusal, text: impl FnOnce(ApplicationState) -> String) -> Option<ApiError> {
    match refusal {
        Refusal::WrongState { state, .. } => Some(ApiError::validation(text(*state))),
        _ => None,
    }
}
