//! A stage for stories: one application, a clock, and words for what happens.

use firesteel_core::application::{Application, ApplicationState, Capacity, Identity, Patch, Settings};
use firesteel_core::command::{Command, Room, Runtime, Tick, Wanted, WantedExecutor};
use firesteel_core::decide::decide;
use firesteel_core::event::Event;
use firesteel_core::exit::{Exit, ExitCode};
use firesteel_core::id::{ApplicationId, HostId, JobRunId, Mark, WorkerId};
use firesteel_core::job_run::{JobRun, JobRunState, Needs, NewRun, Retry};
use firesteel_core::opaque::Opaque;
use firesteel_core::plan::{Look, Plan, Seen, Waiting, plan};
use firesteel_core::quota::{Amounts, Granted};
use firesteel_core::refusal::Refusal;
use firesteel_core::release::ReleaseLabel;
use firesteel_core::size::Size;
use firesteel_core::time::{MINUTE, Millis};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub const SMALL: Size = Size { cpu: 1, memory: 2, disk: 20 };

/// One application and its world.
pub struct Stage {
    pub app: Application,
    pub now: Millis,
    pub room: Room,
    pub runtime: Runtime,
    /// Hosts that are lost.
    pub lost: BTreeSet<HostId>,
}

impl Stage {
    /// An application that exists and takes runs by itself.
    pub fn new(maximum_capacity: Option<Capacity>) -> Self {
        let room = Room {
            host: HostId::new("host"),
            quota_cpu: 0,
            heap_mib: 0,
            heap_share_mib: 4 * 1024,
            granted: None,
            gives_back: false,
        };
        let mut stage = Self {
            app: Application::default(),
            now: Millis(1_000),
            room,
            runtime: Runtime::Ready,
            lost: BTreeSet::new(),
        };
        stage.grants(16, 16 * 1024);
        let settings = Settings {
            release: ReleaseLabel::new("emr-7.13.0"),
            maximum_capacity,
            auto_start: true,
            auto_stop: Some(15 * MINUTE),
            echo: serde_json::Map::new(),
        };
        let identity = Identity {
            id: ApplicationId::new("app"),
            name: None,
            architecture: "X86_64".to_owned(),
            created: stage.now,
        };
        stage.must(Command::Create { identity, settings, tags: BTreeMap::new() });
        stage.tick();
        stage
    }

    /// From now on the registry grants so much, and others leave no more.
    pub fn grants(&mut self, cpu: u32, heap_mib: u64) {
        let version = self.room.granted.as_ref().map_or(1, |granted| granted.version + 1);
        let mut amounts = Amounts { cpu, ..Amounts::default() };
        amounts.set_heap(&self.room.host, heap_mib);
        self.room.granted = Some(Granted { amounts, version });
        (self.room.quota_cpu, self.room.heap_mib) = (cpu, heap_mib);
    }

    pub fn cpu_limit(cpu: u32) -> Self {
        Self::new(Some(Capacity { cpu, memory: 1_000, disk: None }))
    }

    /// Decides and applies; time passes a little.
    pub fn try_to(&mut self, command: Command) -> Result<Vec<Event>, Refusal> {
        self.now = self.now.plus(10);
        let events = decide(&self.app, &command, self.now)?;
        events.iter().for_each(|event| self.app.apply(event));
        Ok(events)
    }

    pub fn must(&mut self, command: Command) -> Vec<Event> {
        self.try_to(command).unwrap_or_else(|refusal| panic!("refused: {refusal}"))
    }

    pub fn tick(&mut self) -> Vec<Event> {
        self.must(Command::Tick(Tick { room: self.room.clone(), runtime: self.runtime.clone() }))
    }

    pub fn tick_after(&mut self, milliseconds: i64) -> Vec<Event> {
        self.now = self.now.plus(milliseconds);
        self.tick()
    }

    pub fn submit(&mut self, id: &str) -> Vec<Event> {
        self.must(start(run(id)))
    }

    /// Submits, ticks until the driver is admitted, and lets it start.
    pub fn running(&mut self, id: &str) -> WorkerId {
        self.submit(id);
        self.tick();
        self.tick();
        self.begin(id, 1)
    }

    /// The admitted driver of this attempt says hello and starts its job.
    pub fn begin(&mut self, id: &str, attempt: u32) -> WorkerId {
        let driver = WorkerId::driver(&JobRunId::new(id), attempt);
        self.hello(&driver, "m1").expect("the driver says hello");
        self.report(&driver, "m1", &[], 0);
        driver
    }

    /// Replaces a member of the application that the API gives back.
    pub fn set(&mut self, member: &str, value: Value) -> Result<Vec<Event>, Refusal> {
        let echo = [(member.to_owned(), value)].into_iter().collect();
        self.try_to(Command::Update(Patch { echo, ..Patch::default() }))
    }

    pub fn hello(&mut self, worker: &WorkerId, mark: &str) -> Result<Vec<Event>, Refusal> {
        let (worker, mark) = (worker.clone(), Mark::new(mark));
        self.try_to(Command::Hello { worker, mark, address: "127.0.0.2".to_owned(), ui_port: None })
    }

    /// A report of a started job that wants these executors.
    pub fn report(&mut self, worker: &WorkerId, mark: &str, uids: &[&str], version: u64) -> Vec<Event> {
        let executors = uids.iter().map(|uid| wanted(uid)).collect();
        let wanted = (version > 0).then_some(Wanted { version, executors });
        self.report_wanted(worker, mark, wanted).expect("the report is heard")
    }

    pub fn report_wanted(
        &mut self,
        worker: &WorkerId,
        mark: &str,
        wanted: Option<Wanted>,
    ) -> Result<Vec<Event>, Refusal> {
        let (worker, mark, room) = (worker.clone(), Mark::new(mark), self.room.clone());
        self.try_to(Command::Report { worker, mark, started: Some(self.now), wanted, room })
    }

    pub fn end(&mut self, worker: &WorkerId, mark: &str, code: i32) -> Result<Vec<Event>, Refusal> {
        let fence = self.app.workers.get(worker).map_or(0, |worker| worker.fence);
        let exit = exit(self.now, code);
        self.try_to(Command::End { worker: worker.clone(), mark: Mark::new(mark), fence, exit })
    }

    pub fn run(&self, id: &str) -> &JobRun {
        self.app.runs.get(&JobRunId::new(id)).expect("the run is in the state")
    }

    pub fn state_of(&self, id: &str) -> JobRunState {
        self.run(id).state
    }

    pub fn plan(&self, seen: &[(&WorkerId, Seen)]) -> Plan {
        let workers = seen.iter().map(|(id, seen)| ((*id).clone(), seen.clone())).collect();
        let look = Look {
            at: self.now,
            room: self.room.clone(),
            runtime: self.runtime.clone(),
            workers,
            lost: self.lost.clone(),
        };
        plan(&self.app, &look)
    }

    /// Why the run is not further, as the next tick would see it.
    pub fn waits_for(&self, id: &str) -> Option<Waiting> {
        self.plan(&[]).waits.of(&self.app, &JobRunId::new(id))
    }

    pub fn is(&self, state: ApplicationState) -> bool {
        self.app.state == state
    }
}

pub fn executor(run: &str, uid: &str) -> WorkerId {
    WorkerId::executor(&JobRunId::new(run), 1, uid)
}

pub fn wanted(uid: &str) -> WantedExecutor {
    WantedExecutor {
        uid: uid.to_owned(),
        cpu: 1,
        memory_mib: 1_408,
        heap_mib: 1_024,
        launch: "hash".to_owned(),
        own: Value::Null,
        stopping: None,
    }
}

pub fn start(run: NewRun) -> Command {
    Command::StartJobRun { run: run.into(), looked_at: 0 }
}

/// A small run: one vCPU for the driver, one for an executor.
pub fn run(id: &str) -> NewRun {
    NewRun {
        id: JobRunId::new(id),
        token: format!("token-{id}").into(),
        content: "content".into(),
        name: None,
        created_by: "arn:aws:iam::123456789012:user/a".into(),
        execution_role: "arn:aws:iam::123456789012:role/r".into(),
        mode: "BATCH".into(),
        timeout: Some(60 * MINUTE),
        retry: Retry::default(),
        flex: None,
        release: ReleaseLabel::new("emr-7.13.0"),
        needs: Needs {
            driver: SMALL,
            driver_heap_mib: 1_024,
            executor: SMALL,
            executor_heap_mib: 1_024,
            wants_executors: true,
            shuffle_disks: Default::default(),
        },
        tags: BTreeMap::new(),
        body: Opaque::new(&Value::Null).expect("JSON"),
    }
}

pub fn exit(now: Millis, code: i32) -> Exit {
    Exit {
        code: ExitCode(code),
        summary: if code == 0 { String::new() } else { "ValueError: no".to_owned() },
        started: Some(now),
        ended: now,
        logs_complete: true,
    }
}
