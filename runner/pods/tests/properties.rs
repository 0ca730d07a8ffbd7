//! Whatever Spark asks and whatever is seen, in any order: what watchers and the platform are promised holds.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use firesteel_pods::{Cluster, EndReason, Exit, Seen, Settings, Watch};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::*;

#[derive(Debug, Clone)]
enum Step {
    Create(u64),
    Delete(u64),
    DeleteAll,
    Label(u64, u64),
    See(u64, usize),
    Tick(u64),
    Follow,
    Reconnect,
}

fn step() -> impl Strategy<Value = Step> {
    let pod = 0..5_u64;
    prop_oneof![
        4 => pod.clone().prop_map(Step::Create),
        2 => pod.clone().prop_map(Step::Delete),
        1 => Just(Step::DeleteAll),
        1 => (pod.clone(), 0..3_u64).prop_map(|(pod, label)| Step::Label(pod, label)),
        8 => (0..40_u64, 0..7_usize).prop_map(|(uid, seen)| Step::See(uid, seen)),
        2 => (0..40_000_u64).prop_map(Step::Tick),
        2 => Just(Step::Follow),
        1 => Just(Step::Reconnect),
    ]
}

/// The cluster, every uid it ever gave, and two watchers: one reads after each step, one now and then.
struct World {
    cluster: Cluster,
    now: u64,
    uids: Vec<String>,
    attentive: Watch,
    lazy: Watch,
    all: Vec<Value>,
    lazily: Vec<Value>,
    last_wanted: (u64, Vec<String>),
}

impl World {
    fn new(log_limit: usize) -> Self {
        let mut settings = Settings::new(3, "3.5.9");
        settings.log_limit = log_limit;
        let mut cluster = Cluster::new(settings);
        let target = format!("{PODS}?watch=true&resourceVersion=1000");
        let (attentive, lazy) = (watch(&mut cluster, &target), watch(&mut cluster, &target));
        let last_wanted = (0, Vec::new());
        Self {
            cluster,
            now: NOW,
            uids: Vec::new(),
            attentive,
            lazy,
            all: Vec::new(),
            lazily: Vec::new(),
            last_wanted,
        }
    }

    fn take(&mut self, step: &Step) {
        let (cluster, now) = (&mut self.cluster, self.now);
        match step {
            Step::Create(n) => {
                let reply = call(cluster, "POST", PODS, &pod(*n), now);
                if reply.status == 201 {
                    self.uids.push(json_of(&reply)["metadata"]["uid"].as_str().unwrap().to_owned());
                }
            }
            Step::Delete(n) => drop(call(cluster, "DELETE", &format!("{PODS}/exec-{n}"), "", now)),
            Step::DeleteAll => {
                drop(call(cluster, "DELETE", &format!("{PODS}?labelSelector=spark-role%3Dexecutor"), "", now))
            }
            Step::Label(n, label) => {
                let patch = json!([{"op": "add", "path": "/metadata/labels/x", "value": label.to_string()}]);
                drop(call(cluster, "PATCH", &format!("{PODS}/exec-{n}"), &patch.to_string(), now));
            }
            Step::See(uid, seen) => {
                let unknown = "unknown".to_owned();
                let uid = self.uids.get(*uid as usize % (self.uids.len() + 1)).unwrap_or(&unknown);
                cluster.observe(&[seen_as(uid, *seen)], now);
            }
            Step::Tick(ms) => {
                self.now += ms;
                cluster.tick(self.now);
            }
            Step::Follow => self.lazily.extend(parsed(&cluster.follow(&mut self.lazy))),
            Step::Reconnect => {
                // Comes back with the last version it saw in an event, as Spark's client does.
                let last = self.lazily.last().map_or(1000, version);
                self.lazy = watch(cluster, &format!("{PODS}?watch=true&resourceVersion={last}"));
            }
        }
        self.all.extend(parsed(&self.cluster.follow(&mut self.attentive)));
    }
}

fn seen_as(uid: &str, kind: usize) -> firesteel_pods::Sighting {
    match kind {
        0 => sighting(uid, Seen::Pending { reason: "a".to_owned() }),
        1 => sighting(uid, Seen::Pending { reason: "b".to_owned() }),
        2 | 3 => running(uid),
        4 => ended(uid, Exit::Code(0), None),
        5 => ended(uid, Exit::Signal(9), None),
        _ => ended(uid, Exit::Code(1), Some(EndReason::Lost)),
    }
}

fn parsed(events: &[String]) -> Vec<Value> {
    events.iter().map(|event| serde_json::from_str(event).unwrap()).collect()
}

fn version(event: &Value) -> u64 {
    event["object"]["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

fn uid(event: &Value) -> String {
    event["object"]["metadata"]["uid"].as_str().unwrap().to_owned()
}

/// Uids whose end was published, and: no `DELETED` of a pod that ran before its end.
fn ended_in_order(events: &[Value]) -> BTreeSet<String> {
    let (mut ran, mut over, mut gone) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for event in events {
        assert!(!gone.contains(&uid(event)), "an event after DELETED: {event}");
        let phase = event["object"]["status"]["phase"].as_str().unwrap();
        if event["type"] == "DELETED" {
            assert!(
                !ran.contains(&uid(event)) || over.contains(&uid(event)),
                "DELETED before its end: {event}"
            );
            gone.insert(uid(event));
        } else if matches!(phase, "Failed" | "Succeeded") {
            over.insert(uid(event));
        } else {
            assert!(!over.contains(&uid(event)), "it came back: {event}");
            if phase == "Running" {
                ran.insert(uid(event));
            }
        }
    }
    over.extend(gone);
    over
}

fn check(world: &mut World) {
    for pair in world.all.windows(2) {
        assert!(version(&pair[0]) < version(&pair[1]), "versions must rise strictly");
    }
    let over = ended_in_order(&world.all);
    let wanted = world.cluster.wanted();
    assert!(
        wanted.executors.iter().all(|executor| !over.contains(&executor.uid)),
        "an ended executor is wanted"
    );
    let now = (
        wanted.version,
        wanted.executors.iter().map(|executor| format!("{} {:?}", executor.uid, executor.state)).collect(),
    );
    assert!(now.0 >= world.last_wanted.0 && (now.1 == world.last_wanted.1 || now.0 > world.last_wanted.0));
    world.last_wanted = now;
}

/// What a reader of `events` believes exists: name to version.
fn believed(events: &[Value]) -> BTreeMap<String, u64> {
    let mut pods = BTreeMap::new();
    for event in events {
        let name = event["object"]["metadata"]["name"].as_str().unwrap().to_owned();
        match event["type"].as_str().unwrap() {
            "DELETED" => drop(pods.remove(&name)),
            _ => drop(pods.insert(name, version(event))),
        }
    }
    pods
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_order_keeps_the_promises(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new(10_000);
        for step in &steps {
            world.take(step);
            check(&mut world);
        }
        world.take(&Step::Follow);
        prop_assert_eq!(&world.lazily, &world.all, "a watcher that comes back sees every change exactly once");
        let target = format!("{PODS}?watch=true");
        let mut fresh = watch(&mut world.cluster, &target);
        let present = parsed(&world.cluster.follow(&mut fresh));
        prop_assert_eq!(believed(&present), believed(&world.all), "a new watcher sees what exists");
    }

    #[test]
    fn a_short_log_still_ends_in_the_present(steps in prop::collection::vec(step(), 1..60), limit in 0..6_usize) {
        let mut world = World::new(limit);
        for step in &steps {
            world.take(step);
            check(&mut world);
        }
        world.take(&Step::Follow);
        let target = format!("{PODS}?watch=true");
        let mut fresh = watch(&mut world.cluster, &target);
        let lazily = believed(&world.lazily);
        for (name, version) in believed(&parsed(&world.cluster.follow(&mut fresh))) {
            prop_assert_eq!(lazily.get(&name), Some(&version), "{}", name);
        }
    }

    #[test]
    fn the_same_steps_give_the_same_bytes(steps in prop::collection::vec(step(), 1..40)) {
        let run = |steps: &[Step]| {
            let mut world = World::new(100);
            steps.iter().for_each(|step| world.take(step));
            (world.all, world.cluster.wanted().clone())
        };
        prop_assert_eq!(run(&steps), run(&steps));
    }
}
