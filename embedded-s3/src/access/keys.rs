//! The keys that are known, and whose they are.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Caller, Identity, Policy, Roles, Seal};
use crate::KeyPair;

/// Everything that decides who a caller is.
#[derive(Debug)]
pub struct Keys {
    /// The operator's key.
    pub operator: KeyPair,
    /// The control plane's key.
    pub control_plane: KeyPair,
    /// The bucket that only the control plane may touch.
    pub state_bucket: Arc<str>,
    /// The account of the operator and the control plane.
    pub account: String,
    /// What sessions are sealed with.
    pub seal: Seal,
    /// The roles that can be assumed.
    pub roles: Roles,
}

/// Why a key or its token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stranger {
    /// No such access key; also that of a session without its token.
    Unknown,
    /// The token is not genuine, or belongs to another key.
    BadToken,
    /// The session is over.
    Expired,
}

impl Keys {
    /// The secret of an access key.
    pub fn secret_key(&self, access_key: &str) -> Option<String> {
        [&self.operator, &self.control_plane]
            .into_iter()
            .find(|pair| pair.access_key == access_key)
            .map(|pair| pair.secret_key.clone())
            .or_else(|| self.seal.secret_key(access_key))
    }

    /// Who holds an access key whose signature was verified, and the session token beside it.
    pub fn caller(&self, access_key: &str, token: Option<&str>) -> Result<Caller, Stranger> {
        let identity = if access_key == self.control_plane.access_key {
            Identity::ControlPlane
        } else if access_key == self.operator.access_key {
            Identity::Operator
        } else {
            let token = token.ok_or(Stranger::Unknown)?;
            let session = self.seal.open_token(token, access_key).ok_or(Stranger::BadToken)?;
            if session.expires_ms <= now_ms() {
                return Err(Stranger::Expired);
            }
            let policy = session.policy.as_deref().map(Policy::parse).transpose();
            let policy = policy.map_err(|_| Stranger::BadToken)?;
            Identity::Session(Box::new(session), policy)
        };
        Ok(Caller::new(identity, self.state_bucket.clone()))
    }
}

/// Milliseconds since the epoch.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Limits, Session};

    #[test]
    fn a_session_ends_when_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let pair = |name: &str| KeyPair { access_key: name.into(), secret_key: "secret".into() };
        let keys = Keys {
            operator: pair("operator"),
            control_plane: pair("control-plane"),
            state_bucket: "state".into(),
            account: "000000000000".into(),
            seal: Seal::open(folder.path()).unwrap(),
            roles: Roles::Any,
        };
        let access_key = keys.seal.new_access_key();
        let token = |expires_ms| {
            keys.seal.token(&Session {
                access_key: access_key.clone(),
                role: "arn:aws:iam::123456789012:role/etl".into(),
                name: "run".into(),
                expires_ms,
                limits: Limits::None,
                policy: None,
            })
        };
        let found = |token: Option<&str>| keys.caller(&access_key, token).err();
        assert_eq!(found(Some(&token(now_ms() + 60_000))), None);
        assert_eq!(found(Some(&token(now_ms()))), Some(Stranger::Expired));
        assert_eq!(found(Some("x")), Some(Stranger::BadToken));
        assert_eq!(found(None), Some(Stranger::Unknown));
        assert_eq!(keys.secret_key("operator").as_deref(), Some("secret"));
        assert_eq!(keys.secret_key("nobody"), None);
    }
}
