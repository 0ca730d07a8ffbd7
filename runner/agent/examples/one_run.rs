//! One run on real Spark, without the service: `one_run LABEL RUNTIMES SCRIPT [SUBMIT_PARAMETERS [ARGUMENT…]]`.
//!
//! Starts embedded S3 and a tiny control plane, puts the script into S3, runs it with a driver and executors as
//! processes, prints the logs from S3 and where everything lies.

#[path = "../tests/stage/mod.rs"]
mod stage;
#[path = "../tests/stage/s3.rs"]
mod store;

use firesteel_core::id::{ApplicationId, JobRunId};
use firesteel_core::release::ReleaseLabel;
use firesteel_core::size::Size;
use firesteel_protocol::{Assignment, Common, DriverAssignment, LogDestination};
use flate2::read::MultiGzDecoder;
use std::io::Read;
use std::path::Path;

const LOGS: &str = "logs/applications/app/jobs/run/SPARK_DRIVER";

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [label, runtimes, script, rest @ ..] = &arguments[..] else {
        eprintln!("usage: one_run LABEL RUNTIMES SCRIPT [SUBMIT_PARAMETERS [ARGUMENT…]]");
        std::process::exit(2);
    };
    let root = std::env::temp_dir().join(format!("one-run-{}", std::process::id()));
    let store = store::open(&root.join("s3")).await;
    let entry_point = match std::fs::read(script) {
        Ok(bytes) => {
            let name = Path::new(script).file_name().unwrap().to_string_lossy().into_owned();
            let put = store.client.put_object().bucket("bucket").key(&name).body(bytes.into());
            put.send().await.unwrap();
            format!("s3://bucket/{name}")
        }
        Err(_) => script.clone(),
    };
    let stage = stage::Stage::open(&root.join("workers"), Path::new(runtimes), Some(root.join("s3"))).await;
    let driver = DriverAssignment {
        common: common(label, &store),
        entry_point,
        arguments: rest.iter().skip(1).cloned().collect(),
        spark_submit_parameters: rest.first().cloned().unwrap_or_default(),
        configuration: Default::default(),
        name: Some("one-run".into()),
        tmp: Some("s3://bucket/tmp/run/".into()),
        event_logs: Some("s3://bucket/logs/applications/app/jobs/run/sparklogs/".into()),
    };
    let begun = std::time::Instant::now();
    stage.launch("run-1-driver", "127.0.0.1", Assignment::Driver(driver));
    let exit = stage.exit("run-1-driver").await;
    println!("{exit:?} after {:.2} s", begun.elapsed().as_secs_f64());
    println!("executors: {:?}", stage.executors());
    for name in ["stderr.gz", "stdout.gz"] {
        println!("---- {name}\n{}", gunzip(&store.client, &format!("{LOGS}/{name}")).await);
    }
    let listed = store.client.list_objects_v2().bucket("bucket").send().await.unwrap();
    for object in listed.contents() {
        println!("{:>10} {}", object.size().unwrap_or(0), object.key().unwrap_or_default());
    }
    println!("workers in {}", root.display());
    stage.wait_all();
}

fn common(label: &str, store: &store::Store) -> Common {
    Common {
        application: ApplicationId::new("app"),
        application_name: Some("by hand".into()),
        job_run: JobRunId::new("run"),
        attempt: 1,
        fence: 1,
        release: ReleaseLabel::new(label),
        size: Size { cpu: 4, memory: 16, disk: 20 },
        heap_mib: 2_048,
        logs: Some(LogDestination { bucket: "bucket".into(), prefix: LOGS.into() }),
        store: store.place.clone(),
        credentials: store.credentials.clone(),
        contact_every_ms: 5_000,
        contact_limit_ms: 60_000,
    }
}

async fn gunzip(client: &aws_sdk_s3::Client, key: &str) -> String {
    let found = client.get_object().bucket("bucket").key(key).send().await.unwrap();
    let bytes = found.body.collect().await.unwrap().into_bytes();
    let mut text = String::new();
    MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    text
}
