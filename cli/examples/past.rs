//! Gives an application of a stopped installation a long past, through the real packing:
//! `past DATA_FOLDER APPLICATION RUNS RECORDS`. For the benchmarks.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use firesteel_core::time::Millis;
use firesteel_embedded_s3::{Config, EmbeddedS3, KeyPair};
use firesteel_journal::{Clock, Deps, S3Store};
use firesteel_service::past::{Past, write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

struct Now(Instant);

impl Clock for Now {
    fn now(&self) -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64
    }

    fn boot(&self) -> i64 {
        self.0.elapsed().as_millis() as i64
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, application, runs, records] = words.as_slice() else {
        anyhow::bail!("past DATA_FOLDER APPLICATION RUNS RECORDS");
    };
    let server = Arc::new(open(Path::new(folder))?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let app = Router::new().fallback(answer).with_state(server);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let clock = Arc::new(Now(Instant::now()));
    let newest = Millis(clock.now() - 3_600_000);
    let marks = AtomicU64::new(0);
    let marks = move || format!("past-{}-{}", std::process::id(), marks.fetch_add(1, Ordering::SeqCst));
    let past =
        Past { application: application.clone(), runs: runs.parse()?, records: records.parse()?, newest };
    let store = Arc::new(S3Store::new(client(&endpoint), "firesteel-state", "state"));
    write(store, Deps { clock, marks: Arc::new(marks) }, &past).await
}

fn open(folder: &Path) -> anyhow::Result<EmbeddedS3> {
    let pair = |name: &str| KeyPair { access_key: name.into(), secret_key: format!("{name}-secret") };
    let config = Config {
        root: folder.join("s3"),
        region: "us-east-1".into(),
        operator: pair("operator"),
        control_plane: pair("control-plane"),
        state_bucket: "firesteel-state".into(),
        roles_file: None,
        account_id: "000000000000".into(),
    };
    Ok(EmbeddedS3::open(config)?)
}

fn client(endpoint: &str) -> aws_sdk_s3::Client {
    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
    let keys = Credentials::new("control-plane", "control-plane-secret", None, None, "past");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(keys)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

async fn answer(State(server): State<Arc<EmbeddedS3>>, request: Request) -> Response {
    server.s3(request).await.map(axum::body::Body::new)
}
