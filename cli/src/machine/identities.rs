//! Who may call the API: the operator, the callers that `identities.toml` names, and sessions of the embedded STS.

use super::identity_file::{self, NamedIdentity};
use crate::access::Variable;
use crate::folder::{ACCOUNT, Installation, KeyPair};
use anyhow::{Context, bail};
use firesteel_core::time::Millis;
use firesteel_embedded_s3::{EmbeddedS3, NamedUser, SessionHolder};
use firesteel_service::authorization::Policy;
use firesteel_service::{Identities, Identity};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, Weak};

/// Access keys by id.
type Keys = BTreeMap<String, Identity>;

/// Everybody who may call.
#[derive(Default)]
pub struct KnownIdentities {
    /// Keys that never change while the program runs.
    own: Keys,
    file: PathBuf,
    roles_file: Option<PathBuf>,
    read: RwLock<Arc<FromFiles>>,
    s3: Weak<EmbeddedS3>,
}

/// What the two files say.
#[derive(Default)]
struct FromFiles {
    named: Keys,
    roles: BTreeMap<String, Arc<Policy>>,
}

impl KnownIdentities {
    /// The operator, those of `identities.toml` in the installation's folder, and sessions of this S3's STS, whose roles may
    /// do what `roles_file` says.
    pub fn of_installation(
        installation: &Installation,
        folder: &Path,
        roles_file: Option<PathBuf>,
        s3: &Arc<EmbeddedS3>,
    ) -> anyhow::Result<Self> {
        let known = Self {
            own: everything(&installation.operator, installation.operator_arn()),
            file: folder.join(identity_file::FILE),
            roles_file,
            s3: Arc::downgrade(s3),
            ..Self::default()
        };
        known.reload()?;
        Ok(known)
    }

    /// Those of the file, if it is there, and of FIRESTEEL_ACCESS_KEY_ID with FIRESTEEL_SECRET_ACCESS_KEY. Without both, the
    /// key of AWS_ACCESS_KEY_ID with which the state is kept: who has it could change all of it anyway. Fails if there are none.
    pub fn of_file(file: &Path, variable: Variable<'_>) -> anyhow::Result<Self> {
        let own =
            key(variable, "FIRESTEEL").map(|pair| everything(&pair, Self::own_arn())).unwrap_or_default();
        let mut known = Self { own, file: file.to_owned(), ..Self::default() };
        known.reload()?;
        if !known.own.is_empty() || !known.files().named.is_empty() {
            return Ok(known);
        }
        // Keys that come with a session token are not for long.
        let lasting = variable("AWS_SESSION_TOKEN").is_none_or(|token| token.is_empty());
        let Some(pair) = key(variable, "AWS").filter(|_| lasting && !file.exists()) else {
            bail!(
                "nobody could call the API: name callers in {}, or set FIRESTEEL_ACCESS_KEY_ID and FIRESTEEL_SECRET_ACCESS_KEY",
                file.display()
            );
        };
        known.own = everything(&pair, Self::own_arn());
        Ok(known)
    }

    fn own_arn() -> String {
        format!("arn:aws:iam::{ACCOUNT}:user/firesteel")
    }

    /// The files that [`Self::reload`] reads.
    pub fn watched(&self) -> Vec<PathBuf> {
        [Some(&self.file), self.roles_file.as_ref()].into_iter().flatten().cloned().collect()
    }

    /// Reads the files again. If one of them is not valid, everything stays as it is.
    pub fn reload(&self) -> anyhow::Result<()> {
        let identities = identity_file::read(&self.file)?;
        if identities.is_empty() && !self.file.exists() && !self.files().named.is_empty() {
            bail!(
                "{} is gone: to take away all identities, leave it there and empty it",
                self.file.display()
            );
        }
        let roles = match &self.roles_file {
            Some(file) => read_roles(file).with_context(|| format!("{}", file.display()))?,
            None => BTreeMap::new(),
        };
        if let Some(taken) = identities.iter().find(|one| self.own.contains_key(&one.key.access_key_id)) {
            bail!(
                "{}: access key {} is the installation's own",
                self.file.display(),
                taken.key.access_key_id
            );
        }
        if let Some(s3) = self.s3.upgrade() {
            let file =
                || self.roles_file.as_ref().map_or_else(String::new, |file| format!("{}", file.display()));
            s3.reload_roles().map_err(anyhow::Error::msg).with_context(file)?;
            s3.set_users(identities.iter().map(user).collect()).map_err(anyhow::Error::msg)?;
        }
        let named = identities.into_iter().map(|one| {
            let key = one.key.access_key_id.clone();
            (key, identity(one.key.secret_access_key, one.arn, one.api))
        });
        let read = FromFiles { named: named.collect(), roles };
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
        Ok(())
    }

    fn files(&self) -> Arc<FromFiles> {
        self.read.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn long_lived(&self, access_key_id: &str) -> Option<Identity> {
        self.own.get(access_key_id).cloned().or_else(|| self.files().named.get(access_key_id).cloned())
    }

    fn temporary(&self, access_key_id: &str, token: &str) -> Option<Identity> {
        let session = self.s3.upgrade()?.session(access_key_id, token)?;
        let (arn, policy) = match session.holder {
            SessionHolder::Role { role, arn } => {
                (arn, self.files().roles.get(&role).cloned().unwrap_or_default())
            }
            SessionHolder::User(key) => {
                let user = self.long_lived(&key)?;
                (user.arn, user.policy)
            }
        };
        let expires = Some(Millis(session.expires_ms));
        Some(Identity { secret: session.secret_key, arn, policy, expires })
    }
}

impl Identities for KnownIdentities {
    fn find(&self, access_key_id: &str, session_token: Option<&str>) -> Option<Identity> {
        match session_token {
            // A long-lived key that comes with a session token is not a long-lived key.
            Some(token) => self.temporary(access_key_id, token),
            None => self.long_lived(access_key_id),
        }
    }
}

fn identity(secret: String, arn: String, policy: Policy) -> Identity {
    Identity { secret, arn, policy: Arc::new(policy), expires: None }
}

fn everything(key: &KeyPair, arn: String) -> Keys {
    let identity = identity(key.secret_access_key.clone(), arn, Policy::everything());
    Keys::from([(key.access_key_id.clone(), identity)])
}

fn user(one: &NamedIdentity) -> NamedUser {
    NamedUser {
        key: firesteel_embedded_s3::KeyPair {
            access_key: one.key.access_key_id.clone(),
            secret_key: one.key.secret_access_key.clone(),
        },
        arn: one.arn.clone(),
        allow: one.allow.clone(),
        read_only: one.read_only.clone(),
    }
}

fn read_roles(file: &Path) -> anyhow::Result<BTreeMap<String, Arc<Policy>>> {
    let roles = identity_file::roles(&std::fs::read_to_string(file)?)?;
    Ok(roles.into_iter().map(|(arn, policy)| (arn, Arc::new(policy))).collect())
}

/// The pair of `<prefix>_ACCESS_KEY_ID` and `<prefix>_SECRET_ACCESS_KEY`, if both are set.
fn key(variable: Variable<'_>, prefix: &str) -> Option<KeyPair> {
    let set = |name: &str| variable(&format!("{prefix}_{name}")).filter(|value| !value.is_empty());
    Some(KeyPair { access_key_id: set("ACCESS_KEY_ID")?, secret_access_key: set("SECRET_ACCESS_KEY")? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const FILE: &str = r#"
[[identity]]
access_key_id = "AKIAANN"
secret_access_key = "0123456789abcdef"
arn = "arn:aws:iam::000000000000:user/ann"
"#;

    fn write(folder: &Path, text: &str) -> PathBuf {
        let file = folder.join(identity_file::FILE);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        file
    }

    fn named(file: &Path, set: &[(&str, &str)]) -> anyhow::Result<KnownIdentities> {
        let find = |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        KnownIdentities::of_file(file, &find)
    }

    #[test]
    fn from_file_and_environment() {
        let folder = tempfile::tempdir().unwrap();
        let environment = [("FIRESTEEL_ACCESS_KEY_ID", "B"), ("FIRESTEEL_SECRET_ACCESS_KEY", "t")];
        let known = named(&write(folder.path(), FILE), &environment).unwrap();
        let ann = known.find("AKIAANN", None).unwrap();
        assert_eq!(
            (ann.arn.as_str(), &*ann.policy),
            ("arn:aws:iam::000000000000:user/ann", &Policy::default())
        );
        let own = known.find("B", None).unwrap();
        assert_eq!((own.secret.as_str(), &*own.policy), ("t", &Policy::everything()));
        assert_eq!(known.find("C", None), None);
        assert_eq!(known.find("AKIAANN", Some("token")), None);
    }

    #[test]
    fn the_key_of_the_state_if_nobody_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("none.toml");
        let aws = [("AWS_ACCESS_KEY_ID", "AKIASTATE"), ("AWS_SECRET_ACCESS_KEY", "t")];
        let known = named(&absent, &aws).unwrap();
        assert_eq!(*known.find("AKIASTATE", None).unwrap().policy, Policy::everything());
        known.reload().unwrap();
        assert!(known.find("AKIASTATE", None).is_some());
        let short_lived = [aws[0], aws[1], ("AWS_SESSION_TOKEN", "x")];
        assert!(named(&absent, &short_lived).is_err());
        let both = [aws[0], aws[1], ("FIRESTEEL_ACCESS_KEY_ID", "B"), ("FIRESTEEL_SECRET_ACCESS_KEY", "t")];
        assert!(named(&absent, &both).unwrap().find("AKIASTATE", None).is_none());
        let file = write(folder.path(), FILE);
        assert!(named(&file, &aws).unwrap().find("AKIASTATE", None).is_none());
        assert!(named(&write(folder.path(), ""), &aws).is_err());
    }

    #[test]
    fn nobody_or_a_slip_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("none.toml");
        assert!(named(&absent, &[]).map(|_| ()).unwrap_err().to_string().contains("nobody"));
        let own = [("FIRESTEEL_ACCESS_KEY_ID", "AKIAANN"), ("FIRESTEEL_SECRET_ACCESS_KEY", "t")];
        let taken = named(&write(folder.path(), FILE), &own).map(|_| ()).unwrap_err().to_string();
        assert!(taken.contains("AKIAANN is the installation's own"), "{taken}");
    }

    #[test]
    fn a_good_change_holds_and_a_bad_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let known = named(&write(folder.path(), FILE), &[]).unwrap();
        write(folder.path(), &FILE.replace("AKIAANN", "AKIABOB"));
        known.reload().unwrap();
        assert!(known.find("AKIAANN", None).is_none() && known.find("AKIABOB", None).is_some());
        write(folder.path(), "[[identity]]\nname = 1");
        assert!(format!("{:#}", known.reload().unwrap_err()).contains("line 2"));
        std::fs::remove_file(folder.path().join(identity_file::FILE)).unwrap();
        assert!(known.reload().unwrap_err().to_string().contains("is gone"));
        assert!(known.find("AKIABOB", None).is_some());
        write(folder.path(), "");
        known.reload().unwrap();
        assert!(known.find("AKIABOB", None).is_none());
    }
}
