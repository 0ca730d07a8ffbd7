//! STS's answers in XML, as the query protocol has them.

use http::StatusCode;

use crate::access::{AssumedRole, Session, Stranger};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// An error of STS.
#[derive(Debug)]
pub struct Fault {
    /// HTTP status.
    pub status: StatusCode,
    /// AWS error code.
    pub code: &'static str,
    /// What went wrong.
    pub message: String,
}

impl Fault {
    /// 400.
    pub fn bad_request(code: &'static str, message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message }
    }

    /// A parameter breaks a rule.
    pub fn validation(message: String) -> Self {
        Self::bad_request("ValidationError", message)
    }

    /// 403.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, code, message: message.into() }
    }

    /// The caller may not.
    pub fn denied(message: String) -> Self {
        Self::forbidden("AccessDenied", message)
    }

    /// The key or token is not accepted.
    pub fn stranger(stranger: Stranger) -> Self {
        match stranger {
            Stranger::Unknown | Stranger::BadToken => Self::forbidden(
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            ),
            Stranger::Expired => {
                Self::forbidden("ExpiredToken", "The security token included in the request is expired")
            }
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A result in its envelope.
pub fn success(action: &str, result: &str, id: &str) -> String {
    format!(
        "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"
    )
}

/// An error in its envelope.
pub fn failure(fault: &Fault, id: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{id}</RequestId></ErrorResponse>",
        fault.code,
        escape(&fault.message)
    )
}

/// The result of AssumeRole.
pub fn assumed_role(session: &Session, role: &AssumedRole, secret: &str, token: &str) -> String {
    format!(
        "{}<AssumedRoleUser><AssumedRoleId>{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser>",
        credentials(session, secret, token),
        escape(&role_user(role)),
        escape(&role.arn())
    )
}

/// The credentials of a session: all of the result of GetSessionToken.
pub fn credentials(session: &Session, secret: &str, token: &str) -> String {
    let expires = jiff::Timestamp::from_second(session.expires_ms / 1000).unwrap_or_default();
    format!(
        "<Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
         <SessionToken>{token}</SessionToken><Expiration>{expires}</Expiration></Credentials>",
        session.access_key,
        escape(secret)
    )
}

/// The result of GetCallerIdentity.
pub fn caller_identity(arn: &str, user: &str, account: &str) -> String {
    format!("<Arn>{}</Arn><UserId>{}</UserId><Account>{account}</Account>", escape(arn), escape(user))
}

/// The unique id of an assumed role: `AROA…:<session>`, the same for the same role.
pub fn role_user(role: &AssumedRole) -> String {
    let id = crate::digest::md5_hex(role.role.as_bytes()).to_ascii_uppercase();
    format!("AROA{}:{}", &id[..16], role.name)
}
