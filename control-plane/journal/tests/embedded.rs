//! The conformance suite, the probe and two racing journals against the embedded S3.
mod common;
#[path = "common/s3.rs"]
mod s3;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::ListenerExt;
use firesteel_embedded_s3::{Config, EmbeddedS3, KeyPair};
use firesteel_journal::{S3Store, probe, suite};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_s3_store_on_the_embedded_s3_is_a_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        root: folder.path().join("s3"),
        region: "us-east-1".into(),
        operator: pair("operator"),
        control_plane: pair("control-plane"),
        state_bucket: "state".into(),
        roles_file: None,
        account_id: "000000000000".into(),
    };
    let server = Arc::new(EmbeddedS3::open(config).expect("it opens"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let app = Router::new().fallback(answer).with_state(server);
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });

    let client = s3::client(&endpoint, "control-plane", "control-plane-secret");
    client.create_bucket().bucket("state").send().await.expect("a bucket");
    let store = S3Store::new(client, "state", "some/prefix");
    suite::run(&store, "suite").await;
    probe(&store, "mark").await.expect("the embedded S3 enforces conditional writes");
    common::race_two_journals(Arc::new(store), 200).await;
    serving.abort();
}

fn pair(name: &str) -> KeyPair {
    KeyPair { access_key: name.into(), secret_key: format!("{name}-secret") }
}

async fn answer(State(server): State<Arc<EmbeddedS3>>, request: Request) -> Response {
    server.s3(request).await.map(axum::body::Body::new)
}
