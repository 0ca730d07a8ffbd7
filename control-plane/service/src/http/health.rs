//! Health and metrics, without a signature: they tell nothing of anybody's runs.

use crate::operations::Service;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use metrics_exporter_prometheus::PrometheusHandle;

/// 200 when the registry can be read.
pub(super) async fn healthz(State((service, _)): State<(Service, PrometheusHandle)>) -> Response {
    match service.applications().live().await {
        Ok(_) => (StatusCode::OK, "ok\n").into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

/// Prometheus' text form.
pub(super) async fn metrics(State((service, metrics)): State<(Service, PrometheusHandle)>) -> String {
    let homes = service.applications().open_homes();
    let (mut runs, mut workers) = (0, 0);
    for home in &homes {
        let state = home.state();
        runs += state.state.0.runs.len();
        workers += state.state.0.workers.values().filter(|worker| worker.is_live()).count();
    }
    metrics::gauge!("firesteel_applications").set(homes.len() as f64);
    metrics::gauge!("firesteel_job_runs_in_state").set(runs as f64);
    metrics::gauge!("firesteel_workers").set(workers as f64);
    metrics.run_upkeep();
    metrics.render()
}
