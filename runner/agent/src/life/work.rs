//! From the assignment to the job's end: prepare, start, watch, end.

use super::ending::Ending;
use super::halt::{Kind, Step, ladder};
use super::session::{Ends, Order, Session};
use super::witness::{Said, Witness, account};
use crate::clock;
use crate::credentials::Endpoint;
use crate::errand::Folders;
use crate::event_logs::EventLogs;
use crate::jvm::{Confinement, GuardCommand, Job, Spawner, code, processes, reap};
use crate::logs::{Follower, S3LogStore};
use crate::notes::Notes;
use crate::role::{self, Prepared};
use crate::runtime::Installed;
use crate::{failure, s3};
use firesteel_core::time::Millis;
use firesteel_protocol::transport::Errand;
use firesteel_protocol::{Assignment, DriverAssignment, ExitCode, StopOrder};
use nix::sys::signal::Signal;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long the log bucket may be unreachable before the job starts.
const FIRST_WRITE_PATIENCE: Duration = Duration::from_secs(300);
/// How often processes that were asked to end are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Grace of a runner that is itself told to end.
const OWN_GRACE_MS: u64 = 12_000;

/// What came of the job.
pub(super) struct Worked {
    pub(super) ending: Ending,
    pub(super) started: Option<Millis>,
    pub(super) follower: Follower,
    pub(super) event_logs: EventLogs,
    /// False if the log destination refused at the start.
    pub(super) logs_taken: bool,
}

/// Everything that a job's start needs.
pub(crate) struct Bench<'a> {
    pub(crate) errand: &'a Errand,
    pub(crate) folders: &'a Folders,
    pub(crate) runtime: &'a Installed,
    pub(crate) credentials: &'a Endpoint,
    pub(crate) s3: &'a aws_sdk_s3::Client,
    pub(crate) notes: &'a Notes,
    pub(crate) ends: &'a Ends,
    pub(crate) ui_port: Option<u16>,
}

/// Does the job; never fails, but says how it ended.
pub(super) async fn work(
    errand: &Errand,
    assignment: &Assignment,
    folders: &Folders,
    session: &Session,
    guard: GuardCommand,
    ends: &Ends,
) -> Worked {
    let mut orders = Orders::new(ends.order.clone());
    let s3 = s3::client(&assignment.common().store, &session.keyring);
    let mut worked = Worked {
        ending: Ending::Stale,
        started: None,
        follower: Follower::idle(),
        event_logs: EventLogs::none(),
        logs_taken: true,
    };
    tokio::select! {
        begun = begin_logs(assignment, folders, &s3) => match begun {
            Ok(follower) => worked.follower = follower,
            Err(ending) => {
                worked.logs_taken = false;
                worked.ending = ending;
                return worked;
            }
        },
        ending = orders.next_ending(session) => {
            worked.ending = ending;
            return worked;
        }
    }
    if let Assignment::Driver(DriverAssignment { event_logs: Some(to), .. }) = assignment {
        worked.event_logs = EventLogs::begin(s3.clone(), to, folders.event_logs());
    }
    let notes = Notes::new(&folders.stderr());
    worked.ending =
        match prepared_job(errand, assignment, folders, session, &s3, &notes, ends, &mut orders).await {
            Ok(prepared) => {
                let started = start(&prepared, errand, folders, guard, &notes);
                match started {
                    Ok(job) => {
                        worked.started = Some(clock::now());
                        ends.report.send_modify(|report| report.started = worked.started);
                        watch_job(job, prepared, assignment, folders, session, &mut orders).await
                    }
                    Err(error) => {
                        Ending::failed(ExitCode::RUNTIME, format!("the job cannot be started: {error}"))
                    }
                }
            }
            Err(ending) => ending,
        };
    worked
}

async fn begin_logs(
    assignment: &Assignment,
    folders: &Folders,
    s3: &aws_sdk_s3::Client,
) -> Result<Follower, Ending> {
    for file in [folders.stdout(), folders.stderr()] {
        crate::notes::append(&file).map_err(|error| Ending::failed(ExitCode::RUNNER, error))?;
    }
    let Some(destination) = &assignment.common().logs else { return Ok(Follower::idle()) };
    let store = Arc::new(S3LogStore::new(s3.clone(), &destination.bucket));
    let begun = Follower::begin(store, &destination.prefix, &folders.logs(), FIRST_WRITE_PATIENCE).await;
    begun.map_err(|error| {
        let place = format!("s3://{}/{}", destination.bucket, destination.prefix);
        Ending::failed(ExitCode::LOGS_REFUSED, format!("cannot write logs to {place}: {error}"))
    })
}

#[allow(clippy::too_many_arguments)]
async fn prepared_job(
    errand: &Errand,
    assignment: &Assignment,
    folders: &Folders,
    session: &Session,
    s3: &aws_sdk_s3::Client,
    notes: &Notes,
    ends: &Ends,
    orders: &mut Orders,
) -> Result<Prepared, Ending> {
    let prepare = async {
        let label = assignment.common().release.as_str();
        let runtime =
            Installed::find(&errand.runtimes, label).map_err(|why| Ending::failed(ExitCode::RUNTIME, why))?;
        let credentials = Endpoint::serve(session.keyring.clone()).await;
        let credentials = credentials.map_err(|error| Ending::failed(ExitCode::RUNNER, error))?;
        let ui_port = session.ui_port;
        let bench =
            Bench { errand, folders, runtime: &runtime, credentials: &credentials, s3, notes, ends, ui_port };
        role::prepare(assignment, &bench).await
    };
    tokio::select! {
        prepared = prepare => prepared,
        ending = orders.next_ending(session) => Err(ending),
    }
}

fn start(
    prepared: &Prepared,
    errand: &Errand,
    folders: &Folders,
    guard: GuardCommand,
    notes: &Notes,
) -> std::io::Result<Job> {
    let (work, stdout, stderr) = (folders.work(), folders.stdout(), folders.stderr());
    let mark = format!("{}={}", crate::jvm::MARK, errand.worker);
    let spawner = Spawner { work: &work, stdout: &stdout, stderr: &stderr, mark, guard };
    if let Some(note) = prepared.heap.note() {
        notes.line(&note);
    }
    spawner.spawn(&prepared.command, confinement(errand, folders))
}

fn confinement(errand: &Errand, folders: &Folders) -> Option<Confinement> {
    let forbidden = errand.forbidden.as_ref()?;
    if !Confinement::is_supported() {
        say!(
            "firesteel runner {}: no Landlock here: the job can read {}",
            errand.worker,
            forbidden.display()
        );
        return None;
    }
    let built = Confinement::of_job(forbidden, folders, &errand.runtimes);
    built.inspect_err(|error| say!("firesteel runner {}: Landlock: {error}", errand.worker)).ok()
}

/// Watches a running job to its end, whoever brings it about, and leaves nothing of it.
async fn watch_job(
    mut job: Job,
    mut prepared: Prepared,
    assignment: &Assignment,
    folders: &Folders,
    session: &Session,
    orders: &mut Orders,
) -> Ending {
    let reaper = tokio::spawn(reap(job.children()));
    let witness = Witness::begin(folders.root());
    let ending = tokio::select! {
        exited = job.wait() => Err(exited),
        ending = orders.next_ending(session) => Ok(ending),
        why = prepared.hopeless() => Ok(Ending::failed(ExitCode::EXECUTORS_CRASH, why)),
    };
    let ending = match ending {
        Ok(ending) => {
            halt(&mut job, &grace(&ending), kind(assignment)).await;
            ending
        }
        Err(exited) => {
            let status = exited.ok();
            let code = status.map_or(255, code);
            Ending::Job { code, exceptions: account(status, code, witness.seen(), &said(code, folders)) }
        }
    };
    reaper.abort();
    job.finish().await;
    if witness.seen().disk_full {
        make_room(folders);
    }
    ending
}

/// Where a job that is over has filled the disk, its end could not be written down, nor its logs be read in peace.
fn make_room(folders: &Folders) {
    for folder in [folders.work(), folders.local(), folders.tmp()] {
        // The substrate removes the worker's folder in any case.
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// What the logs of a job say that ended with this code.
fn said(code: i32, folders: &Folders) -> Said {
    if code == 0 {
        return Said::default();
    }
    let (stderr, stdout) = (folders.stderr(), folders.stdout());
    Said {
        exceptions: failure::summary(&stderr, &stdout),
        out_of_memory: failure::out_of_memory(&stderr, &stdout),
        no_space: failure::no_space(&stderr, &stdout),
    }
}

/// How a job that did not end by itself is ended.
fn grace(ending: &Ending) -> StopOrder {
    match ending {
        Ending::Stopped(order) => order.clone(),
        Ending::Stale => StopOrder { decommission: false, grace_ms: 0, reason: String::new() },
        _ => StopOrder { decommission: false, grace_ms: OWN_GRACE_MS, reason: String::new() },
    }
}

fn kind(assignment: &Assignment) -> Kind {
    match assignment {
        Assignment::Executor(_) => Kind::Executor,
        Assignment::Driver(driver) if driver.entry_point.ends_with(".py") => Kind::Python,
        Assignment::Driver(_) => Kind::Program,
    }
}

/// Ends a job step by step, until its JVM and all that were asked to end have ended, or its grace is over.
async fn halt(job: &mut Job, order: &StopOrder, kind: Kind) {
    let begun = Instant::now();
    let mut asked = Vec::new();
    for (after, step) in ladder(order, kind) {
        let due = begun + after;
        tokio::select! {
            _ = job.wait() => {
                let last = begun + Duration::from_millis(order.grace_ms);
                let _ = tokio::time::timeout_at(last, all_gone(&asked)).await;
                return;
            }
            // Who has nobody to wait for need not wait.
            _ = all_gone(&asked), if kind == Kind::Python && step == Step::Terminate => {}
            _ = tokio::time::sleep_until(due) => {}
        }
        match step {
            Step::Decommission => job.signal(Signal::SIGPWR),
            Step::Ask => asked = job.ask().await,
            Step::Terminate => job.signal(Signal::SIGTERM),
            Step::Kill => job.signal(Signal::SIGKILL),
        }
    }
    let _ = job.wait().await;
}

async fn all_gone(asked: &[i32]) {
    while asked.iter().any(|pid| processes::lives(*pid)) {
        tokio::time::sleep(LOOK).await;
    }
}

/// Orders of the control plane and of whoever sends SIGTERM.
struct Orders {
    order: watch::Receiver<Option<Order>>,
    terminate: Option<tokio::signal::unix::Signal>,
}

impl Orders {
    fn new(order: watch::Receiver<Option<Order>>) -> Self {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        Self { order, terminate: terminate.ok() }
    }

    /// Waits for the first order that ends the job.
    async fn next_ending(&mut self, session: &Session) -> Ending {
        let told = self.order.wait_for(Option::is_some);
        let terminated = async {
            match &mut self.terminate {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            order = told => match order.ok().and_then(|order| order.clone()) {
                Some(Order::Stop(order)) => Ending::Stopped(order),
                Some(Order::Lost) => Ending::Lost(session.limit.as_secs()),
                Some(Order::Stale) => Ending::Stale,
                None => Ending::failed(ExitCode::RUNNER, "the exchange with the control plane broke off"),
            },
            _ = terminated => Ending::Stopped(StopOrder {
                decommission: true,
                grace_ms: OWN_GRACE_MS,
                reason: "the runner was told to end (SIGTERM)".to_owned(),
            }),
        }
    }
}
