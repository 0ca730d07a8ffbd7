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
        name: run.request.name.clone(),
        tmp: tmp_prefix(app, run, body),
        event_logs: run_prefix(app, run, body).map(|prefix| format!("{prefix}/sparklogs/")),
        common,
    }
}

/// Where a worker's logs go: EMR's keys (user guide, "logging"). None without a `logUri`.
pub fn log_destination(
    app: &Application,
    run: &JobRun,
    body: &Body,
    worker: &Worker,
) -> Option<LogDestination> {
    let uri = run_prefix(app, run, body)?;
    let (bucket, prefix) = uri.strip_prefix("s3://")?.split_once('/')?;
    let attempt =
        if names_attempts(run, body) { format!("/attempts/{}", worker.attempt) } else { String::new() };
    let prefix = match &worker.role {
        Role::Driver => format!("{prefix}{attempt}/SPARK_DRIVER"),
        Role::Executor { ordinal, .. } => format!("{prefix}{attempt}/SPARK_EXECUTOR/{ordinal}"),
    };
    Some(LogDestination { bucket: bucket.to_owned(), prefix })
}

/// Attempts have log folders of their own for streaming runs and when batch runs may be retried.
fn names_attempts(run: &JobRun, body: &Body) -> bool {
    let attempts = body.echo.get("retryPolicy").and_then(|policy| policy.get("maxAttempts")?.as_i64());
    run.request.mode == "STREAMING" || attempts.unwrap_or(1) > 1
}

/// The run's own prefix for tmp and shuffle, with a trailing slash.
pub fn tmp_prefix(app: &Application, run: &JobRun, body: &Body) -> Option<String> {
    run_prefix(app, run, body).map(|prefix| format!("{prefix}/tmp/"))
}

fn run_prefix(app: &Application, run: &JobRun, body: &Body) -> Option<String> {
    let uri = body.log_uri.as_deref()?.trim_end_matches('/');
    let path = uri.split_once("://")?.1;
    Some(format!("s3://{path}/applications/{}/jobs/{}", application_id(app), run.request.id))
}

fn application_id(app: &Application) -> ApplicationId {
    app.identity.as_ref().map_or_else(|| ApplicationId::new(""), |identity| identity.id.clone())
}

/// Name of the role session: EMR's `<applicationId>,<jobRunId>`.
pub fn session_name(application: &ApplicationId, run: &JobRunId) -> String {
    format!("{application},{run}")
}
