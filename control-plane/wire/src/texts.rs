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

/// State details of a run that can never fit the application's maximum capacity.
pub const MAXIMUM_CAPACITY_EXCEEDED: &str =
    "Job failed as application has exceeded maximumCapacity settings.";

/// State details of a run that can never fit the account's quota.
pub const VCPU_QUOTA_EXCEEDED: &str =
    "Job failed as account has reached the service limit on the maximum vCPU it can use concurrently.";

/// State details of a run that waits for the scheduler.
pub const RUN_PENDING: &str = "The JobRun is pending scheduling.";

/// State details of a run whose driver is being placed.
pub const RUN_SCHEDULED: &str = "The job has been scheduled and is acquiring resources to run.";

/// State details of an application that StartApplication started.
pub const USER_INITIATED: &str = "User initiated.";

/// GetDashboardForJobRun of a run without a driver.
pub const DASHBOARD_NOT_RUNNING: &str = "LiveUI is not supported for jobs that are not running";

/// State details have at most so many characters.
pub const STATE_DETAILS_LIMIT: usize = 256;

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

/// StartJobRun on an application that is not started and does not start by itself (ours).
pub fn not_accepting_runs(application_id: &str, state: &str) -> String {
    format!(
        "Application {application_id} must be STARTED to accept job runs, or CREATED or STOPPED with autoStartConfiguration enabled. \
         Current status: {state}"
    )
}

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

/// The quota of concurrent vCPUs (ours; ServiceQuotaExceededException).
pub fn vcpu_quota(limit: u64) -> String {
    format!("The maximum of {limit} concurrent vCPUs is reached.")
}

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

/// State details of a run whose driver ended badly, cut to [`STATE_DETAILS_LIMIT`] characters with "..." at the end.
pub fn run_failed(exit_code: i32, last_exceptions: &str) -> String {
    let head = "Job failed, please check complete logs in configured logging destination.";
    let exceptions = last_exceptions.trim();
    let tail =
        if exceptions.is_empty() { String::new() } else { format!(" Last few exceptions: {exceptions}...") };
    cut(&format!("{head} ExitCode: {exit_code}.{tail}"))
}

/// The line in a driver's stderr when an executor must wait for room; only the exceeded dimensions are listed, e.g. `cpu: 4 vCPU`.
pub fn worker_not_allocated(exceeded: &[String]) -> String {
    format!(
        "ApplicationMaxCapacityExceededException: Worker could not be allocated as the application has exceeded maximumCapacity \
         settings: [{}]",
        exceeded.join(", ")
    )
}

/// A text cut to [`STATE_DETAILS_LIMIT`] characters; a cut one ends in "...".
pub fn cut(text: &str) -> String {
    if text.chars().count() <= STATE_DETAILS_LIMIT {
        return text.to_owned();
    }
    text.chars().take(STATE_DETAILS_LIMIT - 3).collect::<String>() + "..."
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
            (
                worker_not_allocated(&["cpu: 4 vCPU".into(), "memory: 16 GB".into()]),
                "ApplicationMaxCapacityExceededException: Worker could not be allocated as the application has exceeded maximumCapacity settings: [cpu: 4 vCPU, memory: 16 GB]",
            ),
            (
                run_failed(1, "ValueError: no\n"),
                "Job failed, please check complete logs in configured logging destination. ExitCode: 1. Last few exceptions: ValueError: no...",
            ),
            (
                run_failed(3, " "),
                "Job failed, please check complete logs in configured logging destination. ExitCode: 3.",
            ),
        ];
        for (ours, theirs) in table {
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn state_details_are_cut_by_characters() {
        let long = run_failed(1, &"é".repeat(300));
        assert_eq!(long.chars().count(), STATE_DETAILS_LIMIT);
        assert!(long.ends_with("é..."));
        assert_eq!(cut(&"é".repeat(256)), "é".repeat(256));
    }
}
