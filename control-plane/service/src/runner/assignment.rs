//! What a runner is told to do, made of the state and the run's request.

use crate::body::Body;
use crate::ports::Config;
use firesteel_core::application::Application;
use firesteel_core::id::{ApplicationId, JobRunId};
use firesteel_core::job_run::JobRun;
use firesteel_core::worker::{Role, Worker};
use firesteel_protocol::{
    Assignment, Common, Credentials, DriverAssignment, ExecutorAssignment, LogDestination,
};
use serde_json::Value;

/// The assignment of a worker. `launch` is what its attempt's driver sent for executors of its profile.
pub fn assignment(
    config: &Config,
    app: &Application,
    run: &JobRun,
    body: &Body,
    worker: &Worker,
    credentials: Credentials,
    launch: Option<Value>,
) -> Assignment {
    let common = common(config, app, run, body, worker, credentials);
    match &worker.role {
        Role::Driver => Assignment::Driver(driver(app, run, body, common)),
        Role::Executor { ordinal, own, .. } => Assignment::Executor(ExecutorAssignment {
            common,
            ordinal: *ordinal,
            launch: launch.unwrap_or_default(),
            own: own.clone(),
        }),
    }
}

fn common(
    config: &Config,
    app: &Application,
    run: &JobRun,
    body: &Body,
    worker: &Worker,
    credentials: Credentials,
) -> Common {
    let identity = app.identity.as_ref();
    Common {
        application: application_id(app),
        application_name: identity.and_then(|identity| identity.name.clone()),
        job_run: run.request.id.clone(),
        attempt: worker.attempt,
        fence: worker.fence,
        release: run.request.release.clone(),
        size: worker.size,
        heap_mib: worker.heap_mib,
        logs: log_destination(app, run, body, worker),
        store: config.store.clone(),
        credentials,
        contact_every_ms: config.contact_every_ms,
        contact_limit_ms: config.contact_limit_ms,
    }
}

fn driver(app: &Application, run: &JobRun, body: &Body, common: Common) -> DriverAssignment {
    let text =
        |member: &str| body.spark_submit(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let arguments = body.spark_submit("entryPointArguments").and_then(Value::as_array);
    let arguments = arguments.map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_str);
    DriverAssignment {
        entry_point: text("entryPoint"),
        arguments: arguments.map(str::to_owned).collect(),
        spark_submit_parameters: text("sparkSubmitParameters"),
        configuration: body.configuration.clone(),
        name: run.request.name.as_deref().map(str::to_owned),
        tmp: tmp_prefix(app, run, body).map(|tmp| tmp_of_attempt(tmp, run, common.attempt)),
        event_logs: log_folder(&application_id(app), run, body, common.attempt)
            .map(|LogFolder { bucket, prefix }| format!("s3://{bucket}/{prefix}/sparklogs/")),
        common,
    }
}

/// Where everything that an attempt logs goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFolder {
    /// Bucket.
    pub bucket: String,
    /// Key prefix, without a trailing slash: EMR's (user guide, "logging").
    pub prefix: String,
}

/// The folder of an attempt's logs. None without a `logUri`.
pub fn log_folder(application: &ApplicationId, run: &JobRun, body: &Body, attempt: u32) -> Option<LogFolder> {
    let uri = run_prefix(application, run, body)?;
    let (bucket, prefix) = uri.strip_prefix("s3://")?.split_once('/')?;
    let attempt =
        if run.request.retry.names_attempts() { format!("/attempts/{attempt}") } else { String::new() };
    Some(LogFolder { bucket: bucket.to_owned(), prefix: format!("{prefix}{attempt}") })
}

/// Where a worker's logs go.
pub fn log_destination(
    app: &Application,
    run: &JobRun,
    body: &Body,
    worker: &Worker,
) -> Option<LogDestination> {
    let LogFolder { bucket, prefix } = log_folder(&application_id(app), run, body, worker.attempt)?;
    let prefix = match &worker.role {
        Role::Driver => format!("{prefix}/SPARK_DRIVER"),
        Role::Executor { ordinal, .. } => format!("{prefix}/SPARK_EXECUTOR/{ordinal}"),
    };
    Some(LogDestination { bucket, prefix })
}

/// The run's own prefix for tmp and shuffle, with a trailing slash.
pub fn tmp_prefix(app: &Application, run: &JobRun, body: &Body) -> Option<String> {
    run_prefix(&application_id(app), run, body).map(|prefix| format!("{prefix}/tmp/"))
}

/// Attempts of a run have one Spark application id and count their shuffles alike: none must find what another left.
fn tmp_of_attempt(tmp: String, run: &JobRun, attempt: u32) -> String {
    if run.request.retry.names_attempts() { format!("{tmp}attempts/{attempt}/") } else { tmp }
}

fn run_prefix(application: &ApplicationId, run: &JobRun, body: &Body) -> Option<String> {
    let uri = body.log_uri.as_deref()?.trim_end_matches('/');
    let path = uri.split_once("://")?.1;
    Some(format!("s3://{path}/applications/{}/jobs/{}", application, run.request.id))
}

fn application_id(app: &Application) -> ApplicationId {
    app.identity.as_ref().map_or_else(|| ApplicationId::new(""), |identity| identity.id.clone())
}

/// Name of the role session: EMR's `<applicationId>,<jobRunId>`.
pub fn session_name(application: &ApplicationId, run: &JobRunId) -> String {
    format!("{application},{run}")
}
