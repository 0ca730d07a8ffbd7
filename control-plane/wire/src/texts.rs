//! The words of AWS's refusals, in one place, since clients and their users search for them. Where no text of AWS is known to us, the
//! function says "ours".

/// StartJobRun with a role of another account (AccessDeniedException).
pub const CROSS_ACCOUNT_ROLE: &str = "Cross-account pass role is not allowed.";

/// An execution time-out of one to four minutes.
pub const TIMEOUT_TOO_SHORT: &str = "RunTimeout must be at least 5 minutes.";

/// UpdateApplication of a started application with a member that must wait until it is stopped.
pub const UPDATE_WHILE_STARTED: &str = "Only the following configurations can be updated when an application is in STARTED state: \
    schedulerConfiguration.maxConcurrentRuns, extendedSupportConfiguration, imageConfiguration, \
    workerTypeSpecifications.imageConfiguration, maximumCapacity.";

/// An application that is not there.
pub fn application_not_found(id: &str) -> String {
    format!("Application {id} does not exist")
}

/// A job run that is not there.
pub fn job_run_not_found(id: &str) -> String {
    format!("JobRun {id} does not exist")
}

/// An attempt that is not there (ours).
pub fn attempt_not_found(job_run_id: &str, attempt: i64) -> String {
    format!("JobRun {job_run_id} has no attempt {attempt}")
}

/// A session that is not there (ours, after the pattern of the others).
pub fn session_not_found(id: &str) -> String {
    format!("Session {id} does not exist")
}

/// An ARN that names nothing here (ours).
pub fn resource_not_found(arn: &str) -> String {
    format!("Resource {arn} does not exist")
}

/// CreateApplication with a type that does not exist.
pub fn unsupported_engine(engine: &str) -> String {
    format!("Unsupported engine {engine}")
}

/// CreateApplication or UpdateApplication with a release label that does not exist, or not for this type.
pub fn unsupported_release(engine: &str, label: &str) -> String {
    format!(
        "Type '{}' is not supported for release label '{label}' or release label does not exist",
        engine.to_ascii_uppercase()
    )
}

/// StopApplication in a state that cannot be stopped.
pub const CANNOT_BE_STOPPED: &str = "Application cannot be STOPPED. Applications must be in one of the following statuses: [STARTING, STARTED]";

/// StopApplication with runs that are not at an end (ours).
pub fn runs_still_active(application_id: &str, count: usize) -> String {
    format!(
        "Application {application_id} cannot be STOPPED while {count} job runs are active. Cancel them, or wait for them to finish."
    )
}

/// StartApplication in a state that cannot be started (ours, after the text for stopping).
pub const CANNOT_BE_STARTED: &str = "Application cannot be STARTED. Applications must be in one of the following statuses: [CREATED, STOPPED]";

/// DeleteApplication in a state that cannot be deleted; the words "in of" are AWS's.
pub fn cannot_be_deleted(application_id: &str, state: &str) -> String {
    format!(
        "Application {application_id} must be in of the following statuses [CREATED, STOPPED]. Current status: {state}"
    )
}

/// UpdateApplication in a state other than CREATED, STOPPED and STARTED.
pub fn cannot_be_updated(application_id: &str, state: &str) -> String {
    format!(
        "Application {application_id} must be in one of the statuses to be updated: [STOPPED, CREATED]. Current status: {state}"
    )
}

/// StartJobRun ("job runs") or StartSession ("sessions") on an application that is not started and does not start by itself (ours).
pub fn not_accepting(what: &str, application_id: &str, state: &str) -> String {
    format!(
        "Application {application_id} must be STARTED to accept {what}, or CREATED or STOPPED with autoStartConfiguration enabled. \
         Current status: {state}"
    )
}

/// StartSession on an application whose `interactiveConfiguration` does not enable sessions (ours).
pub fn sessions_not_enabled(application_id: &str) -> String {
    format!(
        "Application {application_id} does not accept sessions: interactiveConfiguration.sessionEnabled must be true."
    )
}

/// StartSession on an application whose release has no sessions yet (ours).
pub fn release_without_sessions(label: &str) -> String {
    format!("Sessions need release label emr-7.13.0 or later. The application has '{label}'.")
}

/// StartSession when everything else is right (ours).
pub const SESSIONS_NOT_RUN: &str =
    "Sessions are not run by this version of Firesteel. Submit the work with StartJobRun instead.";

/// A client token used again with another request (ours; ConflictException).
pub fn client_token_conflict(token: &str) -> String {
    format!("The client token {token} was already used with a different request.")
}

/// StartJobRun without `jobDriver`, which the model does not require (in the words of a constraint).
pub fn job_driver_missing() -> String {
    "1 validation error detected: Value null at 'jobDriver' failed to satisfy constraint: Member must not be null".to_owned()
}

/// A grace period that is neither 0 nor 15 to 1800 seconds (ours).
pub const GRACE_PERIOD_RANGE: &str = "shutdownGracePeriodInSeconds must be 0, or between 15 and 1800.";

/// A role of another partition (ours).
pub fn role_of_other_partition(partition: &str) -> String {
    format!("The execution role must be of the partition '{partition}'.")
}

/// A text that is not a role's ARN (ours).
pub fn not_a_role(text: &str) -> String {
    format!("'{text}' is not the ARN of an IAM role.")
}

/// State details of a run whose role cannot be assumed.
pub fn role_not_assumable(role: &str) -> String {
    format!(
        "Could not assume runtime role {role} because it doesn't exist or isn't setup with the required trust relationship."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts_are_awss_to_the_letter() {
        let table = [
            (application_not_found("00x"), "Application 00x does not exist"),
            (job_run_not_found("00y"), "JobRun 00y does not exist"),
            (unsupported_engine("FLINK"), "Unsupported engine FLINK"),
            (
                unsupported_release("Spark", "emr-1"),
                "Type 'SPARK' is not supported for release label 'emr-1' or release label does not exist",
            ),
            (
                cannot_be_deleted("00x", "STARTED"),
                "Application 00x must be in of the following statuses [CREATED, STOPPED]. Current status: STARTED",
            ),
            (
                cannot_be_updated("00x", "STARTING"),
                "Application 00x must be in one of the statuses to be updated: [STOPPED, CREATED]. Current status: STARTING",
            ),
            (
                UPDATE_WHILE_STARTED.to_owned(),
                "Only the following configurations can be updated when an application is in STARTED state: schedulerConfiguration.maxConcurrentRuns, extendedSupportConfiguration, imageConfiguration, workerTypeSpecifications.imageConfiguration, maximumCapacity.",
            ),
        ];
        for (ours, theirs) in table {
            assert_eq!(ours, theirs);
        }
    }
}
