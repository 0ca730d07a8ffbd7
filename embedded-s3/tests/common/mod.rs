//! A store in a temporary folder, served on a loopback port, and clients for it.
#![allow(dead_code)]

use std::path::Path;
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_sdk_s3::config::{BehaviorVersion, Region, RequestChecksumCalculation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use axum::Router;
use axum::extract::{Request, State};
use axum::serve::ListenerExt;
use firesteel_embedded_s3::{Config, EmbeddedS3, KeyPair};

/// The state bucket of every test store.
pub const STATE: &str = "firesteel-state";

/// A served store. Dropped, it is stopped and its folder removed.
pub struct Served {
    /// `http://127.0.0.1:port`
    pub url: String,
    /// The data folder.
    pub folder: Arc<tempfile::TempDir>,
    store: Arc<EmbeddedS3>,
    server: tokio::task::JoinHandle<()>,
}

fn pair(name: &str) -> KeyPair {
    KeyPair { access_key: name.into(), secret_key: format!("{name}-secret") }
}

/// The configuration of every test store.
pub fn config(root: &Path) -> Config {
    let roles = root.join("roles.toml");
    Config {
        root: root.into(),
        region: "us-east-1".into(),
        operator: pair("operator"),
        control_plane: pair("control-plane"),
        state_bucket: STATE.into(),
        roles_file: roles.is_file().then_some(roles),
        account_id: "000000000000".into(),
    }
}

async fn answer(State(store): State<Arc<EmbeddedS3>>, request: Request) -> axum::response::Response {
    let signed = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let response = match signed.is_some_and(|signed| signed.contains("/sts/aws4_request")) {
        true => store.sts(request).await,
        false => store.s3(request).await,
    };
    response.map(axum::body::Body::new)
}

impl Served {
    /// Serves a new store.
    pub async fn new() -> Self {
        Self::on(Arc::new(tempfile::tempdir().unwrap())).await
    }

    /// Serves a new store with a roles file.
    pub async fn with_roles(roles: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("roles.toml"), roles).unwrap();
        Self::on(Arc::new(folder)).await
    }

    /// Serves what is in a folder.
    pub async fn on(folder: Arc<tempfile::TempDir>) -> Self {
        let store = Arc::new(EmbeddedS3::open(config(folder.path())).unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(store.clone());
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, folder, store, server }
    }

    /// Stops the store and serves its folder anew.
    pub async fn restart(self) -> Self {
        let folder = self.folder.clone();
        let Self { store, server, .. } = self;
        server.abort();
        let _ = server.await;
        let mut store = store;
        // Connections end with their tasks; each holds the store for a moment longer.
        let store = loop {
            match Arc::try_unwrap(store) {
                Ok(store) => break store,
                Err(shared) => store = shared,
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        };
        store.close();
        Self::on(folder).await
    }

    /// A client with the operator's key.
    pub fn operator(&self) -> aws_sdk_s3::Client {
        self.client(Credentials::new("operator", "operator-secret", None, None, "test"))
    }

    /// A client with the control plane's key.
    pub fn control_plane(&self) -> aws_sdk_s3::Client {
        self.client(Credentials::new("control-plane", "control-plane-secret", None, None, "test"))
    }

    /// A client with these credentials.
    pub fn client(&self, credentials: Credentials) -> aws_sdk_s3::Client {
        client(&self.url, credentials, RequestChecksumCalculation::WhenSupported)
    }

    /// A client with the operator's key that sends checksums only if it must.
    pub fn quiet_client(&self) -> aws_sdk_s3::Client {
        let credentials = Credentials::new("operator", "operator-secret", None, None, "test");
        client(&self.url, credentials, RequestChecksumCalculation::WhenRequired)
    }

    /// An STS client with these credentials.
    pub fn sts(&self, access_key: &str, secret_key: &str, token: Option<&str>) -> aws_sdk_sts::Client {
        let credentials = aws_sdk_sts::config::Credentials::new(
            access_key,
            secret_key,
            token.map(str::to_owned),
            None,
            "test",
        );
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
            .region(aws_sdk_sts::config::Region::new("us-east-1"))
            .endpoint_url(&self.url)
            .credentials_provider(credentials)
            .build();
        aws_sdk_sts::Client::from_conf(config)
    }

    /// The store itself.
    pub fn store(&self) -> &EmbeddedS3 {
        &self.store
    }

    /// The number of blob files.
    pub fn blob_files(&self) -> usize {
        let shelves = std::fs::read_dir(self.folder.path().join("blobs")).unwrap();
        shelves.map(|shelf| std::fs::read_dir(shelf.unwrap().path()).unwrap().count()).sum()
    }
}

/// A client of the SDK.
pub fn client(
    url: &str,
    credentials: Credentials,
    checksums: RequestChecksumCalculation,
) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .force_path_style(true)
        .request_checksum_calculation(checksums)
        .credentials_provider(credentials)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

/// Status and AWS code of a refusal.
pub fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E>>,
) -> (u16, String) {
    let error = result.expect_err("the request should have been refused");
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let code = error.as_service_error().and_then(|error| error.code()).unwrap_or_default().to_owned();
    (status, code)
}

/// A body of `len` bytes that differ from place to place.
pub fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(step).collect()
}
