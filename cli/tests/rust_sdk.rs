//! The AWS SDK for Rust, unmodified, against a listening `firesteel up`: what it reads of answers, pages and errors.
//!
//! No job runs to its end here: a release may not be installed where only unit tests run. The stories run jobs.

use aws_sdk_emrserverless::Client;
use aws_sdk_emrserverless::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_emrserverless::error::ProvideErrorMetadata;
use aws_sdk_emrserverless::types::{ApplicationState, JobDriver, JobRunState, SparkSubmit};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

/// A `firesteel up` of this test's own; ended when dropped.
struct Up {
    child: Child,
    variables: HashMap<String, String>,
    _folder: tempfile::TempDir,
}

impl Up {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = firesteel("up")
            .args(["--port", &port.to_string()])
            .arg("--data")
            .arg(&data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("ready on"), "{line}");
        let said = firesteel("env").arg("--data").arg(&data).output().unwrap();
        let text = String::from_utf8(said.stdout).unwrap();
        let pairs = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        let variables =
            pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect();
        Self { child, variables, _folder: folder }
    }

    fn variable(&self, name: &str) -> &str {
        self.variables.get(name).unwrap_or_else(|| panic!("{name} in {:?}", self.variables.keys()))
    }

    fn client(&self) -> Client {
        let (id, secret) = (self.variable("AWS_ACCESS_KEY_ID"), self.variable("AWS_SECRET_ACCESS_KEY"));
        let config = aws_sdk_emrserverless::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.variable("AWS_REGION").to_owned()))
            .endpoint_url(self.variable("AWS_ENDPOINT_URL"))
            .credentials_provider(Credentials::new(id, secret, None, None, "tests"))
            .build();
        Client::from_conf(config)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).ok();
        self.child.wait().ok();
    }
}

fn firesteel(verb: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firesteel"));
    command.arg(verb).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command
}

async fn is_in(client: &Client, application: &str, state: ApplicationState) {
    let end = SystemTime::now() + Duration::from_secs(60);
    loop {
        let got = client.get_application().application_id(application).send().await.unwrap();
        let now = got.application().unwrap().state().clone();
        if now == state {
            return;
        }
        assert!(SystemTime::now() < end, "{application} is {now}, not {state}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn driver(entry_point: &str) -> JobDriver {
    JobDriver::SparkSubmit(SparkSubmit::builder().entry_point(entry_point).build().unwrap())
}

#[tokio::test]
async fn a_life_of_an_application_its_runs_and_its_errors() {
    let up = Up::start();
    let (client, role) = (up.client(), up.variable("FIRESTEEL_ROLE_ARN"));
    let created = client.create_application().name("rust").release_label("emr-7.13.0").r#type("SPARK");
    let created = created.tags("by", "rust").send().await.unwrap();
    let application = created.application_id();
    is_in(&client, application, ApplicationState::Created).await;
    let got = client.get_application().application_id(application).send().await.unwrap();
    let got = got.application().unwrap();
    assert_eq!((got.r#type(), got.tags().unwrap()["by"].as_str()), ("Spark", "rust"));
    let age = SystemTime::now().duration_since(SystemTime::try_from(*got.created_at()).unwrap());
    assert!(age.unwrap_or_default() < Duration::from_secs(120));

    let start = |token: &str| {
        let request = client.start_job_run().application_id(application).execution_role_arn(role);
        request.client_token(token).name(token).job_driver(driver("s3://none/none.py"))
    };
    let mut started = Vec::new();
    for token in ["one", "two", "three"] {
        let run = start(token).send().await.unwrap().job_run_id().to_owned();
        assert_eq!(start(token).send().await.unwrap().job_run_id(), run, "one run for one token");
        started.push(run);
    }
    let refused = start("one").job_driver(driver("s3://none/other.py")).send().await.unwrap_err();
    assert!(refused.as_service_error().unwrap().is_conflict_exception(), "{refused:?}");
    let runs: Result<Vec<_>, _> = client
        .list_job_runs()
        .application_id(application)
        .into_paginator()
        .page_size(2)
        .items()
        .send()
        .collect()
        .await;
    let listed: Vec<String> = runs.unwrap().iter().map(|run| run.id().to_owned()).collect();
    assert_eq!(listed, started.iter().rev().cloned().collect::<Vec<_>>(), "newest first");

    let run = client.get_job_run().application_id(application).job_run_id(&started[0]).send().await.unwrap();
    let run = run.job_run().unwrap();
    assert!(run.job_driver().unwrap().is_spark_submit());
    // Only a run that goes on, or has gone well, has nothing to say.
    let has_to_say = !matches!(run.state(), JobRunState::Running | JobRunState::Success);
    assert!(!has_to_say || !run.state_details().is_empty(), "{run:?}");
    assert!(!matches!(run.state(), JobRunState::Success), "it is a state that the SDK knows");
    let unknown =
        client.get_job_run().application_id(application).job_run_id("00f1cbn5g4bb0c01").send().await;
    let unknown = unknown.unwrap_err().into_service_error();
    assert!(
        unknown.is_resource_not_found_exception() && unknown.message().unwrap().contains("00f1cbn5g4bb0c01")
    );
    let wrong = start("four").execution_role_arn("nobody").send().await.unwrap_err().into_service_error();
    assert!(wrong.is_validation_exception(), "{wrong:?}");

    for run in &started {
        // Those that have failed meanwhile cannot be cancelled any more.
        client.cancel_job_run().application_id(application).job_run_id(run).send().await.ok();
    }
}
