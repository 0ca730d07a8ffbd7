//! HTTP: the API behind signatures, the runners' calls and the dashboards behind tokens, health and metrics for whoever asks.

mod api;
mod health;
mod meters;
mod runners;
mod signature;

use crate::operations::Service;
use crate::runner::Desk;
use api::Api;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use firesteel_protocol::transport;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;

/// Largest body of an API request, bytes.
const LARGEST_REQUEST: usize = 1 << 20;
/// Largest body of a runner's call, bytes: the whole set of executors with their launches.
const LARGEST_CALL: usize = 16 << 20;

/// Everything on one router.
pub fn router(service: Service, desk: Desk, metrics: PrometheusHandle) -> Router {
    let runners = Router::new()
        .route(transport::HELLO, post(runners::hello))
        .route(transport::EXCHANGE, post(runners::exchange))
        .route(transport::END, post(runners::end))
        .layer(DefaultBodyLimit::max(LARGEST_CALL))
        .with_state(desk);
    let health = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(health::metrics))
        .with_state((service.clone(), metrics));
    let dashboards = crate::dashboards::router(service.clone());
    let api = Arc::new(Api::new(service));
    let call = move |request| api.clone().call(request);
    Router::new().merge(runners).merge(health).merge(dashboards).fallback(call)
}
