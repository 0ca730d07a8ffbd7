//! One call of the API: signed, sent, tried again where that is safe, and its error read as AWS says it.

use crate::access::Access;
use crate::failure::Failure;
use crate::http_client::{Answer, HttpClient};
use anyhow::Context;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use firesteel_wire::client::{self, Request};
use firesteel_wire::{Input, Operation};
use serde_json::Value;
use std::time::{Duration, SystemTime};

const TRIES: u32 = 3;
const SERVICE: &str = "emr-serverless";

/// The API as seen by a caller.
pub struct Api {
    access: Access,
    http: HttpClient,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The service said no.
    #[error("An error occurred ({code}) when calling the {operation} operation: {message}")]
    Refused {
        /// Which operation.
        operation: Operation,
        /// The error's name, e.g. `ValidationException`.
        code: String,
        /// What the service says.
        message: String,
    },
    /// The input cannot be sent.
    #[error("{0}")]
    Unsendable(String),
    /// The service cannot be reached.
    #[error("Could not connect to the endpoint URL \"{endpoint}\": {why:#}. Is `firesteel up` running?")]
    Unreachable {
        /// Where.
        endpoint: String,
        /// What was met there.
        why: anyhow::Error,
    },
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused { .. } => Self::Service(error.to_string()),
            CallError::Unsendable(text) => Self::Usage(text),
            CallError::Unreachable { .. } => Self::Other(error.into()),
        }
    }
}

impl Api {
    /// The API behind `access`.
    pub fn new(access: Access) -> anyhow::Result<Self> {
        Ok(Self { access, http: HttpClient::new()? })
    }

    /// Where and with which keys it is spoken to.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Calls an operation. What the service cannot do now is tried again; a client token makes that safe.
    pub async fn call(&self, operation: Operation, input: &Input) -> Result<Value, CallError> {
        let request =
            client::request(operation, input).map_err(|error| CallError::Unsendable(error.message))?;
        let mut attempt = 1;
        loop {
            let answer = self
                .send(&request)
                .await
                .map_err(|why| CallError::Unreachable { endpoint: self.access.endpoint.clone(), why })?;
            let again = matches!(answer.status().as_u16(), 429 | 500 | 502 | 503 | 504) && attempt < TRIES;
            if !again {
                return read(operation, &answer);
            }
            tokio::time::sleep(Duration::from_millis(200) * 2_u32.pow(attempt)).await;
            attempt += 1;
        }
    }

    async fn send(&self, request: &Request) -> anyhow::Result<Answer> {
        self.http.send(self.signed(request)?).await
    }

    fn signed(&self, request: &Request) -> anyhow::Result<http::Request<Bytes>> {
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let uri = format!("{}{}{query}", self.access.endpoint, request.path);
        let body = Bytes::from(request.body.clone().unwrap_or_default());
        let mut builder = http::Request::builder().method(request.method.as_str()).uri(&uri);
        if request.body.is_some() {
            builder = builder.header("content-type", "application/json");
        }
        let mut unsigned = builder
            .header("user-agent", concat!("firesteel/", env!("CARGO_PKG_VERSION")))
            .body(body.clone())
            .with_context(|| format!("\"{uri}\" is no URL"))?;
        let keys = &self.access.keys;
        let token = self.access.session_token.clone();
        let identity =
            Credentials::new(&keys.access_key_id, &keys.secret_access_key, token, None, "firesteel").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.access.region)
            .name(SERVICE)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = unsigned.headers().iter().filter(|(name, _)| *name != http::header::USER_AGENT);
        let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new(&request.method, &uri, headers, SignableBody::Bytes(&body))?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        instructions.apply_to_request_http1x(&mut unsigned);
        Ok(unsigned)
    }
}

fn read(operation: Operation, answer: &Answer) -> Result<Value, CallError> {
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_else(|_| Value::Object(Input::new()));
    if answer.status().is_success() {
        return Ok(body);
    }
    let header = answer.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let code = header.or_else(|| body["__type"].as_str()).or_else(|| body["code"].as_str());
    // `Name:http://…` and `namespace#Name` are both seen.
    let code =
        code.map(|code| code.split(':').next().unwrap_or(code).rsplit('#').next().unwrap_or(code).to_owned());
    let message = body["message"].as_str().or_else(|| body["Message"].as_str());
    Err(CallError::Refused {
        operation,
        code: code.unwrap_or_else(|| answer.status().as_u16().to_string()),
        message: message
            .unwrap_or_else(|| answer.status().canonical_reason().unwrap_or("no message"))
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::KeyPair;
    use firesteel_wire::sigv4::{Claim, SignedRequest, SigningKey, sha256, verify};
    use serde_json::json;

    fn api(endpoint: &str) -> Api {
        Api::new(Access {
            endpoint: endpoint.into(),
            s3_endpoint: None,
            region: "us-east-1".into(),
            keys: KeyPair { access_key_id: "K".into(), secret_access_key: "S".into() },
            session_token: Some("T".into()),
        })
        .unwrap()
    }

    fn input(value: Value) -> Input {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_the_sdk_signs_the_service_verifies() {
        let arn = "arn:aws:emr-serverless:us-east-1:000000000000:/applications/a";
        let table = [
            (Operation::StartApplication, json!({"applicationId": "a"})),
            (Operation::UntagResource, json!({"resourceArn": arn, "tagKeys": ["b c", "a+%"]})),
            (Operation::CreateApplication, json!({"type": "SPARK", "name": "é"})),
        ];
        for (operation, members) in table {
            let built = client::request(operation, &input(members)).unwrap();
            let signed = api("http://127.0.0.1:9400").signed(&built).unwrap();
            let mut headers: Vec<(&str, &str)> = signed
                .headers()
                .iter()
                .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
                .collect();
            headers.push(("host", "127.0.0.1:9400"));
            let received = SignedRequest {
                method: signed.method().as_str(),
                raw_path: signed.uri().path(),
                raw_query: signed.uri().query().unwrap_or_default(),
                headers: &headers,
                body_sha256: &sha256(signed.body()),
            };
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
            let now = firesteel_wire::shapes::Timestamp(i64::try_from(now).unwrap());
            let keys =
                |claim: &Claim<'_>| Some(SigningKey::derive("S", claim.day, claim.region, claim.service));
            let caller = verify(&received, now, &keys, SERVICE, "us-east-1").unwrap();
            assert_eq!((caller.access_key_id.as_str(), caller.session_token.as_deref()), ("K", Some("T")));
        }
    }

    #[test]
    fn errors_are_said_as_the_aws_cli_does() {
        let answer = |header: Option<&str>, body: &str| {
            let mut builder = http::Response::builder().status(400);
            if let Some(header) = header {
                builder = builder.header("x-amzn-errortype", header);
            }
            let answer = builder.body(Bytes::from(body.to_owned())).unwrap();
            Failure::from(read(Operation::StartJobRun, &answer).unwrap_err())
        };
        let table = [
            (Some("ValidationException"), r#"{"message":"m"}"#, "(ValidationException)", ": m"),
            (Some("X:http://a/"), r#"{"Message":"m"}"#, "(X)", ": m"),
            (None, r#"{"__type":"com.a#Y","message":"m"}"#, "(Y)", ": m"),
            (None, "<html>", "(400)", ": Bad Request"),
        ];
        for (header, body, code, message) in table {
            let failure = answer(header, body);
            let expected =
                format!("An error occurred {code} when calling the StartJobRun operation{message}");
            assert_eq!((failure.to_string(), failure.code()), (expected, 254));
        }
    }

    #[tokio::test]
    async fn nobody_there_is_one_clear_line() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let api = api(&format!("http://{closed}"));
        let failure = Failure::from(api.call(Operation::ListApplications, &Input::new()).await.unwrap_err());
        assert_eq!(failure.code(), 1);
        let text = failure.to_string();
        assert!(text.contains(&closed.to_string()) && !text.contains('\n'), "{text}");
    }
}
