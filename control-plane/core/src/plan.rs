//! What must be done in the world, derived afresh from committed state and what is seen. Nothing is remembered:
//! a crash between commit and act is repaired by the next tick.

use crate::admission::{self, Obstacle};
use crate::application::{Application, ApplicationState};
use crate::command::{Room, Runtime};
use crate::exit::Exit;
use crate::id::{HostId, JobRunId, WorkerId};
use crate::job_run::JobRunState;
use crate::release::ReleaseLabel;
use crate::time::{MINUTE, Millis};
use crate::worker::Worker;
use imbl::OrdSet;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A worker as its substrate sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Its runner lives.
    Alive,
    /// Its runner left a word.
    Exited(Exit),
    /// Its runner is dead and left no word.
    Gone,
}

/// What is seen from one host at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// When the look began.
    pub at: Millis,
    /// The host's room.
    pub room: Room,
    /// The application's release on this host.
    pub runtime: Runtime,
    /// The application's workers on this host.
    pub workers: BTreeMap<WorkerId, Seen>,
    /// Other hosts of which nobody has heard for so long that they are lost.
    pub lost: BTreeSet<HostId>,
}

/// Something to do in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make the release ready on this host.
    Prepare(ReleaseLabel),
    /// Start the worker's runner.
    Launch(WorkerId),
    /// The worker is dead: salvage what it left and say so (`Command::Lost`). With the word it left, if any.
    Collect(WorkerId, Option<Exit>),
    /// The worker is on a lost host: mark where its logs end and say so (`Command::Lost`).
    GiveUp(WorkerId),
    /// Kill it as a whole.
    Kill(WorkerId),
    /// It has ended and its end is committed: clean up after it.
    Forget(WorkerId),
    /// The run is settled: archive it.
    Archive(JobRunId),
}

/// Why a run is not further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// For its application.
    Application(ApplicationState, String),
    /// For one of so many places, behind so many runs that wait for one, too.
    Queued(usize, usize),
    /// For runs that came before.
    Behind(usize),
    /// For the workers of its last attempt to end.
    Workers(usize),
    /// For room.
    Room(Obstacle),
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application(state, progress) if progress.is_empty() => {
                write!(f, "The application is {}.", state.as_str())
            }
            Self::Application(state, progress) => {
                write!(f, "The application is {}: {progress}", state.as_str())
            }
            Self::Queued(most, 0) => {
                write!(
                    f,
                    "The JobRun is the first in the queue: the application runs at most {most} at once."
                )
            }
            Self::Queued(most, before) => write!(
                f,
                "The JobRun is queued behind {}: the application runs at most {most} at once.",
                count(*before)
            ),
            Self::Behind(runs) => write!(f, "The JobRun is pending scheduling behind {}.", count(*runs)),
            Self::Workers(1) => f.write_str("The next attempt waits for 1 worker of the last one to end."),
            Self::Workers(left) => {
                write!(f, "The next attempt waits for {left} workers of the last one to end.")
            }
            Self::Room(obstacle) => write!(f, "The JobRun is pending scheduling: it {obstacle}."),
        }
    }
}

fn count(runs: usize) -> String {
    match runs {
        1 => "1 run".to_owned(),
        runs if runs > MOST_COUNTED => format!("more than {MOST_COUNTED} runs"),
        runs => format!("{runs} runs"),
    }
}

/// Runs before another one are counted no further than this.
const MOST_COUNTED: usize = 1_000;

/// Why runs are not further: what holds all of them, and what the first one lacks. The rest is asked of the state
/// when somebody looks (`of`), for there may be very many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// All wait for their application, and what it says of its progress.
    application: Option<(ApplicationState, String)>,
    /// The first run that may have a driver, and why it has none.
    first: Option<(JobRunId, Obstacle)>,
}

impl Waits {
    /// Why this run waits; none if it does not, or if the next tick moves it on.
    pub fn of(&self, app: &Application, id: &JobRunId) -> Option<Waiting> {
        let run = app.runs.get(id).filter(|run| run.wants_driver())?;
        if let Some((state, progress)) = &self.application {
            return Some(Waiting::Application(*state, progress.clone()));
        }
        let left = app.workers_of(id).filter(|(_, worker)| worker.is_live()).count();
        let before = |list: &OrdSet<JobRunId>| list.range(..id.clone()).take(MOST_COUNTED + 1).count();
        match run.state {
            JobRunState::Pending if left > 0 => Some(Waiting::Workers(left)),
            JobRunState::Pending => match &self.first {
                Some((first, obstacle)) if first == id => Some(Waiting::Room(obstacle.clone())),
                _ => Some(before(app.runs.pending())).filter(|runs| *runs > 0).map(Waiting::Behind),
            },
            JobRunState::Queued => {
                let scheduler = app.settings.as_ref()?.scheduler()?;
                Some(Waiting::Queued(scheduler.concurrent_runs, before(app.runs.queued())))
            }
            _ => Some(app.runs.queued().len()).filter(|queued| *queued > 0).map(Waiting::Behind),
        }
    }
}

/// The plan of one tick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What to do.
    pub effects: Vec<Effect>,
    /// Why runs are not further.
    pub waits: Waits,
    /// When time alone will change something.
    pub wake_at: Option<Millis>,
}

/// Plans for one application from one host.
pub fn plan(app: &Application, look: &Look) -> Plan {
    let mut plan = Plan::default();
    prepare(app, look, &mut plan);
    for (id, worker) in app.workers.iter().filter(|(_, worker)| worker.host == look.room.host) {
        plan.effects.extend(effect_on(id, worker, look));
    }
    forget_strangers(app, look, &mut plan);
    archive(app, &mut plan);
    plan.waits = waits(app, look);
    let given_up = give_up(app, look, &mut plan);
    plan.wake_at = wake_at(app).into_iter().chain(given_up).min();
    plan
}

/// Gives up the workers of lost hosts, and says when the next of them is due.
fn give_up(app: &Application, look: &Look, plan: &mut Plan) -> Option<Millis> {
    let lost = app.workers.iter().filter(|(_, worker)| worker.is_live() && look.lost.contains(&worker.host));
    let (due, later): (Vec<_>, Vec<_>) =
        lost.map(|(id, worker)| (id, certainly_over(app, worker))).partition(|(_, over)| *over <= look.at);
    plan.effects.extend(due.into_iter().map(|(id, _)| Effect::GiveUp(id.clone())));
    later.into_iter().map(|(_, over)| over).min()
}

/// A driver that another attempt would follow is not known to be dead: it may still write until its last credentials end,
/// by the clock of whoever gave them.
pub(crate) fn certainly_over(app: &Application, worker: &Worker) -> Millis {
    let retried = app.runs.get(&worker.run).is_some_and(|run| run.may_be_tried_again());
    match worker.credentials_until {
        Some(until) if worker.is_driver() && retried => until.plus(CLOCKS_DIFFER),
        _ => worker.admitted,
    }
}

/// Milliseconds by which the clocks of control planes may be wrong.
const CLOCKS_DIFFER: i64 = MINUTE;

fn prepare(app: &Application, look: &Look, plan: &mut Plan) {
    let wanted = app.state == ApplicationState::Starting || app.runs.any_waits();
    if let (true, Some(settings), Runtime::Preparing(_)) = (wanted, &app.settings, &look.runtime) {
        plan.effects.push(Effect::Prepare(settings.release.clone()));
    }
}

fn effect_on(id: &WorkerId, worker: &Worker, look: &Look) -> Option<Effect> {
    match (worker.is_live(), look.workers.get(id)) {
        (true, Some(Seen::Exited(exit))) => Some(Effect::Collect(id.clone(), Some(exit.clone()))),
        (true, Some(Seen::Gone)) => Some(Effect::Collect(id.clone(), None)),
        (true, Some(Seen::Alive)) => {
            let due = worker.released.as_ref().is_some_and(|release| look.at >= release.kill_after());
            due.then(|| Effect::Kill(id.clone()))
        }
        (true, None) => effect_on_unseen(id, worker, look),
        (false, Some(Seen::Alive)) => {
            let ended = worker.ended.as_ref().map_or(look.at, |ended| ended.at);
            (look.at >= ended.plus(LINGER)).then(|| Effect::Kill(id.clone()))
        }
        (false, Some(_)) => Some(Effect::Forget(id.clone())),
        (false, None) => None,
    }
}

/// Milliseconds that a runner may live on after its end was committed.
const LINGER: i64 = MINUTE / 6;

/// Before its hello a worker is launched; after it, an unseen worker is dead and is never launched again.
fn effect_on_unseen(id: &WorkerId, worker: &Worker, look: &Look) -> Option<Effect> {
    match &worker.greeted {
        None if worker.released.is_none() => Some(Effect::Launch(id.clone())),
        Some(greeted) if greeted.at < look.at => Some(Effect::Collect(id.clone(), None)),
        _ => None,
    }
}

/// Workers that have left the state: their folders go. A live one has said its last word: it is killed if it lingers
/// after its run's end.
fn forget_strangers(app: &Application, look: &Look, plan: &mut Plan) {
    for (id, seen) in look.workers.iter().filter(|(id, _)| !app.workers.contains_key(*id)) {
        match seen {
            Seen::Alive if lingers(app, id, look.at) => plan.effects.push(Effect::Kill(id.clone())),
            Seen::Alive => {}
            _ => plan.effects.push(Effect::Forget(id.clone())),
        }
    }
}

/// Its run is over or gone, or at a later attempt, and it had time to leave.
fn lingers(app: &Application, id: &WorkerId, at: Millis) -> bool {
    let Some((run, number)) = id.run_and_attempt() else { return true };
    let Some(run) = app.runs.get(&run) else { return true };
    let attempt = run.attempts.iter().find(|attempt| attempt.number == number && attempt.outcome.is_some());
    let over = run.ended.or_else(|| attempt?.ended);
    over.is_some_and(|over| at >= over.plus(LINGER))
}

fn archive(app: &Application, plan: &mut Plan) {
    plan.effects.extend(app.runs.settled().iter().cloned().map(Effect::Archive));
}

fn waits(app: &Application, look: &Look) -> Waits {
    let progress = match &look.runtime {
        Runtime::Preparing(progress) => Some(progress.clone()),
        _ => None,
    };
    if app.state != ApplicationState::Started || progress.is_some() {
        return Waits { application: Some((app.state, progress.unwrap_or_default())), first: None };
    }
    let first = || {
        let id = app.next_for_a_driver(None)?;
        let obstacle = admission::driver(app, &app.runs.get(id)?.request.needs, &look.room).err()?;
        Some((id.clone(), obstacle))
    };
    Waits { application: None, first: first() }
}

fn wake_at(app: &Application) -> Option<Millis> {
    let begun = app.runs.begun().iter().filter_map(|id| app.runs.get(id));
    let undecided = begun.filter(|run| run.stop.is_none() && run.outcome.is_none());
    let deadlines = undecided.filter_map(|run| run.deadline());
    let workers = app.workers.values().filter(|worker| worker.is_live());
    let kills = workers.filter_map(|worker| worker.released.as_ref().map(|release| release.kill_after()));
    let settings = app.settings.as_ref();
    let idle = app.idle_since.zip(settings.and_then(|settings| settings.auto_stop));
    let idle = idle.map(|(since, limit)| since.plus(limit));
    let first_queued = app.runs.queued().get_min().and_then(|id| app.runs.get(id)?.queued);
    let queue = first_queued.zip(settings.and_then(|settings| settings.scheduler()));
    let queue = queue.map(|(since, scheduler)| since.plus(scheduler.queue_timeout));
    deadlines.chain(kills).chain(idle).chain(queue).min()
}
