//! HTTP/1.1 on loopback: token, body, answer. Every path goes to the cluster, which knows what it means.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use firesteel_pods::{Body as Answer, Call, Refusal};
use tokio::net::TcpListener;

use super::shared::Shared;
use super::streams;

/// The largest body taken, in bytes: Kubernetes' own order of magnitude; a pod of Spark's has 4 KB.
const BODY_LIMIT: usize = 3 << 20;

/// Serves until the API stops.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let stop = shared.stop.clone();
    let router = Router::new().fallback(answer).with_state(shared);
    let listener = listener.tap_io(|connection| {
        // Without it an answer may wait 40 ms for the client's acknowledgement; where it fails, it only is slower.
        let _ = connection.set_nodelay(true);
    });
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(%error, "the pod API ended");
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let header = |name| head.headers.get(name).map(|value| value.as_bytes());
    if !shared.admits(header(header::AUTHORIZATION)) {
        return refused(&Refusal::unauthorized());
    }
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return refused(&Refusal::too_large());
    };
    let content_type =
        header(header::CONTENT_TYPE).and_then(|value| std::str::from_utf8(value).ok()).unwrap_or("");
    let reply = shared.handle(&Call {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or(""),
        content_type,
        body: &body,
    });
    match (reply.body, upgrade) {
        (Answer::Json(value), _) => json(reply.status, value.to_string()),
        (Answer::Watch(watch), Ok(upgrade)) => {
            upgrade.on_upgrade(|socket| streams::frames(socket, shared, watch))
        }
        (Answer::Watch(watch), Err(_)) => {
            let stream = Body::from_stream(streams::lines(shared, watch));
            ([(header::CONTENT_TYPE, "application/json")], stream).into_response()
        }
    }
}

fn refused(refusal: &Refusal) -> Response {
    json(refusal.code, refusal.status().to_string())
}

fn json(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
