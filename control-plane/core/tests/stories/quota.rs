//! What is divided between applications: two journals that are never changed together, read as late as you like, left
//! alone between any two steps.

use crate::stage::{exit, run, start, wanted};
use firesteel_core::admission;
use firesteel_core::application::{Application, Identity, Settings};
use firesteel_core::command::{Command, Room, Runtime, Tick, Wanted};
use firesteel_core::decide::decide;
use firesteel_core::event::Event;
use firesteel_core::id::{ApplicationId, HostId, Mark, WorkerId};
use firesteel_core::quota::{self, Amounts, Limit, Raise, Step};
use firesteel_core::refusal::Refusal;
use firesteel_core::registry::{Registered, Registry, RegistryCommand, RegistryEvent};
use firesteel_core::release::ReleaseLabel;
use firesteel_core::time::Millis;
use proptest::prelude::*;
use std::collections::BTreeMap;

const LIMIT: Limit = Limit { cpu: 6, heap_mib: 5 * 1024 };

/// A registry, applications, and all that they ever were: who acts may have looked long ago.
struct Installation {
    registry: Vec<Registry>,
    applications: Vec<Vec<Application>>,
    now: Millis,
}

fn name(application: usize) -> ApplicationId {
    ApplicationId::new(format!("app{application}"))
}

fn host(number: usize) -> HostId {
    HostId::new(format!("host{number}"))
}

fn ago<T: Clone>(past: &[T], age: usize) -> T {
    past[past.len().saturating_sub(1 + age)].clone()
}

impl Installation {
    fn of(applications: usize) -> Self {
        let mut new =
            Self { registry: vec![Registry::default()], applications: Vec::new(), now: Millis(1_000) };
        for application in 0..applications {
            let identity = Identity {
                id: name(application),
                name: None,
                architecture: "X86_64".to_owned(),
                created: new.now,
            };
            let settings = Settings {
                release: ReleaseLabel::new("emr-7.13.0"),
                maximum_capacity: None,
                auto_start: true,
                auto_stop: None,
                echo: serde_json::Map::new(),
            };
            let (token, tags) = (format!("create-{application}"), BTreeMap::new());
            let registered = Registered {
                identity: identity.clone(),
                settings: settings.clone(),
                tags: tags.clone(),
                token,
                content: String::new(),
                deleted: None,
            };
            new.register(RegistryCommand::Register(Box::new(registered))).expect("registered");
            new.applications.push(vec![Application::default()]);
            new.command(application, Command::Create { identity, settings, tags }).expect("created");
            new.tick(application, new.room(application, 0, 0));
        }
        new
    }

    fn registry(&self) -> &Registry {
        self.registry.last().expect("one")
    }

    fn application(&self, application: usize) -> &Application {
        self.applications[application].last().expect("one")
    }

    fn register(&mut self, command: RegistryCommand) -> Result<Vec<RegistryEvent>, Refusal> {
        let mut registry = self.registry().clone();
        let events = registry.decide(&command, self.now)?;
        events.iter().for_each(|event| registry.apply(event));
        self.registry.push(registry);
        Ok(events)
    }

    fn command(&mut self, application: usize, command: Command) -> Result<Vec<Event>, Refusal> {
        self.now = self.now.plus(10);
        let mut app = self.application(application).clone();
        let events = decide(&app, &command, self.now)?;
        events.iter().for_each(|event| app.apply(event));
        self.applications[application].push(app);
        Ok(events)
    }

    /// The room as a control plane on `on` sees it that has read the registry `age` changes ago.
    fn room(&self, application: usize, on: usize, age: usize) -> Room {
        let division = ago(&self.registry, age).division;
        let left = division.left_to(&name(application), &host(on), LIMIT);
        Room {
            host: host(on),
            quota_cpu: left.cpu,
            heap_mib: left.heap_mib,
            heap_share_mib: 2 * 1024,
            granted: Some(division.granted_to(&name(application))),
            gives_back: division.must_yield(&name(application)),
        }
    }

    fn tick(&mut self, application: usize, room: Room) {
        self.command(application, Command::Tick(Tick { room, runtime: Runtime::Ready })).expect("ticked");
    }

    fn raise(&mut self, application: usize, on: usize, steps: Vec<Step>, queues: bool) -> Vec<RegistryEvent> {
        let (application, host) = (name(application), host(on));
        self.register(RegistryCommand::Raise(Raise { application, host, limit: LIMIT, steps, queues }))
            .expect("raised")
    }

    /// What somebody brings to the registry who has looked at the application `age` changes ago.
    fn lower(&mut self, application: usize, age: usize) -> Result<Vec<RegistryEvent>, Refusal> {
        let held = ago(&self.applications[application], age).grant;
        let (application, seen) = (name(application), held.seen);
        self.register(RegistryCommand::Lower { application, seen, held: held.amounts })
    }

    /// A whole tick, as the engine does it, on this host and with what is new.
    fn whole_tick(&mut self, application: usize, on: usize) {
        self.tick(application, self.room(application, on, 0));
        let steps = quota::for_drivers(self.application(application), &self.room(application, on, 0));
        self.raise(application, on, steps, true);
        self.tick(application, self.room(application, on, 0));
        // Refused while there is something to take: the next tick takes it.
        let _ = self.lower(application, 0);
    }

    fn submit(&mut self, application: usize, id: &str) {
        // A second one with this name is a repeat.
        let _ = self.command(application, start(run(id)));
    }

    /// The first live driver says hello, if it has not, and wants so many executors.
    fn want(&mut self, application: usize, executors: usize, room: Room) {
        let Some(worker) = self.live_drivers(application).into_iter().next() else { return };
        let mark = Mark::new("m");
        let hello = Command::Hello {
            worker: worker.clone(),
            mark: mark.clone(),
            address: String::new(),
            ui_port: None,
        };
        self.command(application, hello).expect("hello");
        let executors = (1..=executors).map(|uid| wanted(&format!("u{uid}"))).collect();
        let wanted = Wanted { version: 1, executors };
        let started = Some(self.now);
        let command = Command::Report { worker, mark, started, wanted: Some(wanted), room };
        self.command(application, command).expect("heard");
    }

    fn live_drivers(&self, application: usize) -> Vec<WorkerId> {
        let workers = self.application(application).workers.iter();
        workers
            .filter(|(_, worker)| worker.is_live() && worker.is_driver())
            .map(|(id, _)| id.clone())
            .collect()
    }

    fn lose(&mut self, application: usize, worker: &WorkerId) {
        let exit = exit(self.now, 1);
        self.command(application, Command::Lost { worker: worker.clone(), exit }).expect("lost");
    }

    fn check(&self) {
        let mut cpu = 0;
        let mut heap = [0, 0];
        for application in 0..self.applications.len() {
            let app = self.application(application);
            let held = &app.grant.amounts;
            let used = admission::in_use(app).cpu;
            assert!(used <= held.cpu, "{application} uses {used} vCPU of {held:?}");
            assert!(quota::live(app).within(held), "{application}: {:?} of {held:?}", quota::live(app));
            let granted = self.registry().division.granted_to(&name(application));
            assert!(held.within(&granted.amounts), "{application} holds {held:?} of {granted:?}");
            cpu += used;
            for (on, heap) in heap.iter_mut().enumerate() {
                *heap += admission::heap_in_use(app, &self.room(application, on, 0));
            }
        }
        assert!(cpu <= LIMIT.cpu, "{cpu} vCPU");
        assert!(heap.iter().all(|heap| *heap <= LIMIT.heap_mib), "{heap:?} MiB");
    }

    fn waits(&self, application: usize) -> bool {
        self.application(application).runs.any_waits()
    }
}

#[test]
fn the_second_application_waits_and_is_served_when_the_first_gives_back() {
    let mut all = Installation::of(2);
    for id in ["r1", "r2", "r3"] {
        all.submit(0, id);
    }
    all.submit(1, "s1");
    all.whole_tick(0, 0);
    all.whole_tick(1, 1);
    assert_eq!(
        (all.live_drivers(0).len(), all.live_drivers(1).len()),
        (2, 1),
        "heap of one host is 2.5 runs"
    );
    all.whole_tick(0, 1);
    all.submit(1, "s2");
    all.whole_tick(1, 1);
    assert!(all.waits(0) && all.waits(1), "no vCPU is left");
    let ended = all.live_drivers(1).remove(0);
    all.lose(1, &ended);
    all.whole_tick(1, 1);
    assert!(all.waits(1), "what it does not use is for the one that came before");
    all.whole_tick(0, 1);
    assert!(!all.waits(0));
    all.check();
}

#[test]
fn what_was_granted_before_a_lowering_is_never_taken() {
    let mut all = Installation::of(1);
    all.raise(0, 0, vec![Step { cpu: 4, heap_mib: 0 }], true);
    let late = all.room(0, 0, 0);
    all.tick(0, late.clone());
    all.tick(0, Room { gives_back: true, ..late.clone() });
    assert_eq!(all.application(0).grant.amounts, Amounts::default());
    all.lower(0, 0).expect("lowered");
    all.tick(0, late);
    assert_eq!(all.application(0).grant.amounts, Amounts::default());
    all.check();
}

#[test]
fn the_registry_lowers_nothing_that_was_raised_since_the_application_looked() {
    let mut all = Installation::of(1);
    all.raise(0, 0, vec![Step { cpu: 2, heap_mib: 0 }], true);
    all.raise(0, 0, vec![Step { cpu: 4, heap_mib: 0 }], true);
    let looked_once = all.room(0, 0, 1);
    all.tick(0, looked_once);
    assert_eq!(all.lower(0, 0), Err(Refusal::LookAgain));
    all.tick(0, all.room(0, 0, 0));
    assert_eq!(all.application(0).grant.amounts.cpu, 4);
}

#[test]
fn a_crash_between_the_steps_of_a_lowering_is_repaired() {
    let mut all = Installation::of(2);
    all.raise(0, 0, vec![Step { cpu: 6, heap_mib: 0 }], true);
    all.tick(0, Room { gives_back: true, ..all.room(0, 0, 0) });
    assert_eq!(all.application(0).grant.amounts.cpu, 0);
    all.submit(1, "s1");
    all.whole_tick(1, 0);
    assert!(all.waits(1), "the registry does not know yet");
    all.whole_tick(0, 0);
    all.whole_tick(1, 0);
    assert!(!all.waits(1));
    all.check();
}

#[test]
fn as_many_steps_are_granted_as_there_is_room_for() {
    let mut all = Installation::of(1);
    let steps = [2, 4, 6, 8].map(|cpu| Step { cpu, heap_mib: 0 }).to_vec();
    let events = all.raise(0, 0, steps, true);
    let raised = RegistryEvent::GrantRaised {
        application: name(0),
        amounts: Amounts { cpu: 6, ..Amounts::default() },
        version: 1,
    };
    assert_eq!(events, [raised], "8 vCPU can never be had: nobody else waits for that");
}

#[test]
fn who_was_served_waits_behind_those_that_came_meanwhile() {
    let mut all = Installation::of(3);
    let step = |cpu| vec![Step { cpu, heap_mib: 0 }];
    all.raise(0, 0, step(6), true);
    all.raise(1, 0, step(2), true);
    all.raise(2, 0, step(2), true);
    let division = &all.registry().division;
    assert!(division.must_yield(&name(0)) && division.must_yield(&name(2)) && !division.must_yield(&name(1)));
    assert_eq!(all.raise(2, 0, step(2), true), [], "it stays where it is");
    all.raise(1, 0, Vec::new(), true);
    assert!(!all.registry().division.must_yield(&name(2)), "the first does not wait any more");
}

#[test]
fn a_deleted_application_leaves_everything_to_others() {
    let mut all = Installation::of(2);
    all.raise(0, 0, vec![Step { cpu: 6, heap_mib: 0 }], true);
    all.register(RegistryCommand::Deleted(name(0))).expect("deleted");
    let limit = all.registry().division.left_to(&name(1), &host(0), LIMIT);
    assert_eq!(limit, LIMIT);
    let (application, host) = (name(0), host(0));
    let late = Raise { application, host, limit: LIMIT, steps: Vec::new(), queues: true };
    assert_eq!(all.register(RegistryCommand::Raise(late)), Err(Refusal::NoApplication));
}

#[test]
fn what_lived_before_there_were_grants_is_covered_and_counts() {
    let mut all = Installation::of(2);
    all.submit(0, "r1");
    all.whole_tick(0, 0);
    let mut before = all.application(0).clone();
    before.grant = Default::default();
    let mut old = Installation::of(2);
    old.applications[0].push(before);
    let live = quota::live(old.application(0));
    old.register(RegistryCommand::Cover(name(0), live.clone())).expect("covered");
    old.tick(0, old.room(0, 0, 0));
    assert_eq!(old.application(0).grant.amounts, live);
    assert_eq!(old.registry().division.left_to(&name(1), &host(0), LIMIT).cpu, 5);
}

#[derive(Clone, Debug)]
enum Move {
    Submit(usize, u8),
    Tick { application: usize, on: usize, age: usize, idle: bool },
    RaiseForDrivers { application: usize, on: usize, age: usize },
    RaiseForExecutors { application: usize, on: usize, count: usize },
    Want { application: usize, on: usize, age: usize, count: usize },
    Lower { application: usize, age: usize },
    Lose { application: usize, which: usize },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let (app, on, age, count) = (0usize..3, 0usize..2, prop_oneof![Just(0), 0usize..12], 1usize..4);
    let at = (app.clone(), on, age.clone());
    let step = prop_oneof![
        2 => (app.clone(), 0u8..6).prop_map(|(app, id)| Move::Submit(app, id)),
        4 => (at.clone(), any::<bool>())
            .prop_map(|((application, on, age), idle)| Move::Tick { application, on, age, idle }),
        3 => at.clone().prop_map(|(application, on, age)| Move::RaiseForDrivers { application, on, age }),
        2 => (at.clone(), count.clone())
            .prop_map(|((application, on, _), count)| Move::RaiseForExecutors { application, on, count }),
        2 => (at, count)
            .prop_map(|((application, on, age), count)| Move::Want { application, on, age, count }),
        3 => (app.clone(), age).prop_map(|(application, age)| Move::Lower { application, age }),
        1 => (app, 0usize..4).prop_map(|(application, which)| Move::Lose { application, which }),
    ];
    proptest::collection::vec(step, 1..100)
}

fn make(all: &mut Installation, step: &Move) {
    match *step {
        Move::Submit(application, id) => all.submit(application, &format!("r{id}")),
        Move::Tick { application, on, age, idle } => {
            let room = all.room(application, on, age);
            all.tick(application, Room { gives_back: room.gives_back || idle, ..room });
        }
        Move::RaiseForDrivers { application, on, age } => {
            let looked_at = ago(&all.applications[application], age);
            let steps = quota::for_drivers(&looked_at, &all.room(application, on, 0));
            all.raise(application, on, steps, true);
        }
        Move::RaiseForExecutors { application, on, count } => {
            let used = admission::in_use(all.application(application)).cpu;
            let step = |n| Step { cpu: used + n as u32, heap_mib: 1_024 * (u64::from(used) + n as u64) };
            all.raise(application, on, (1..=count).map(step).collect(), false);
        }
        Move::Want { application, on, age, count } => {
            let room = all.room(application, on, age);
            all.want(application, count, room);
        }
        Move::Lower { application, age } => drop(all.lower(application, age)),
        Move::Lose { application, which } => {
            if let Some(worker) = all.live_drivers(application).get(which) {
                all.lose(application, &worker.clone());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whoever acts on whatever he has read, however long ago, and stops between any two steps.
    #[test]
    fn nobody_uses_more_than_there_is_and_everybody_is_served(moves in moves()) {
        let mut all = Installation::of(3);
        for step in &moves {
            make(&mut all, step);
            all.check();
        }
        // From here on everybody looks and acts in turn; every driver comes to its end.
        for round in 0..40 {
            for application in 0..3 {
                all.whole_tick(application, round % 2);
                all.check();
            }
            for application in 0..3 {
                for worker in all.live_drivers(application) {
                    all.lose(application, &worker);
                }
            }
            if !(0..3).any(|application| all.waits(application)) {
                break;
            }
        }
        for application in 0..3 {
            prop_assert!(!all.waits(application), "{application} waits for ever: {:?}", all.registry().division);
        }
    }
}
