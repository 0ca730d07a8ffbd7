//! What a decision costs beside many runs that wait: microseconds for each kind of work, beside 10 runs (the baseline) and
//! beside 50,000. Neither a tick nor a command may grow with them.
//!
//! `cargo run --release -p firesteel-core --example many_waiting`

#![allow(clippy::disallowed_methods)] // It measures time.

use firesteel_core::application::{Application, Identity, Patch, Settings};
use firesteel_core::command::{Command, Room, Runtime, Tick};
use firesteel_core::decide::decide;
use firesteel_core::id::{ApplicationId, HostId, JobRunId};
use firesteel_core::job_run::{Needs, NewRun, Retry};
use firesteel_core::opaque::Opaque;
use firesteel_core::plan::{Look, plan};
use firesteel_core::quota::{Amounts, Granted};
use firesteel_core::release::ReleaseLabel;
use firesteel_core::size::Size;
use firesteel_core::time::Millis;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: u32 = 2_000;

struct Bench {
    app: Application,
    room: Room,
    next: u64,
}

impl Bench {
    /// An application with so many runs that wait for room, or for their turn.
    fn new(runs: u64, scheduler: bool) -> Self {
        let host = HostId::new("host");
        let mut amounts = Amounts { cpu: 16, ..Amounts::default() };
        amounts.set_heap(&host, 1 << 16);
        let room = Room {
            host,
            quota_cpu: 16,
            heap_mib: 1 << 16,
            heap_share_mib: 1 << 12,
            granted: Some(Granted { amounts, version: 1 }),
            gives_back: false,
        };
        let mut bench = Self { app: Application::default(), room, next: 0 };
        let identity = Identity {
            id: ApplicationId::new("app"),
            name: None,
            architecture: "X86_64".to_owned(),
            created: Millis(0),
        };
        let settings = Settings {
            release: ReleaseLabel::new("emr-7.13.0"),
            maximum_capacity: None,
            auto_start: true,
            auto_stop: None,
            echo: serde_json::Map::new(),
        };
        bench.does(&Command::Create { identity, settings, tags: BTreeMap::new() });
        bench.does(&bench.tick());
        if scheduler {
            let given = json!({ "maxConcurrentRuns": 15, "queueTimeoutMinutes": 360 });
            let echo = [("schedulerConfiguration".to_owned(), given)].into_iter().collect();
            bench.does(&Command::Update(Patch { echo, ..Patch::default() }));
        }
        for _ in 0..runs {
            let submission = bench.submission();
            bench.does(&submission);
        }
        while bench.does(&bench.tick()) > 0 {}
        bench
    }

    fn submission(&mut self) -> Command {
        self.next += 1;
        let size = Size { cpu: 4, memory: 16, disk: 20 };
        let needs = Needs {
            driver: size,
            driver_heap_mib: 14_336,
            executor: size,
            executor_heap_mib: 14_336,
            wants_executors: true,
            shuffle_disks: Default::default(),
        };
        let body = json!({ "inline": { "echo": { "jobDriver": { "sparkSubmit": { "entryPoint": "s3://b/k.py" } } } } });
        let run = NewRun {
            id: JobRunId::new(format!("00{:014}", self.next)),
            token: format!("token-{}", self.next).into(),
            content: "content".into(),
            name: None,
            created_by: "arn:aws:iam::123456789012:user/a".into(),
            execution_role: "arn:aws:iam::123456789012:role/r".into(),
            mode: "BATCH".into(),
            timeout: None,
            retry: Retry::default(),
            flex: None,
            release: ReleaseLabel::new("emr-7.13.0"),
            needs,
            tags: BTreeMap::new(),
            body: Opaque::new(&body).unwrap_or_else(|never| unreachable!("{never}")),
        };
        Command::StartJobRun { run: run.into(), looked_at: self.app.removals }
    }

    fn tick(&self) -> Command {
        Command::Tick(Tick { room: self.room.clone(), runtime: Runtime::Ready })
    }

    fn does(&mut self, command: &Command) -> usize {
        let events = decide(&self.app, command, Millis(1)).unwrap_or_default();
        events.iter().for_each(|event| self.app.apply(event));
        events.len()
    }

    fn look(&self) -> Look {
        Look {
            at: Millis(1),
            room: self.room.clone(),
            runtime: Runtime::Ready,
            workers: BTreeMap::new(),
            lost: BTreeSet::new(),
        }
    }
}

fn microseconds(mut work: impl FnMut()) -> f64 {
    let began = Instant::now();
    for _ in 0..ROUNDS {
        work();
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS)
}

fn main() {
    println!("runs scheduler tick plan waits submit cancel (microseconds each)");
    for (runs, scheduler) in [(10, false), (50_000, false), (10, true), (50_000, true)] {
        let mut bench = Bench::new(runs, scheduler);
        let (tick, look) = (bench.tick(), bench.look());
        let ticks = microseconds(|| drop(black_box(decide(&bench.app, &tick, Millis(1)))));
        let plans = microseconds(|| drop(black_box(plan(&bench.app, &look))));
        let waits = plan(&bench.app, &look).waits;
        let last = bench.app.runs.get_max().map(|(id, _)| id.clone()).unwrap_or_else(|| JobRunId::new(""));
        let explains = microseconds(|| drop(black_box(waits.of(&bench.app, &last))));
        let submits = microseconds(|| {
            let submission = bench.submission();
            black_box(bench.does(&submission));
        });
        let mut number = bench.next;
        let cancels = microseconds(|| {
            let run = JobRunId::new(format!("00{number:014}"));
            number -= 1;
            black_box(bench.does(&Command::CancelJobRun { run, grace: 0 }));
        });
        println!("{runs} {scheduler} {ticks:.1} {plans:.1} {explains:.1} {submits:.1} {cancels:.1}");
    }
}
