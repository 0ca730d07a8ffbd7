//! Whole lives of real runner processes against a tiny control plane and embedded S3, as far as they go without Spark.

mod stage;
#[path = "stage/s3.rs"]
mod store;

use firesteel_core::id::{ApplicationId, JobRunId};
use firesteel_core::release::ReleaseLabel;
use firesteel_core::size::Size;
use firesteel_protocol::{Assignment, Common, DriverAssignment, Exit, ExitCode, LogDestination, StopOrder};
use flate2::read::MultiGzDecoder;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const WORKER: &str = "run-1-driver";

struct Scene {
    root: TempDir,
    store: store::Store,
    stage: Arc<stage::Stage>,
}

impl Scene {
    async fn open() -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = store::open(&root.path().join("s3")).await;
        let runtimes = root.path().join("runtimes");
        let stage = stage::Stage::open(&root.path().join("workers"), &runtimes, None).await;
        Self { root, store, stage }
    }

    fn driver(&self, bucket: &str) -> DriverAssignment {
        let common = Common {
            application: ApplicationId::new("app"),
            application_name: None,
            job_run: JobRunId::new("run"),
            attempt: 1,
            fence: 7,
            release: ReleaseLabel::new("emr-7.13.0"),
            size: Size { cpu: 4, memory: 16, disk: 20 },
            heap_mib: 512,
            logs: Some(LogDestination { bucket: bucket.into(), prefix: "logs/SPARK_DRIVER".into() }),
            store: self.store.place.clone(),
            credentials: self.store.credentials.clone(),
            contact_every_ms: 1_000,
            contact_limit_ms: 60_000,
        };
        DriverAssignment {
            common,
            entry_point: "s3://bucket/main.py".into(),
            arguments: Vec::new(),
            spark_submit_parameters: String::new(),
            configuration: Default::default(),
            name: None,
            tmp: None,
            event_logs: None,
        }
    }

    async fn live(&self, driver: DriverAssignment) -> Exit {
        self.stage.launch(WORKER, "127.0.0.1", Assignment::Driver(driver));
        let exit = self.stage.exit(WORKER).await;
        self.stage.wait_all();
        let written = std::fs::read(self.worker().join("exit.json")).unwrap();
        assert_eq!(
            serde_json::from_slice::<Exit>(&written).unwrap(),
            exit,
            "exit.json says what was reported"
        );
        exit
    }

    fn worker(&self) -> std::path::PathBuf {
        self.root.path().join("workers").join(WORKER)
    }

    async fn log(&self, name: &str) -> String {
        let key = format!("logs/SPARK_DRIVER/{name}");
        let found = self.store.client.get_object().bucket("bucket").key(key).send().await.unwrap();
        let bytes = found.body.collect().await.unwrap().into_bytes();
        let mut text = String::new();
        MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        text
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_is_missing_is_said_in_the_exit_and_in_the_logs() {
    let scene = Scene::open().await;
    let exit = scene.live(scene.driver("bucket")).await;
    assert_eq!((exit.code, exit.started, exit.logs_complete), (ExitCode::RUNTIME, None, true));
    assert!(exit.summary.contains("emr-7.13.0"), "{}", exit.summary);
    assert!(scene.log("stderr.gz").await.contains(&exit.summary));
    assert_eq!(scene.log("stdout.gz").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_bucket_that_refuses_ends_the_run_before_it_begins() {
    let scene = Scene::open().await;
    let exit = scene.live(scene.driver("nowhere")).await;
    assert_eq!((exit.code, exit.logs_complete), (ExitCode::LOGS_REFUSED, false));
    assert!(
        exit.summary.starts_with("cannot write logs to s3://nowhere/logs/SPARK_DRIVER: NoSuchBucket"),
        "{}",
        exit.summary
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_hello_starts_nothing() {
    let scene = Scene::open().await;
    scene.stage.launch("first", "127.0.0.1", Assignment::Driver(scene.driver("bucket")));
    scene.stage.exit("first").await;
    // The same worker again: another process, another mark.
    scene.stage.relaunch("first");
    let codes = scene.stage.wait_all();
    assert_eq!(codes, [Some(0), Some(3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_came_before_the_job_is_obeyed() {
    let scene = Scene::open().await;
    scene.stage.stop(WORKER, StopOrder { decommission: false, grace_ms: 100, reason: "cancelled".into() });
    let exit = scene.live(scene.driver("bucket")).await;
    // Which of the two was first is chance; that the run ends is not.
    assert!(matches!(exit.code, ExitCode::STOPPED | ExitCode::RUNTIME), "{exit:?}");
    assert!(Path::new(&scene.worker()).join("logs/stderr").exists());
}
