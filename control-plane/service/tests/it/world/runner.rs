//! Runners as a test plays them: calls over the router with the bearer token of the launch order.

use super::{Answer, World};
use axum::body::Body;
use firesteel_core::exit::{Exit, ExitCode};
use firesteel_core::id::{HostId, Mark};
use firesteel_core::time::Millis;
use firesteel_journal::Clock as _;
use firesteel_protocol::{
    Assignment, Common, End, Ended, Exchange, Greeting, Hello, Wanted, WantedExecutor, transport,
};
use firesteel_substrate::LaunchOrder;
use http::Request;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A runner that has begun.
#[derive(Clone, Debug)]
pub struct Runner {
    pub order: LaunchOrder,
    pub address: String,
    pub ui_port: Option<u16>,
    pub mark: Mark,
}

/// A driver's runner that has its assignment, and what it wants.
pub struct Driver<'w> {
    pub world: &'w World,
    pub runner: Runner,
    pub common: Common,
    pub wanted: Wanted,
    pub seen: u64,
    pub started: Option<Millis>,
}

impl World {
    /// The next runner that begins.
    pub async fn next_runner(&self) -> Runner {
        self.runners(1).await.remove(0)
    }

    /// The next `count` runners that begin.
    pub async fn runners(&self, count: usize) -> Vec<Runner> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        let mut found = Vec::new();
        while found.len() < count {
            assert!(tokio::time::Instant::now() < deadline, "{} of {count} runners begin", found.len());
            tokio::time::sleep(Duration::from_millis(5)).await;
            found.extend(self.substrate.begun().into_iter().map(|begun| Runner {
                mark: Mark::new(format!("mark of {}", begun.order.worker)),
                order: begun.order,
                address: begun.address,
                ui_port: None,
            }));
        }
        assert_eq!(found.len(), count, "no more runners than expected");
        found
    }

    /// The run's driver, started: the run is RUNNING.
    pub async fn driver(&self) -> Driver<'_> {
        let runner = self.next_runner().await;
        self.driver_of(runner).await
    }

    /// The driver that this runner becomes, started.
    pub async fn driver_of(&self, runner: Runner) -> Driver<'_> {
        let common = self.assigned(&runner).await.common().clone();
        let mut driver = Driver {
            world: self,
            runner,
            common,
            wanted: Wanted::default(),
            seen: 0,
            started: Some(Millis(self.clock.now())),
        };
        driver.exchange(Duration::ZERO).await;
        driver
    }

    /// The assignment that the runner's hello is answered with.
    pub async fn assigned(&self, runner: &Runner) -> Assignment {
        match self.hello(runner).await {
            Greeting::Assigned(assignment) => *assignment,
            Greeting::Refused(refused) => panic!("{runner:?} is refused: {refused:?}"),
        }
    }

    pub async fn hello(&self, runner: &Runner) -> Greeting {
        let answer = self.call_desk(transport::HELLO, &runner.order.token, &runner.hello()).await;
        serde_json::from_value(answer.ok()).expect("a greeting")
    }

    pub async fn call_desk(&self, path: &str, token: &str, body: &impl Serialize) -> Answer {
        let text = serde_json::to_string(body).expect("JSON");
        self.send(to_desk(path, token, text)).await
    }

    /// A whole short run: started, driven, ended with `code`.
    pub async fn whole_run(&self, application: &str, members: Value, code: i32) -> String {
        let run = self.run(application, members).await;
        self.driver().await.end(code).await;
        run
    }
}

/// A call as a runner sends it.
pub fn to_desk(path: &str, token: &str, body: String) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from(body))
        .expect("a request")
}

impl Runner {
    pub fn hello(&self) -> Hello {
        Hello {
            worker: self.order.worker.clone(),
            mark: self.mark.clone(),
            host: HostId::new("host-1"),
            address: self.address.clone(),
            ui_port: self.ui_port,
        }
    }
}

impl Driver<'_> {
    /// The exchange as it would be sent now.
    pub fn says(&self, wait: Duration) -> Exchange {
        Exchange {
            worker: self.runner.order.worker.clone(),
            mark: self.runner.mark.clone(),
            fence: self.common.fence,
            started: self.started,
            wanted: Some(self.wanted.clone()),
            seen: self.seen,
            wait_ms: wait.as_millis() as u64,
            credentials_expire: Some(self.common.credentials.expires),
        }
    }

    /// One exchange; what is seen is remembered.
    pub async fn exchange(&mut self, wait: Duration) -> firesteel_protocol::Answer {
        let token = &self.runner.order.token;
        let answer = self.world.call_desk(transport::EXCHANGE, token, &self.says(wait)).await;
        let answer: firesteel_protocol::Answer = serde_json::from_value(answer.ok()).expect("an answer");
        self.seen = answer.digest;
        answer
    }

    /// Wants one more executor of 4 cores and 16 GB, with its launch.
    pub fn wants(&mut self, uid: &str) -> &mut WantedExecutor {
        self.wanted.version += 1;
        self.wanted.launches = BTreeMap::from([(LAUNCH.to_owned(), json!({ "command": ["java"] }))]);
        self.wanted.executors.push(WantedExecutor {
            uid: uid.to_owned(),
            cpu: 4,
            memory_mib: 15_770,
            heap_mib: 14_336,
            launch: LAUNCH.to_owned(),
            own: json!({ "executorId": uid }),
            stopping: None,
        });
        self.wanted.executors.last_mut().expect("pushed")
    }

    pub fn exit(&self, code: i32) -> Exit {
        let summary = if code == 0 { "" } else { "ValueError: no" };
        Exit {
            code: ExitCode(code),
            summary: summary.to_owned(),
            started: self.started,
            ended: Millis(self.world.clock.now()),
            logs_complete: true,
        }
    }

    /// Says the end with `code`, and exits once it is acknowledged.
    pub async fn end(self, code: i32) {
        let exit = self.exit(code);
        assert_eq!(self.say_end(self.common.fence, exit.clone()).await, Ended::Acknowledged);
        self.world.substrate.exit(&self.runner.order.worker, exit);
    }

    pub async fn say_end(&self, fence: u64, exit: Exit) -> Ended {
        let (worker, mark) = (self.runner.order.worker.clone(), self.runner.mark.clone());
        let end = End { worker, mark, fence, exit };
        let answer = self.world.call_desk(transport::END, &self.runner.order.token, &end).await;
        serde_json::from_value(answer.ok()).expect("an acknowledgement")
    }
}

/// Name of the only launch profile.
pub const LAUNCH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
