//! What must be done in the world, derived afresh from committed state and what is seen. Nothing is remembered:
//! a crash between commit and act is repaired by the next tick.

use crate::admission::{self, Obstacle};
use crate::application::{Application, ApplicationState};
use crate::command::{Room, Runtime};
use crate::exit::Exit;
use crate::id::{JobRunId, WorkerId};
use crate::job_run::JobRunState;
use crate::release::ReleaseLabel;
use crate::time::{MINUTE, Millis};
use crate::worker::Worker;
use std::collections::BTreeMap;
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
    /// For runs that came before.
    Behind(usize),
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
            Self::Behind(1) => f.write_str("The JobRun is pending scheduling behind 1 run."),
            Self::Behind(runs) => write!(f, "The JobRun is pending scheduling behind {runs} runs."),
            Self::Room(obstacle) => write!(f, "The JobRun is pending scheduling: it {obstacle}."),
        }
    }
}

/// The plan of one tick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What to do.
    pub effects: Vec<Effect>,
    /// Why nothing happens to these runs.
    pub waiting: BTreeMap<JobRunId, Waiting>,
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
    plan.waiting = waiting(app, look);
    plan.wake_at = wake_at(app);
    plan
}

fn prepare(app: &Application, look: &Look, plan: &mut Plan) {
    let wanted = app.state == ApplicationState::Starting || app.runs.values().any(|run| run.wants_driver());
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

fn lingers(app: &Application, id: &WorkerId, at: Millis) -> bool {
    let run = id.as_str().split('-').next().map(JobRunId::new).and_then(|run| app.runs.get(&run));
    run.is_none_or(|run| run.ended.is_some_and(|ended| at >= ended.plus(LINGER)))
}

fn archive(app: &Application, plan: &mut Plan) {
    let settled = app.runs.iter().filter(|(_, run)| run.state.is_terminal());
    plan.effects.extend(settled.map(|(id, _)| Effect::Archive(id.clone())));
}

fn waiting(app: &Application, look: &Look) -> BTreeMap<JobRunId, Waiting> {
    let waiting = app.runs.iter().filter(|(_, run)| run.wants_driver() && run.state != JobRunState::Queued);
    let progress = match &look.runtime {
        Runtime::Preparing(progress) => progress.clone(),
        _ => String::new(),
    };
    let reason = |(place, (id, run)): (usize, (&JobRunId, &std::sync::Arc<crate::job_run::JobRun>))| {
        let prepared = !matches!(look.runtime, Runtime::Preparing(_));
        let reason = if app.state != ApplicationState::Started || !prepared {
            Waiting::Application(app.state, progress.clone())
        } else if place > 0 {
            Waiting::Behind(place)
        } else {
            Waiting::Room(admission::driver(app, &run.request.needs, &look.room).err()?)
        };
        Some((id.clone(), reason))
    };
    waiting.enumerate().filter_map(reason).collect()
}

fn wake_at(app: &Application) -> Option<Millis> {
    let runs = app.runs.values().filter(|run| !run.state.is_terminal() && run.stop.is_none());
    let deadlines = runs.filter_map(|run| run.deadline());
    let workers = app.workers.values().filter(|worker| worker.is_live());
    let kills = workers.filter_map(|worker| worker.released.as_ref().map(|release| release.kill_after()));
    let auto_stop = app.settings.as_ref().and_then(|settings| settings.auto_stop);
    let idle = app.idle_since.zip(auto_stop).map(|(since, limit)| since.plus(limit));
    deadlines.chain(kills).chain(idle).min()
}
