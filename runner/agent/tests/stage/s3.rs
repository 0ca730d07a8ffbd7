//! Embedded S3 on a free loopback port, with an operator's client.

use aws_sdk_s3::Client;
use firesteel_agent::{Keyring, s3_client};
use firesteel_core::time::Millis;
use firesteel_embedded_s3::{Config, EmbeddedS3, KeyPair};
use firesteel_protocol::{Credentials, ObjectStore};
use std::path::Path;
use std::sync::Arc;

/// A store that serves until the process ends.
pub struct Store {
    pub place: ObjectStore,
    pub credentials: Credentials,
    pub client: Client,
}

/// Opens a store in `root` with one bucket, `bucket`.
pub async fn open(root: &Path) -> Store {
    let pair = |name: &str| KeyPair { access_key: name.into(), secret_key: format!("{name}-secret") };
    let config = Config {
        root: root.to_owned(),
        region: "us-east-1".into(),
        operator: pair("operator"),
        control_plane: pair("control-plane"),
        state_bucket: "state".into(),
        roles_file: None,
        account_id: "000000000000".into(),
    };
    let store = Arc::new(EmbeddedS3::open(config).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let routes = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let store = store.clone();
        async move { store.s3(request).await.map(axum::body::Body::new) }
    });
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let credentials = Credentials {
        access_key_id: "operator".into(),
        secret_access_key: "operator-secret".into(),
        session_token: String::new(),
        granted: Millis(0),
        expires: Millis(4_000_000_000_000),
    };
    let place = ObjectStore { endpoint: Some(endpoint), region: "us-east-1".into(), path_style: true };
    let client = s3_client(&place, &Keyring::new(credentials.clone()));
    client.create_bucket().bucket("bucket").send().await.unwrap();
    Store { place, credentials, client }
}
