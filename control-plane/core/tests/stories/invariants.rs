//! Random stories: whatever happens in whatever order, the invariants hold after each step.

use crate::stage::{SMALL, Stage, exit, run, start, wanted};
use firesteel_core::command::{Command, Wanted};
use firesteel_core::id::{JobRunId, Mark, WorkerId};
use firesteel_core::job_run::{JobRunState, Retry};
use firesteel_core::size::Size;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// vCPU of the application.
const LIMIT: u32 = 5;
/// Runs that it lets go at once.
const AT_ONCE: usize = 2;

#[derive(Clone, Debug)]
enum Step {
    Submit(u8),
    Cancel(u8),
    Tick(u16),
    Hello(u8, u8, u8),
    Want(u8, u64),
    End(u8, u8, u8, i32),
    Lost(u8, u8),
    Archive(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Mostly the runs that are tried again, their drivers, and one process: else most steps would be refused.
    let run = prop_oneof![3 => 0u8..2, 1 => 2u8..4];
    let uid = prop_oneof![3 => Just(0u8), 2 => 1u8..5];
    let mark = prop_oneof![6 => Just(0u8), 1 => 1u8..3];
    let step = prop_oneof![
        4 => run.clone().prop_map(Step::Submit),
        1 => run.clone().prop_map(Step::Cancel),
        3 => (0u16..60_000).prop_map(Step::Tick),
        5 => (0u16..100).prop_map(Step::Tick),
        9 => (run.clone(), uid.clone(), mark.clone()).prop_map(|(r, u, m)| Step::Hello(r, u, m)),
        5 => (run.clone(), 1u64..6).prop_map(|(r, v)| Step::Want(r, v)),
        4 => (run.clone(), uid.clone(), mark, -1i32..3).prop_map(|(r, u, m, c)| Step::End(r, u, m, c)),
        1 => (run.clone(), uid).prop_map(|(r, u)| Step::Lost(r, u)),
        1 => run.prop_map(Step::Archive),
    ];
    proptest::collection::vec(step, 1..120)
}

/// A worker of the run's newest attempt; uid 0 is the driver.
fn worker(stage: &Stage, run: u8, uid: u8) -> WorkerId {
    let run = JobRunId::new(format!("r{run}"));
    let attempt = stage.app.runs.get(&run).map_or(1, |run| run.attempts.len().max(1) as u32);
    match uid {
        0 => WorkerId::driver(&run, attempt),
        uid => WorkerId::executor(&run, attempt, &format!("u{uid}")),
    }
}

/// An application that lets few runs go at once.
fn stage() -> Stage {
    let mut stage = Stage::cpu_limit(LIMIT);
    let scheduler = serde_json::json!({ "maxConcurrentRuns": AT_ONCE, "queueTimeoutMinutes": 15 });
    stage.set("schedulerConfiguration", scheduler).expect("not started yet");
    stage
}

/// The first run is tried three times, the second streams, the others have one attempt.
fn submission(number: u8) -> firesteel_core::job_run::NewRun {
    let mut run = run(&format!("r{number}"));
    run.retry = match number {
        0 => Retry::Attempts(3),
        1 => Retry::FailuresPerHour(3),
        _ => Retry::default(),
    };
    run
}

fn command(stage: &Stage, step: &Step) -> Command {
    let id = |run: &u8| JobRunId::new(format!("r{run}"));
    match step {
        Step::Submit(r) => match start(submission(*r)) {
            Command::StartJobRun { run, .. } => Command::StartJobRun { run, looked_at: stage.app.removals },
            other => other,
        },
        Step::Cancel(r) => Command::CancelJobRun { run: id(r), grace: 0 },
        Step::Tick(_) => Command::Tick(firesteel_core::command::Tick {
            room: stage.room.clone(),
            runtime: stage.runtime.clone(),
        }),
        Step::Hello(r, u, m) => Command::Hello {
            worker: worker(stage, *r, *u),
            mark: Mark::new(format!("m{m}")),
            address: String::new(),
            ui_port: None,
        },
        Step::Want(r, version) => {
            // A pod comes with one version and goes two later; its uid never comes again.
            let uids = version.saturating_sub(2).max(1)..=*version;
            let executors = uids.map(|u| wanted(&format!("u{u}"))).collect();
            let mark = stage.app.workers.get(&worker(stage, *r, 0)).and_then(|w| w.greeted.clone());
            Command::Report {
                worker: worker(stage, *r, 0),
                mark: mark.map_or_else(|| Mark::new("none"), |greeted| greeted.mark),
                started: Some(stage.now),
                wanted: Some(Wanted { version: *version, executors }),
                room: stage.room.clone(),
            }
        }
        Step::End(r, u, m, code) => Command::End {
            worker: worker(stage, *r, *u),
            mark: Mark::new(format!("m{m}")),
            fence: stage.app.workers.get(&worker(stage, *r, *u)).map_or(1, |w| w.fence),
            exit: exit(stage.now, *code),
        },
        Step::Lost(r, u) => Command::Lost { worker: worker(stage, *r, *u), exit: exit(stage.now, 1010) },
        Step::Archive(r) => Command::Archived(vec![id(r)]),
    }
}

/// What must never be seen, between one state and the next.
fn check(before: &Stage, after: &Stage, seen: &mut BTreeMap<WorkerId, Mark>) {
    for (id, run) in &after.app.runs {
        if let Some(old) = before.app.runs.get(id) {
            assert!(!old.state.is_terminal() || old.state == run.state, "{id} left a terminal state");
        }
        let live = |role: bool| {
            after.app.workers_of(id).filter(|(_, w)| w.is_live() && w.is_driver() == role).count()
        };
        assert!(live(true) <= 1, "{id} has two live drivers");
        let attempts: BTreeSet<u32> =
            after.app.workers_of(id).filter(|(_, w)| w.is_live()).map(|(_, w)| w.attempt).collect();
        assert!(attempts.len() <= 1, "{id} has live workers of attempts {attempts:?}");
        let most = match run.request.retry {
            Retry::Attempts(most) => most as usize,
            Retry::FailuresPerHour(_) => usize::MAX,
        };
        assert!(run.attempts.len() <= most, "{id} was tried too often");
        assert!(!run.state.is_terminal() || live(true) + live(false) == 0, "{id} ended before its workers");
        if run.state == JobRunState::Success {
            assert!(run.started().is_some() || run.attempts.iter().all(|a| a.ended.is_some()));
        }
    }
    let going = |run: &&std::sync::Arc<firesteel_core::job_run::JobRun>| {
        !run.state.is_terminal() && !matches!(run.state, JobRunState::Submitted | JobRunState::Queued)
    };
    assert!(after.app.runs.values().filter(going).count() <= AT_ONCE, "too many runs go at once");
    let used: Size = after.app.workers.values().filter(|w| w.is_live()).map(|w| w.size).sum();
    assert!(used.cpu <= LIMIT, "{used:?} is over the limit");
    for (id, worker) in &after.app.workers {
        assert_eq!(worker.size, SMALL);
        if let Some(greeted) = &worker.greeted {
            let mark = seen.entry(id.clone()).or_insert_with(|| greeted.mark.clone());
            assert_eq!(*mark, greeted.mark, "{id} changed its process");
        }
        assert!(worker.started.is_none() || worker.greeted.is_some(), "{id} started before its hello");
        let old = before.app.workers.get(id);
        assert!(old.is_none_or(|old| old.ended.is_none() || worker.ended.is_some()), "{id} came back");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn hold_in_every_story(steps in steps()) {
        let mut stage = stage();
        let mut seen = BTreeMap::new();
        let mut forgotten: Vec<WorkerId> = Vec::new();
        let mut archived: BTreeSet<JobRunId> = BTreeSet::new();
        for step in &steps {
            // An id is minted once: a run that has left never comes again.
            if matches!(step, Step::Submit(r) if archived.contains(&JobRunId::new(format!("r{r}")))) {
                continue;
            }
            let before = Stage { app: stage.app.clone(), now: stage.now, room: stage.room.clone(), runtime: stage.runtime.clone(), lost: Default::default() };
            if let Step::Tick(milliseconds) = step {
                stage.now = stage.now.plus(i64::from(*milliseconds));
            }
            let next = command(&stage, step);
            // A refusal changes nothing.
            let refused = stage.try_to(next).is_err();
            prop_assert!(!refused || stage.app == before.app);
            check(&before, &stage, &mut seen);
            forgotten.extend(before.app.workers.keys().filter(|id| !stage.app.workers.contains_key(*id)).cloned());
            let again = forgotten.iter().find(|id| stage.app.workers.contains_key(*id));
            prop_assert!(again.is_none(), "{again:?} was launched again");
            archived.extend(before.app.runs.keys().filter(|id| !stage.app.runs.contains_key(*id)).cloned());
        }
    }

    #[test]
    fn the_fold_of_the_events_is_the_state(steps in steps()) {
        let mut stage = stage();
        let mut events = Vec::new();
        let first = stage.app.clone();
        for step in &steps {
            let next = command(&stage, step);
            events.extend(stage.try_to(next).unwrap_or_default());
        }
        let text = serde_json::to_string(&events).expect("events are stored");
        let read: Vec<firesteel_core::event::Event> = serde_json::from_str(&text).expect("events are read");
        let mut again = first;
        read.iter().for_each(|event| again.apply(event));
        prop_assert_eq!(&again, &stage.app);
        let checkpoint = serde_json::to_string(&again).expect("checkpoints are stored");
        prop_assert_eq!(&serde_json::from_str::<firesteel_core::application::Application>(&checkpoint).expect("read"), &again);
    }
}
