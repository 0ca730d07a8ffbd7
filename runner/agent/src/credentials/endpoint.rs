//! The loopback endpoint that the job's AWS SDKs ask (`AWS_CONTAINER_CREDENTIALS_FULL_URI`).

use super::Keyring;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use std::net::SocketAddr;
use std::sync::Arc;

/// A running endpoint. It ends with the process.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub uri: String,
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN`: the whole value of the Authorization header.
    pub authorization: String,
}

struct Shared {
    keyring: Keyring,
    authorization: String,
}

impl Endpoint {
    /// Serves the newest of `keyring` on a free loopback port to whoever knows the random token.
    pub async fn serve(keyring: Keyring) -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let uri = format!("http://{}/credentials", listener.local_addr()?);
        let authorization = format!("Bearer {}", hex::encode(rand::random::<[u8; 24]>()));
        let shared = Arc::new(Shared { keyring, authorization: authorization.clone() });
        let routes = Router::new().route("/credentials", get(answer)).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { uri, authorization })
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let given = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
    if given != Some(shared.authorization.as_bytes()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let held = shared.keyring.newest();
    let mut answer = serde_json::json!({
        "AccessKeyId": held.access_key_id,
        "SecretAccessKey": held.secret_access_key,
        "Token": held.session_token,
        "Expiration": timestamp(held.expires.0),
    });
    if held.session_token.is_empty() {
        // An empty token would be signed as one.
        answer.as_object_mut().map(|fields| fields.remove("Token"));
    }
    Json(answer).into_response()
}

/// `YYYY-MM-DDThh:mm:ssZ` of milliseconds since 1970.
fn timestamp(milliseconds: i64) -> String {
    let seconds = milliseconds.div_euclid(1_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 0000-03-01, so that the leap day ends a year (Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_core::time::Millis;
    use firesteel_protocol::Credentials;

    fn credentials(key: &str, expires: i64) -> Credentials {
        Credentials {
            access_key_id: key.into(),
            secret_access_key: "secret".into(),
            session_token: "token".into(),
            granted: Millis(0),
            expires: Millis(expires),
        }
    }

    #[test]
    fn times_as_aws_writes_them() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_265_999_999, "2026-11-21T12:59:59Z"),
            (1_709_251_199_000, "2024-02-29T23:59:59Z"),
        ] {
            assert_eq!(timestamp(milliseconds), text);
        }
    }

    #[tokio::test]
    async fn serves_the_newest_to_whoever_has_the_token() {
        let keyring = Keyring::new(credentials("first", 1_000));
        let endpoint = Endpoint::serve(keyring.clone()).await.unwrap();
        let client = reqwest::Client::new();
        let refused = client.get(&endpoint.uri).header("authorization", "Bearer no").send().await.unwrap();
        assert_eq!(refused.status(), 401);
        keyring.renew(credentials("second", 2_000));
        keyring.renew(credentials("late", 500));
        let given =
            client.get(&endpoint.uri).header("authorization", &endpoint.authorization).send().await.unwrap();
        let given: serde_json::Value = given.json().await.unwrap();
        assert_eq!(given["AccessKeyId"], "second");
        assert_eq!(given["Expiration"], "1970-01-01T00:00:02Z");
    }
}
