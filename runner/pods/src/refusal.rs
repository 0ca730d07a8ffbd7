//! What this API says when it says no: a Kubernetes `Status`, as Spark's client library expects it.

use serde_json::{Value, json};

/// A refused request: HTTP status, Kubernetes reason and a sentence for whoever reads the driver's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status code.
    pub code: u16,
    /// Kubernetes' machine-readable reason, such as `NotFound`.
    pub reason: &'static str,
    /// What was wrong, in one sentence.
    pub message: String,
}

impl Refusal {
    /// 400: the body or the query cannot be read.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::of(400, "BadRequest", message)
    }

    /// 401: the bearer token is missing or wrong.
    pub fn unauthorized() -> Self {
        Self::of(401, "Unauthorized", "Unauthorized")
    }

    /// 404: no such object, or no such part of the API.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::of(404, "NotFound", message)
    }

    /// 405: the path is known and this method on it is not.
    pub fn method_not_allowed(method: &str, path: &str) -> Self {
        Self::of(405, "MethodNotAllowed", format!("{method} is not allowed on {path}"))
    }

    /// 409: the name is taken.
    pub fn already_exists(message: impl Into<String>) -> Self {
        Self::of(409, "AlreadyExists", message)
    }

    /// 413: the body is larger than this API takes.
    pub fn too_large() -> Self {
        Self::of(413, "RequestEntityTooLarge", "the request body is too large")
    }

    /// 415: a patch of a kind this API does not know.
    pub fn unsupported_media_type(content_type: &str) -> Self {
        Self::of(415, "UnsupportedMediaType", format!("a patch cannot be of type '{content_type}'"))
    }

    /// 422: well formed, but not something that can be done.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::of(422, "Invalid", message)
    }

    /// The Kubernetes `Status` object to answer with.
    pub fn status(&self) -> Value {
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        })
    }

    fn of(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into() }
    }
}
