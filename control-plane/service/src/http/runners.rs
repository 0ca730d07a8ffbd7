//! The runners' calls: JSON in, JSON out, a bearer token good for one worker.

use crate::home::Home;
use crate::runner::{Desk, NoAnswer};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use firesteel_core::id::WorkerId;
use firesteel_protocol::{Answer, End, Ended, Exchange, Greeting, Hello};
use http::{HeaderMap, StatusCode, header};
use std::sync::Arc;

type Answered<T> = Result<Json<T>, NoAnswer>;

pub(super) async fn hello(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Json(hello): Json<Hello>,
) -> Answered<Greeting> {
    let home = home(&desk, &headers, &hello.worker).await?;
    Ok(Json(desk.hello(&home, hello).await?))
}

pub(super) async fn exchange(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Json(exchange): Json<Exchange>,
) -> Answered<Answer> {
    let home = home(&desk, &headers, &exchange.worker).await?;
    Ok(Json(desk.exchange(&home, exchange).await?))
}

pub(super) async fn end(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Json(end): Json<End>,
) -> Answered<Ended> {
    let home = home(&desk, &headers, &end.worker).await?;
    Ok(Json(desk.end(&home, end).await?))
}

async fn home(desk: &Desk, headers: &HeaderMap, worker: &WorkerId) -> Result<Arc<Home>, NoAnswer> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given.and_then(|value| value.strip_prefix("Bearer ")).ok_or(NoAnswer::Forbidden)?;
    desk.admit(token, worker).await
}

impl IntoResponse for NoAnswer {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, self.to_string()).into_response()
    }
}
