//! Serves embedded S3 and STS on loopback, for tools to be pointed at.
//!
//! `serve DIR [PORT]` prints one line when it is ready:
//! `ready http://127.0.0.1:PORT operator/operator-secret control-plane/control-plane-secret`.
//! The state bucket is `firesteel-state`; `DIR/roles.toml` is used if it is there.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::ListenerExt;
use firesteel_embedded_s3::{Config, EmbeddedS3, KeyPair};

fn pair(name: &str) -> KeyPair {
    KeyPair { access_key: name.into(), secret_key: format!("{name}-secret") }
}

/// Tells S3 from STS by the service that the request was signed for.
async fn answer(State(store): State<Arc<EmbeddedS3>>, request: Request) -> Response {
    let signed = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let response = match signed.is_some_and(|signed| signed.contains("/sts/aws4_request")) {
        true => store.sts(request).await,
        false => store.s3(request).await,
    };
    response.map(axum::body::Body::new)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let root: std::path::PathBuf = arguments.next().ok_or("usage: serve DIR [PORT]")?.into();
    let port: u16 = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let roles = root.join("roles.toml");
    let store = EmbeddedS3::open(Config {
        root,
        region: "us-east-1".into(),
        operator: pair("operator"),
        control_plane: pair("control-plane"),
        state_bucket: "firesteel-state".into(),
        roles_file: roles.is_file().then_some(roles),
        account_id: "000000000000".into(),
    })?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    println!("ready http://{address} operator/operator-secret control-plane/control-plane-secret");
    let app = Router::new().fallback(answer).with_state(Arc::new(store));
    let listener = listener.tap_io(|stream| {
        // Without it small answers wait for delayed acknowledgements: 40 ms each.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await?;
    Ok(())
}
