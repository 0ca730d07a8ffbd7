//! Imagined callers of the API: they submit, repeat, look, cancel, start and stop, and give up now and then.

use crate::chance::Dice;
use crate::parts::POSSIBLE;
use crate::server::{Common, Server};
use firesteel_core::id::{ApplicationId, JobRunId};
use firesteel_wire::{ErrorKind, Input, Operation};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// One caller.
pub struct Caller {
    common: Arc<Common>,
    servers: Vec<Arc<Server>>,
    dice: Dice,
    number: u64,
    runs: Vec<(String, Option<JobRunId>, Value)>,
}

/// What a caller was told.
type Told = Result<Value, ErrorKind>;

impl Caller {
    /// A caller with its own chance.
    pub fn new(common: &Arc<Common>, servers: &[Arc<Server>], number: u64) -> Self {
        let dice = Dice::new(common.seed, &format!("caller {number}"));
        Self { common: common.clone(), servers: servers.to_vec(), dice, number, runs: Vec::new() }
    }

    /// Creates an application; tries until it is told that there is one.
    pub async fn create(&mut self) -> ApplicationId {
        let release = if self.dice.permille(40) { "emr-6.6.0" } else { POSSIBLE };
        let cpu = 3 + self.dice.below(5);
        let mut request = json!({
            "name": format!("app-{}", self.number), "type": "SPARK", "releaseLabel": release,
            "clientToken": format!("create-{}", self.number),
            "maximumCapacity": { "cpu": format!("{cpu} vCPU"), "memory": "64 GB" },
            "autoStopConfiguration": { "enabled": true, "idleTimeoutMinutes": 1 + self.dice.below(3) },
        });
        if release == POSSIBLE {
            let runs = 1 + self.dice.below(4);
            request["schedulerConfiguration"] =
                json!({ "maxConcurrentRuns": runs, "queueTimeoutMinutes": 15 });
        }
        loop {
            if let Some(Ok(answer)) = self.ask(Operation::CreateApplication, request.clone()).await {
                return ApplicationId::new(text(&answer, "applicationId"));
            }
            self.pause(1_000, 4_000).await;
        }
    }

    /// Stops and deletes an application; tries until it is told that it is gone.
    pub async fn delete(&mut self, app: &ApplicationId) {
        loop {
            let request = json!({ "applicationId": app.as_str() });
            match self.ask(Operation::DeleteApplication, request).await {
                Some(Ok(_) | Err(ErrorKind::ResourceNotFound)) => return,
                _ => self.plain(app, Operation::StopApplication).await,
            }
            self.pause(1_000, 5_000).await;
        }
    }

    /// Does this and that to an application.
    pub async fn use_application(mut self, app: ApplicationId, deeds: u64) {
        for _ in 0..deeds {
            self.pause(100, 45_000).await;
            match self.dice.below(100) {
                0..=44 => self.submit(&app).await,
                45..=59 => self.repeat(&app).await,
                60..=74 => self.look(&app).await,
                75..=87 => self.cancel(&app).await,
                88..=93 => self.plain(&app, Operation::StopApplication).await,
                _ => self.plain(&app, Operation::StartApplication).await,
            }
        }
    }

    async fn submit(&mut self, app: &ApplicationId) {
        let token = format!("t{}-{}", self.number, self.runs.len());
        let role = if self.dice.permille(60) { "denied" } else { "job" };
        let mut request = json!({
            "applicationId": app.as_str(), "clientToken": token,
            "executionRoleArn": format!("arn:aws:iam::123456789012:role/{role}"),
            "jobDriver": { "sparkSubmit": {
                "entryPoint": "s3://bucket/job.py",
                "sparkSubmitParameters": "--conf spark.driver.cores=1 --conf spark.driver.memory=1g \
                    --conf spark.executor.cores=1 --conf spark.executor.memory=1g",
            } },
            "configurationOverrides": { "monitoringConfiguration": {
                "s3MonitoringConfiguration": { "logUri": "s3://bucket/logs/" } } },
        });
        match self.dice.below(100) {
            0..=14 => request["executionTimeoutMinutes"] = json!(5),
            15..=39 => request["retryPolicy"] = json!({ "maxAttempts": 2 + self.dice.below(3) }),
            40..=54 => {
                request["mode"] = json!("STREAMING");
                request["retryPolicy"] = json!({ "maxFailedAttemptsPerHour": 1 + self.dice.below(3) });
            }
            _ => {}
        }
        let run = self.start_run(app, &token, &request).await;
        self.runs.push((token, run, request));
    }

    /// A request whose answer was lost, or never came, is sent again; and one that was answered, too.
    async fn repeat(&mut self, app: &ApplicationId) {
        if self.runs.is_empty() {
            return;
        }
        let which = self.dice.below(self.runs.len() as u64) as usize;
        let (token, _, request) = self.runs[which].clone();
        if let Some(run) = self.start_run(app, &token, &request).await {
            self.runs[which].1 = Some(run);
        }
    }

    async fn start_run(&mut self, app: &ApplicationId, token: &str, request: &Value) -> Option<JobRunId> {
        for _ in 0..3 {
            match self.ask(Operation::StartJobRun, request.clone()).await {
                Some(Ok(answer)) => {
                    let run = JobRunId::new(text(&answer, "jobRunId"));
                    self.common.truth.acknowledged(app, token, &run);
                    return Some(run);
                }
                Some(Err(ErrorKind::InternalServer)) | None => self.pause(500, 5_000).await,
                Some(Err(_)) => return None,
            }
        }
        None
    }

    async fn look(&mut self, app: &ApplicationId) {
        let Some(run) = self.any_run() else { return };
        let request = json!({ "applicationId": app.as_str(), "jobRunId": run.as_str() });
        match self.ask(Operation::GetJobRun, request).await {
            Some(Ok(answer)) => self.common.truth.shown(&run, answer["jobRun"]["state"].as_str()),
            Some(Err(ErrorKind::ResourceNotFound)) => self.common.truth.shown(&run, None),
            _ => {}
        }
    }

    async fn cancel(&mut self, app: &ApplicationId) {
        let Some(run) = self.any_run() else { return };
        let mut request = json!({ "applicationId": app.as_str(), "jobRunId": run.as_str() });
        if self.dice.permille(500) {
            request["shutdownGracePeriodInSeconds"] = json!(15);
        }
        if self.ask(Operation::CancelJobRun, request).await == Some(Err(ErrorKind::ResourceNotFound)) {
            self.common.truth.shown(&run, None);
        }
    }

    async fn plain(&mut self, app: &ApplicationId, operation: Operation) {
        self.ask(operation, json!({ "applicationId": app.as_str() })).await;
    }

    fn any_run(&mut self) -> Option<JobRunId> {
        let known: Vec<&JobRunId> = self.runs.iter().filter_map(|(_, run, _)| run.as_ref()).collect();
        let which = self.dice.below(known.len() as u64) as usize;
        known.get(which).map(|run| (*run).clone())
    }

    /// Asks one of the control planes; none if no answer comes in time.
    async fn ask(&mut self, operation: Operation, request: Value) -> Option<Told> {
        let Value::Object(input): Value = request else { return None };
        let input: Input = input;
        let server = self.servers[self.dice.below(self.servers.len() as u64) as usize].clone();
        let patience = if self.dice.permille(100) { 300 } else { 90_000 };
        let asking = tokio::time::timeout(Duration::from_millis(patience), server.operate(operation, input));
        let told = match asking.await.ok().flatten()? {
            Ok(body) => Ok(serde_json::from_str(&body).unwrap_or_default()),
            Err(error) => Err(error.kind),
        };
        self.common.truth.note(&format!("caller {} {operation}: {told:?}", self.number));
        Some(told)
    }

    async fn pause(&mut self, least: u64, most: u64) {
        let pause = self.dice.millis(least, most);
        tokio::time::sleep(pause).await;
    }
}

fn text(answer: &Value, member: &str) -> String {
    answer.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}
