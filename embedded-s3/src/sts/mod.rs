//! STS, as far as one machine needs it: AssumeRole, GetSessionToken and GetCallerIdentity over the query protocol,
//! version 2011-06-15 (STS API reference).
//!
//! It issues sessions and tells callers who they are; what sessions may is decided in `access`.

mod answer;
mod issue;
mod signature;

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use s3s::Body;

use crate::access::{Identity, Keys};
use answer::Fault;

/// The longest request, in bytes.
pub const BODY_MAX: usize = 64 * 1024;
const VERSION: &str = "2011-06-15";

/// The STS operations over one set of keys.
#[derive(Debug, Clone)]
pub struct Sts {
    keys: Arc<Keys>,
}

/// The parameters of a request: query string and form, in order.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(query: &str, form: &[u8]) -> Self {
        let form = String::from_utf8_lossy(form);
        let pairs = query.split('&').chain(form.split('&')).filter(|pair| !pair.is_empty());
        let decode =
            |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The values of all parameters whose names begin so, in order.
    fn starting_with<'p>(&'p self, prefix: &'p str) -> impl Iterator<Item = &'p str> {
        self.0.iter().filter(move |(name, _)| name.starts_with(prefix)).map(|(_, value)| value.as_str())
    }
}

impl Sts {
    /// STS for these keys.
    pub fn new(keys: Arc<Keys>) -> Self {
        Self { keys }
    }

    /// Answers a request whose body was read whole.
    pub fn answer(&self, parts: &http::request::Parts, body: &[u8]) -> http::Response<Body> {
        let id = request_id();
        let (status, text) = match self.handle(parts, body) {
            Ok(result) => (http::StatusCode::OK, answer::success(&result.0, &result.1, &id)),
            Err(fault) => (fault.status, answer::failure(&fault, &id)),
        };
        let mut response = http::Response::new(Body::from(text));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("text/xml"));
        if let Ok(id) = id.parse() {
            response.headers_mut().insert("x-amzn-requestid", id);
        }
        response
    }

    fn handle(&self, parts: &http::request::Parts, body: &[u8]) -> Result<(String, String), Fault> {
        let access_key = signature::verify(&self.keys, parts, body)?;
        let token = parts.headers.get("x-amz-security-token").and_then(|token| token.to_str().ok());
        let caller = self.keys.caller(&access_key, token).map_err(Fault::stranger)?;
        let parameters = Parameters::read(parts.uri.query().unwrap_or_default(), body);
        let action = parameters.get("Action").unwrap_or_default();
        let version = parameters.get("Version").unwrap_or(VERSION);
        let result = match (action, version) {
            ("AssumeRole", VERSION) => self.assume_role(caller.identity(), &parameters)?,
            ("GetSessionToken", VERSION) => {
                self.session_token(caller.identity(), &access_key, &parameters)?
            }
            ("GetCallerIdentity", VERSION) => self.caller_identity(caller.identity(), &access_key),
            _ => {
                let text = format!("Could not find operation {action} for version {version}");
                return Err(Fault::bad_request("InvalidAction", text));
            }
        };
        Ok((action.to_owned(), result))
    }

    fn arn(&self, identity: &Identity) -> String {
        let user = match identity {
            Identity::ControlPlane => "firesteel-control-plane",
            Identity::Operator => "firesteel-operator",
            Identity::Named(named) => return named.arn.clone(),
            Identity::Session(role, _) => return role.arn(),
        };
        format!("arn:aws:iam::{}:user/{user}", self.keys.account)
    }

    fn caller_identity(&self, identity: &Identity, access_key: &str) -> String {
        let (user, account) = match identity {
            Identity::Session(role, _) => (answer::role_user(role), role.account()),
            Identity::Named(named) => {
                (access_key.to_owned(), named.arn.split(':').nth(4).unwrap_or_default())
            }
            _ => (access_key.to_owned(), self.keys.account.as_str()),
        };
        answer::caller_identity(&self.arn(identity), &user, account)
    }
}

fn request_id() -> String {
    let bytes = hex::encode(rand::random::<[u8; 16]>());
    [&bytes[..8], &bytes[8..12], &bytes[12..16], &bytes[16..20], &bytes[20..]].join("-")
}

fn constraint(member: &str, value: &str, rule: &str) -> Fault {
    Fault::validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}"
    ))
}

fn required<'p>(parameters: &'p Parameters, name: &str, least: usize, most: usize) -> Result<&'p str, Fault> {
    let member = format!("{}{}", name[..1].to_ascii_lowercase(), &name[1..]);
    let Some(value) = parameters.get(name) else {
        return Err(Fault::validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        )));
    };
    match value.chars().count() {
        len if len < least => Err(constraint(
            &member,
            value,
            &format!("Member must have length greater than or equal to {least}"),
        )),
        len if len > most => {
            Err(constraint(&member, value, &format!("Member must have length less than or equal to {most}")))
        }
        _ => Ok(value),
    }
}
