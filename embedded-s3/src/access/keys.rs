//! The keys that are known, and whose they are.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Caller, Holder, Identity, Named, Policy, Roles, Seal, Session};
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
    pub roles: Latest<Roles>,
    /// Named users by access key.
    pub named: Latest<BTreeMap<String, Arc<Named>>>,
}

/// A value that is replaced as a whole.
#[derive(Debug, Default)]
pub struct Latest<T>(RwLock<Arc<T>>);

impl<T> Latest<T> {
    /// This one, for now.
    pub fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    /// As it stands.
    pub fn get(&self) -> Arc<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on this one.
    pub fn set(&self, value: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
    }
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
            .or_else(|| self.named.get().get(access_key).map(|named| named.secret_key.clone()))
            .or_else(|| self.seal.secret_key(access_key))
    }

    /// Who holds an access key whose signature was verified, and the session token beside it.
    pub fn caller(&self, access_key: &str, token: Option<&str>) -> Result<Caller, Stranger> {
        let identity = match self.user(access_key) {
            Some(user) => user,
            None => self.in_session(self.session(access_key, token)?)?,
        };
        Ok(Caller::new(identity, self.state_bucket.clone()))
    }

    /// The session of an access key and its token, which may be over.
    pub fn session(&self, access_key: &str, token: Option<&str>) -> Result<Session, Stranger> {
        self.seal.open_token(token.ok_or(Stranger::Unknown)?, access_key).ok_or(Stranger::BadToken)
    }

    fn user(&self, access_key: &str) -> Option<Identity> {
        if access_key == self.control_plane.access_key {
            return Some(Identity::ControlPlane);
        }
        if access_key == self.operator.access_key {
            return Some(Identity::Operator);
        }
        self.named.get().get(access_key).cloned().map(Identity::Named)
    }

    fn in_session(&self, session: Session) -> Result<Identity, Stranger> {
        if session.expires_ms <= now_ms() {
            return Err(Stranger::Expired);
        }
        match session.holder {
            Holder::User(access_key) => self.user(&access_key).ok_or(Stranger::Unknown),
            Holder::Role(role) => {
                let policies = role.policies.iter().map(|policy| Policy::parse(policy));
                let policies = policies.collect::<Result<_, _>>().map_err(|_| Stranger::BadToken)?;
                Ok(Identity::Session(Box::new(role), policies))
            }
        }
    }
}

/// Milliseconds since the epoch.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{AssumedRole, Limits};

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
            roles: Latest::new(Roles::Any),
            named: Latest::default(),
        };
        let access_key = keys.seal.new_access_key();
        let token = |expires_ms| {
            keys.seal.token(&Session {
                access_key: access_key.clone(),
                expires_ms,
                holder: Holder::Role(AssumedRole {
                    role: "arn:aws:iam::123456789012:role/etl".into(),
                    name: "run".into(),
                    limits: Limits::None,
                    policies: vec![],
                }),
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
