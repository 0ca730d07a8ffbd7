//! A driver: its files staged, its configuration written, its executors' API served.

use super::executor::disk_or;
use super::{Executors, Prepared, sightings, wanted};
use crate::conf::{self, Bound, Given, log4j2};
use crate::jvm::{self, Command, Heap, Place};
use crate::life::Ending;
use crate::life::work::Bench;
use crate::notes::Notes;
use crate::pod_api::PodApi;
use crate::staging::{self, ParallelS3, Plan, StagingError};
use firesteel_core::spark::classification::EXECUTOR_LOG4J;
use firesteel_core::spark::{Properties, parameters};
use firesteel_pods::{CapacityNotice, Settings, capacity_line};
use firesteel_protocol::{DriverAssignment, ExecutorSighting, ExitCode};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Stages, configures, and begins to serve executors.
pub(super) async fn prepare(assignment: &DriverAssignment, bench: &Bench<'_>) -> Result<Prepared, Ending> {
    let bad = |error: String| Ending::failed(ExitCode::BAD_PARAMETERS, error);
    let extra = properties_file(assignment, bench).await?;
    let release = assignment.common.release.release();
    let most_executors = release.and_then(|release| release.dynamic_allocation_max_default());
    let given = Given::read(assignment, &extra, most_executors).map_err(|error| bad(error.to_string()))?;
    for setting in &given.meaningless {
        bench
            .notes
            .line(&format!("{setting} means nothing to S3A, which serves s3:// here; it is passed over"));
    }
    let plan = stage(assignment, &given, bench).await?;
    let (api, token) =
        serve_pods(bench, &given.effective).await.map_err(|error| Ending::failed(ExitCode::RUNNER, error))?;
    let (work, url) = (bench.folders.work(), api.url());
    let bound = Bound {
        runtime: &bench.runtime.defaults,
        store: &assignment.common.store,
        address: &bench.errand.address,
        pod_api: &url,
        pod_token: &token,
        tmp: assignment.tmp.as_deref(),
        event_logs: assignment.event_logs.as_ref().map(|_| bench.folders.event_logs()),
        run: assignment.common.job_run.as_str(),
        name: assignment.name.as_deref(),
        work: &work,
        ui_port: bench.ui_port,
    };
    let conf = conf::driver(&given, &plan.staged, &bound).map_err(|error| bad(error.to_string()))?;
    conf::write_driver_folder(&bench.folders.conf(), &conf.properties, &assignment.configuration)
        .map_err(|error| disk_or(ExitCode::RUNNER, error))?;
    let heap = Heap::new(conf.heap_mib, assignment.common.heap_mib);
    let command = command(assignment, bench, &given, &plan, &conf.properties, heap).map_err(bad)?;
    let logging = log4j2(assignment.configuration.get(EXECUTOR_LOG4J));
    Ok(Prepared { command, heap, executors: Some(serve_executors(api, logging, bench)) })
}

async fn properties_file(assignment: &DriverAssignment, bench: &Bench<'_>) -> Result<Properties, Ending> {
    let submit = parameters::parse(&assignment.spark_submit_parameters);
    let submit = submit.map_err(|error| Ending::failed(ExitCode::BAD_PARAMETERS, error))?;
    let Some(uri) = submit.properties_file else { return Ok(Properties::new()) };
    let plan = plan_of(&staging::Lists { entry_point: uri.clone(), ..Default::default() }, bench)?;
    run(&plan, bench).await?;
    let text = std::fs::read_to_string(&plan.staged.entry_point);
    let read = |error| Ending::failed(ExitCode::STAGING, format!("cannot read {uri}: {error}"));
    text.map(|text| conf::read_properties_file(&text)).map_err(read)
}

async fn stage(assignment: &DriverAssignment, given: &Given, bench: &Bench<'_>) -> Result<Plan, Ending> {
    let plan = plan_of(&conf::lists(&assignment.entry_point, &given.effective), bench)?;
    run(&plan, bench).await?;
    Ok(plan)
}

fn plan_of(lists: &staging::Lists, bench: &Bench<'_>) -> Result<Plan, Ending> {
    staging::plan(lists, &bench.folders.work(), &bench.runtime.spark_home).map_err(|error| failed(&error))
}

async fn run(plan: &Plan, bench: &Bench<'_>) -> Result<(), Ending> {
    let fetcher = ParallelS3(bench.s3.clone());
    staging::stage(plan, &bench.folders.work(), &fetcher, bench.notes).await.map_err(|error| failed(&error))
}

fn failed(error: &StagingError) -> Ending {
    Ending::failed(if error.is_disk_full() { ExitCode::DISK_FULL } else { ExitCode::STAGING }, error)
}

async fn serve_pods(bench: &Bench<'_>, effective: &Properties) -> std::io::Result<(PodApi, String)> {
    let token = hex::encode(rand::random::<[u8; 24]>());
    let mut settings = Settings::new(rand::random(), &bench.runtime.spark_version);
    let most = effective.get("spark.executor.maxNumFailures").and_then(|most| most.trim().parse().ok());
    if let Some(most) = most {
        settings.backoff = settings.backoff.with_most_failures(most);
    }
    Ok((PodApi::start(token.clone(), settings).await?, token))
}

fn command(
    assignment: &DriverAssignment,
    bench: &Bench<'_>,
    given: &Given,
    plan: &Plan,
    properties: &Properties,
    heap: Heap,
) -> Result<Command, String> {
    let (folders, runtime) = (bench.folders, bench.runtime);
    let mut submit = Vec::new();
    if let Some(class) = &given.submit.class {
        submit.extend(["--class".to_owned(), class.clone()]);
    }
    if given.submit.verbose {
        submit.push("--verbose".to_owned());
    }
    submit.push(plan.staged.entry_point.clone());
    submit.extend(assignment.arguments.iter().cloned());
    let line = jvm::driver(runtime, &folders.conf(), &folders.tmp(), properties, heap, &submit)?;
    let place = Place {
        worker: bench.errand.worker.as_str(),
        address: &bench.errand.address,
        folders,
        runtime,
        credentials: bench.credentials,
    };
    let mut env = jvm::base(&place, &assignment.common);
    jvm::driver_variables(&mut env, properties);
    Ok(Command { line, env })
}

/// Carries the wanted set out and the sightings in, for as long as the driver runs.
fn serve_executors(api: PodApi, log4j2: Properties, bench: &Bench<'_>) -> Executors {
    let (report, mut wanted) = (bench.ends.report.clone(), api.wanted());
    let outward = tokio::spawn(async move {
        loop {
            let now = wanted::translate(&wanted.borrow_and_update(), &log4j2);
            report.send_if_modified(|report| {
                let changed = report.wanted.as_ref() != Some(&now);
                report.wanted = Some(now);
                changed
            });
            if wanted.changed().await.is_err() {
                return;
            }
        }
    });
    let api = Arc::new(api);
    let inward =
        tokio::spawn(carry_sightings(api.clone(), bench.ends.sightings.clone(), bench.notes.clone()));
    Executors { api, tasks: vec![outward, inward] }
}

async fn carry_sightings(
    api: Arc<PodApi>,
    mut sightings: watch::Receiver<Vec<ExecutorSighting>>,
    notes: Notes,
) {
    let mut notice = CapacityNotice::default();
    loop {
        let now = u64::try_from(crate::clock::now().0).unwrap_or(0);
        {
            let sightings = sightings.borrow_and_update();
            api.observe(&sightings::translate(&sightings));
            let exceeded = sightings::exceeded(&sightings);
            if notice.due(!exceeded.is_empty(), now) {
                notes.raw(&capacity_line(&exceeded));
            }
        }
        let wait = notice.next_at().map_or(u64::MAX, |at| at.saturating_sub(now));
        tokio::select! {
            changed = sightings.changed() => if changed.is_err() { return },
            _ = tokio::time::sleep(Duration::from_millis(wait.min(3_600_000))) => {}
        }
    }
}

/// Waits until the pod API gives up on executors.
pub(super) async fn hopeless(mut wanted: watch::Receiver<firesteel_pods::Wanted>) -> String {
    let given_up =
        wanted.wait_for(|wanted| wanted.hopeless.is_some()).await.ok().and_then(|w| w.hopeless.clone());
    match given_up {
        Some(hopeless) => {
            let (last, code) = (&hopeless.last, hopeless.last.ended.code());
            let message = last.ended.message.as_deref().unwrap_or("see its logs");
            format!(
                "{} executors ended at their start without one that lived; the last, executor {}, with exit code {code}: {message}",
                hopeless.failures, last.executor_id
            )
        }
        None => std::future::pending().await,
    }
}
