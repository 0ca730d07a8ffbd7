//! Commands of an application's owner. Rules by state: facts page §1.2 (user guide and observed texts).

use super::{Draft, job_run, progress};
use crate::application::{Application, ApplicationState, Identity, Patch, Settings};
use crate::command::Command;
use crate::event::Event;
use crate::id::JobRunId;
use crate::refusal::Refusal;
use serde_json::Value;
use std::collections::BTreeMap;

use ApplicationState::{Created, Started, Starting, Stopped, Stopping, Terminated};

/// Settings that may change while the application is started, as the API names them.
const CHANGEABLE_WHILE_STARTED: [&str; 2] = ["extendedSupportConfiguration", "maximumCapacity"];

pub(super) fn create(
    app: &Application,
    identity: &Identity,
    settings: &Settings,
    tags: &BTreeMap<String, String>,
) -> Vec<Event> {
    if app.identity.is_some() {
        return Vec::new();
    }
    let (identity, settings, tags) = (identity.clone(), settings.clone(), tags.clone());
    vec![Event::ApplicationCreated { identity, settings, tags }]
}

pub(super) fn update(draft: &mut Draft, patch: &Patch) -> Result<(), Refusal> {
    let Some(settings) = &draft.app.settings else { return Err(Refusal::NoApplication) };
    let mut after = (**settings).clone();
    after.take(patch);
    if after == **settings {
        return Ok(());
    }
    match draft.app.state {
        Created | Stopped => {}
        Started => {
            let fixed = fixed_changes(settings, &after);
            if !fixed.is_empty() {
                return Err(Refusal::FixedWhileStarted(fixed));
            }
        }
        state => return Err(Refusal::WrongState { state, allowed: &[Created, Stopped] }),
    }
    let at = draft.now;
    draft.emit(Event::ApplicationUpdated { patch: patch.clone(), at });
    Ok(())
}

/// Members that differ and may not while the application is started. Values sent again unchanged are accepted.
fn fixed_changes(before: &Settings, after: &Settings) -> Vec<String> {
    let mut fixed: Vec<String> = Vec::new();
    let typed = [
        ("releaseLabel", before.release != after.release),
        ("autoStartConfiguration", before.auto_start != after.auto_start),
        ("autoStopConfiguration", before.auto_stop != after.auto_stop),
    ];
    fixed.extend(typed.iter().filter(|(_, changed)| *changed).map(|(name, _)| (*name).to_owned()));
    let names: std::collections::BTreeSet<&String> = before.echo.keys().chain(after.echo.keys()).collect();
    for name in names.into_iter().filter(|name| before.echo.get(*name) != after.echo.get(*name)) {
        if !changeable(name, before, after) && !fixed.contains(name) {
            fixed.push(name.clone());
        }
    }
    fixed
}

fn changeable(name: &str, before: &Settings, after: &Settings) -> bool {
    let other_than = |settings: &Settings, member: &str| {
        let mut value = settings.echo.get(name).cloned().unwrap_or_default();
        value.as_object_mut().map(|object| object.remove(member));
        value
    };
    match name {
        "schedulerConfiguration" => {
            other_than(before, "maxConcurrentRuns") == other_than(after, "maxConcurrentRuns")
        }
        "imageConfiguration" | "workerTypeSpecifications" => !keeps_its_image(before),
        name => CHANGEABLE_WHILE_STARTED.contains(&name),
    }
}

/// Workers that stand ready have their image already.
fn keeps_its_image(settings: &Settings) -> bool {
    settings.echo.get("initialCapacity").and_then(Value::as_object).is_some_and(|pools| !pools.is_empty())
}

pub(super) fn start(draft: &mut Draft) -> Result<(), Refusal> {
    match draft.app.state {
        Starting | Started => Ok(()),
        Created | Stopped => {
            progress::move_application(draft, Starting, "User initiated.");
            Ok(())
        }
        state => Err(Refusal::WrongState { state, allowed: &[Created, Stopped] }),
    }
}

/// Runs that are QUEUED, or were and have had no driver yet, hold nothing and are cancelled: a forced stop of an
/// orchestrator cancels what runs and does not see them. Any other run must have ended before.
pub(super) fn stop(draft: &mut Draft) -> Result<(), Refusal> {
    let state = draft.app.state;
    if !matches!(state, Created | Starting | Started) {
        return Err(Refusal::WrongState { state, allowed: &[Starting, Started] });
    }
    let runs = &draft.app.runs;
    let was_queued =
        |id: &&JobRunId| runs.get(*id).is_some_and(|run| run.queued.is_some() && run.attempts.is_empty());
    let held: Vec<JobRunId> =
        runs.queued().iter().chain(runs.pending().iter().filter(was_queued)).cloned().collect();
    let active = runs.active() - held.len();
    if active > 0 {
        return Err(Refusal::ActiveRuns(active));
    }
    for run in &held {
        job_run::cancel(draft, run, 0)?;
    }
    progress::move_application(draft, Stopping, "User initiated.");
    Ok(())
}

pub(super) fn delete(draft: &mut Draft) -> Result<(), Refusal> {
    let state = draft.app.state;
    if !matches!(state, Created | Stopped) {
        return Err(Refusal::WrongState { state, allowed: &[Created, Stopped] });
    }
    if !draft.app.runs.is_empty() {
        return Err(Refusal::Settling(draft.app.runs.len()));
    }
    progress::move_application(draft, Terminated, "");
    Ok(())
}

/// What a deleted application answers: it is still shown, so its owner is told its state; nothing changes any more.
pub(super) fn after_its_end(app: &Application, command: &Command) -> Result<Vec<Event>, Refusal> {
    let state = app.state;
    match command {
        _ if app.identity.is_none() => Err(Refusal::NoApplication),
        Command::Delete => Ok(Vec::new()),
        Command::Start | Command::Update(_) => {
            Err(Refusal::WrongState { state, allowed: &[Created, Stopped] })
        }
        Command::Stop => Err(Refusal::WrongState { state, allowed: &[Starting, Started] }),
        Command::StartJobRun { .. } => Err(Refusal::NotStarted(state)),
        _ => Err(Refusal::NoApplication),
    }
}

pub(super) fn tag(
    draft: &mut Draft,
    run: Option<&JobRunId>,
    tags: &BTreeMap<String, String>,
    looked_at: Option<&BTreeMap<String, String>>,
    moves: u64,
) -> Result<(), Refusal> {
    // Tags that the state does not say may have been changed and have left it again meanwhile.
    let moved = looked_at.is_none() && draft.app.history.tag_moves != moves;
    if moved || draft.app.tags_of(run) != looked_at {
        return Err(Refusal::LookAgain);
    }
    draft.emit(Event::Tagged { run: run.cloned(), tags: tags.clone() });
    Ok(())
}
