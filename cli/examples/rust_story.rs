//! The AWS SDK for Rust as any program of a user's has it, configured by the environment alone: create, start a run,
//! wait, page through lists, stop, delete. For the tests: `rust_story ROLE SPARK_PARAMETERS`.

use anyhow::{Context, bail, ensure};
use aws_sdk_emrserverless::Client;
use aws_sdk_emrserverless::operation::start_job_run::builders::StartJobRunFluentBuilder;
use aws_sdk_emrserverless::types::{
    ApplicationState, ConfigurationOverrides, JobDriver, JobRun, JobRunState, MaximumAllowedResources,
    MonitoringConfiguration, S3MonitoringConfiguration, SparkSubmit,
};
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(300);
const LOOKS: u32 = 1000;

struct Story {
    client: Client,
    application: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [role, spark] = words.as_slice() else { bail!("rust_story ROLE SPARK_PARAMETERS") };
    let client = Client::new(&aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await);
    let capacity = MaximumAllowedResources::builder().cpu("4 vCPU").memory("16 GB").build()?;
    let create = client.create_application().name("rust").release_label("emr-7.13.0").r#type("SPARK");
    let application = create.maximum_capacity(capacity).send().await?.application_id().to_owned();
    let story = Story { client, application };
    story.is_in(ApplicationState::Created).await?;

    let run = story.request(role, spark)?.send().await?.job_run_id().to_owned();
    let again = story.request(role, spark)?.send().await?;
    ensure!(again.job_run_id() == run, "one run for one token");
    let ended = story.ended(&run).await?;
    ensure!(ended.state() == &JobRunState::Success, "{}", ended.state_details());
    story.lists_and_refuses(role, spark, &run).await?;

    story.client.stop_application().application_id(&story.application).send().await?;
    story.is_in(ApplicationState::Stopped).await?;
    story.client.delete_application().application_id(&story.application).send().await?;
    story.is_in(ApplicationState::Terminated).await?;
    println!("RAN {} {run}", story.application);
    Ok(())
}

impl Story {
    fn request(&self, role: &str, spark: &str) -> anyhow::Result<StartJobRunFluentBuilder> {
        let submit =
            SparkSubmit::builder().entry_point("s3://bkt/jobs/hello.py").entry_point_arguments("rust");
        let s3 = S3MonitoringConfiguration::builder().log_uri("s3://bkt/logs/").build();
        let monitoring = MonitoringConfiguration::builder().s3_monitoring_configuration(s3).build();
        let overrides = ConfigurationOverrides::builder().monitoring_configuration(monitoring).build();
        let request = self.client.start_job_run().application_id(&self.application).execution_role_arn(role);
        let driver = JobDriver::SparkSubmit(submit.spark_submit_parameters(spark).build()?);
        Ok(request.name("hello").client_token("rust-1").job_driver(driver).configuration_overrides(overrides))
    }

    async fn is_in(&self, state: ApplicationState) -> anyhow::Result<()> {
        for _ in 0..LOOKS {
            let got = self.client.get_application().application_id(&self.application).send().await?;
            if got.application().is_some_and(|application| application.state() == &state) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("never {state}")
    }

    async fn ended(&self, run: &str) -> anyhow::Result<JobRun> {
        for _ in 0..LOOKS {
            let get = self.client.get_job_run().application_id(&self.application).job_run_id(run);
            let got = get.send().await?.job_run.context("an answer has a run")?;
            if [JobRunState::Success, JobRunState::Failed, JobRunState::Cancelled].contains(got.state()) {
                return Ok(got);
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("{run} never ended")
    }

    async fn lists_and_refuses(&self, role: &str, spark: &str, run: &str) -> anyhow::Result<()> {
        let list = self.client.list_job_runs().application_id(&self.application).into_paginator();
        let listed: Result<Vec<_>, _> = list.page_size(1).items().send().collect().await;
        let listed: Vec<String> = listed?.iter().map(|run| run.id().to_owned()).collect();
        ensure!(listed == [run], "{listed:?}");
        let unknown =
            self.client.get_job_run().application_id(&self.application).job_run_id("00f1cbn5g4bb0c01");
        let error = unknown.send().await.err().context("an unknown run was found")?.into_service_error();
        ensure!(error.is_resource_not_found_exception(), "{error:?}");
        let wrong =
            self.request(role, spark)?.client_token("rust-2").execution_role_arn("nobody").send().await;
        let error = wrong.err().context("a wrong role was taken")?.into_service_error();
        ensure!(error.is_validation_exception(), "{error:?}");
        Ok(())
    }
}
