//! What goes wrong, as AWS's restJson1 says it: a kind with its name and status, the caller's message and, apart from it, the
//! operator's detail. It knows of HTTP only numbers and strings.

use std::fmt;

/// The longest message the model allows (`String1024`), in characters.
pub const MESSAGE_LIMIT: usize = 1024;

/// The kinds of error a caller can meet: the five of the service model, then those common to all AWS services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorKind {
    /// The input breaks a constraint or a rule.
    Validation,
    /// The named thing does not exist.
    ResourceNotFound,
    /// The request contradicts an earlier one, e.g. a client token used again with another body.
    Conflict,
    /// A quota of the installation would be passed.
    ServiceQuotaExceeded,
    /// The service failed; the request may be sent again.
    InternalServer,
    /// The caller may not do this.
    AccessDenied,
    /// The access key or session token is not known.
    UnrecognizedClient,
    /// The signature does not match, or its time is too far from now.
    InvalidSignature,
    /// The request is not signed.
    MissingAuthenticationToken,
    /// The signature lacks parts or has malformed ones.
    IncompleteSignature,
    /// The session token has expired.
    ExpiredToken,
    /// No operation has this method and path.
    UnknownOperation,
    /// The body or a parameter cannot be read as its type.
    Serialization,
    /// The body is larger than the service takes.
    RequestEntityTooLarge,
    /// Too many requests; SDKs try again.
    Throttling,
    /// The service cannot answer now; SDKs try again.
    ServiceUnavailable,
    /// The request did not arrive in time.
    RequestTimeout,
}

impl ErrorKind {
    /// The HTTP status, from the service model or AWS's list of common errors.
    pub const fn status(self) -> u16 {
        match self {
            Self::Validation | Self::Serialization | Self::Throttling => 400,
            Self::ServiceQuotaExceeded => 402,
            Self::AccessDenied
            | Self::UnrecognizedClient
            | Self::InvalidSignature
            | Self::MissingAuthenticationToken
            | Self::IncompleteSignature
            | Self::ExpiredToken => 403,
            Self::ResourceNotFound | Self::UnknownOperation => 404,
            Self::RequestTimeout => 408,
            Self::Conflict => 409,
            Self::RequestEntityTooLarge => 413,
            Self::InternalServer => 500,
            Self::ServiceUnavailable => 503,
        }
    }

    /// The value of the `x-amzn-errortype` header: the shape's name.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Validation => "ValidationException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::Conflict => "ConflictException",
            Self::ServiceQuotaExceeded => "ServiceQuotaExceededException",
            Self::InternalServer => "InternalServerException",
            Self::AccessDenied => "AccessDeniedException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::InvalidSignature => "InvalidSignatureException",
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::IncompleteSignature => "IncompleteSignatureException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::Serialization => "SerializationException",
            Self::RequestEntityTooLarge => "RequestEntityTooLargeException",
            Self::Throttling => "ThrottlingException",
            Self::ServiceUnavailable => "ServiceUnavailableException",
            Self::RequestTimeout => "RequestTimeoutException",
        }
    }
}

/// An answer that is a "no": for the caller a kind and a message, for the operator (optionally) what lies behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// Which error it is.
    pub kind: ErrorKind,
    /// What the caller is told, in AWS's words where they are known.
    pub message: String,
    /// What only the operator is told (log, never the answer).
    pub detail: Option<String>,
}

impl ApiError {
    /// An error of this kind, its message cut to [`MESSAGE_LIMIT`] characters.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: capped(message.into()), detail: None }
    }

    /// The same error with the operator's detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// ValidationException, 400.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Validation, message)
    }

    /// ResourceNotFoundException, 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::ResourceNotFound, message)
    }

    /// ConflictException, 409.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// ServiceQuotaExceededException, 402.
    pub fn quota(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::ServiceQuotaExceeded, message)
    }

    /// InternalServerException, 500: a fixed message for the caller, the cause for the operator.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::InternalServer, "An internal error occurred. Try again.").with_detail(detail)
    }

    /// SerializationException, 400.
    pub fn serialization(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Serialization, message)
    }

    /// UnknownOperationException, 404.
    pub fn unknown_operation() -> Self {
        Self::new(ErrorKind::UnknownOperation, "No operation of EMR Serverless has this method and path.")
    }

    /// RequestEntityTooLargeException, 413, naming the limit in bytes.
    pub fn too_large(limit: usize) -> Self {
        Self::new(ErrorKind::RequestEntityTooLarge, format!("The request body is larger than {limit} bytes."))
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.kind.status()
    }

    /// The value of the `x-amzn-errortype` header.
    pub const fn type_name(&self) -> &'static str {
        self.kind.type_name()
    }

    /// The JSON body: `{"message": …}`.
    pub fn body(&self) -> String {
        serde_json::json!({ "message": self.message }).to_string()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.type_name(), self.message)
    }
}

impl std::error::Error for ApiError {}

/// Cuts a text to [`MESSAGE_LIMIT`] characters; a cut one ends in "...".
fn capped(text: String) -> String {
    if text.len() <= MESSAGE_LIMIT || text.chars().count() <= MESSAGE_LIMIT {
        return text;
    }
    let kept: String = text.chars().take(MESSAGE_LIMIT - 3).collect();
    kept + "..."
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::model;

    #[test]
    fn statuses_of_declared_errors_are_the_models() {
        let kinds = [
            ErrorKind::Validation,
            ErrorKind::ResourceNotFound,
            ErrorKind::Conflict,
            ErrorKind::ServiceQuotaExceeded,
            ErrorKind::InternalServer,
        ];
        let ours: Vec<(String, u16)> = kinds.iter().map(|k| (k.type_name().to_owned(), k.status())).collect();
        let mut theirs = model().errors().to_vec();
        assert_eq!(theirs.len(), 5);
        theirs.retain(|pair| !ours.contains(pair));
        assert_eq!(theirs, []);
    }

    #[test]
    fn a_message_is_cut_by_characters_and_says_so() {
        assert_eq!(ApiError::validation("é".repeat(1024)).message, "é".repeat(1024));
        let cut = ApiError::validation("é".repeat(1025)).message;
        assert_eq!(cut.chars().count(), 1024);
        assert!(cut.ends_with("é..."));
    }

    #[test]
    fn the_body_carries_the_message_and_never_the_detail() {
        let error = ApiError::internal("bucket said \"no\"");
        assert_eq!(error.body(), r#"{"message":"An internal error occurred. Try again."}"#);
        assert_eq!((error.status(), error.type_name()), (500, "InternalServerException"));
        assert_eq!(error.detail.as_deref(), Some("bucket said \"no\""));
    }
}
