//! Execution roles whose keys stand in a file: for an S3 that has keys of its own, but no STS.

use super::world::RealWorld;
use crate::toml_text;
use anyhow::bail;
use async_trait::async_trait;
use firesteel_core::time::{HOUR, Millis};
use firesteel_journal::Clock;
use firesteel_protocol::Credentials;
use firesteel_service::{Narrowing, RoleError, Roles};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file's name in a data folder.
pub const FILE: &str = "role-keys.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    role: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Entry {
    arn: String,
    access_key_id: String,
    secret_access_key: String,
    #[serde(default)]
    session_token: String,
}

/// Roles of one file, which is read whenever one is asked for.
#[derive(Clone, Debug)]
pub struct KeyedRoles(PathBuf);

impl KeyedRoles {
    /// The roles of this file; none if there is no such file.
    pub fn of_file(file: &Path) -> anyhow::Result<Option<Self>> {
        Ok(read(file)?.map(|_| Self(file.to_owned())))
    }
}

#[async_trait]
impl Roles for KeyedRoles {
    async fn assume(&self, role: &str, _: &str, narrowing: &Narrowing) -> Result<Credentials, RoleError> {
        let granted = Millis(RealWorld.now());
        let known = read(&self.0).map_err(|error| RoleError::Unavailable(format!("{error:#}")))?;
        let missing = || RoleError::Refused(format!("{} names no {role}", self.0.display()));
        let keys = known.unwrap_or_default().remove(role).ok_or_else(missing)?;
        if *narrowing != Narrowing::default() {
            return Err(RoleError::Policy(format!("keys of {FILE} cannot be narrowed")));
        }
        Ok(Credentials {
            access_key_id: keys.access_key_id,
            secret_access_key: keys.secret_access_key,
            session_token: keys.session_token,
            granted,
            // The keys last; runners ask again within the hour, so that a changed file reaches them.
            expires: granted.plus(HOUR),
        })
    }
}

fn read(file: &Path) -> anyhow::Result<Option<BTreeMap<String, Entry>>> {
    let parse = |text: &str| {
        let mut roles = BTreeMap::new();
        for role in toml_text::read::<File>(text)?.role {
            if let Some(twice) = roles.insert(role.arn.clone(), role) {
                bail!("role {} is there twice", twice.arn);
            }
        }
        Ok(roles)
    };
    toml_text::read_secrets(file, parse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const STUDY: &str = "arn:aws:iam::000000000000:role/study";

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, file)
    }

    fn study() -> String {
        format!("[[role]]\narn = \"{STUDY}\"\naccess_key_id = \"study\"\nsecret_access_key = \"hush\"\n")
    }

    #[tokio::test]
    async fn a_role_has_the_keys_of_the_file_as_it_is_now() {
        let (_folder, file) = file(&study(), 0o600);
        let roles = KeyedRoles::of_file(&file).unwrap().unwrap();
        let plain = Narrowing::default();
        let given = roles.assume(STUDY, "session", &plain).await.unwrap();
        assert_eq!((given.access_key_id.as_str(), given.session_token.as_str()), ("study", ""));
        assert_eq!(given.expires.since(given.granted), HOUR);
        std::fs::write(&file, study().replace("hush", "new")).unwrap();
        assert_eq!(roles.assume(STUDY, "session", &plain).await.unwrap().secret_access_key, "new");
        let other = roles.assume("arn:aws:iam::000000000000:role/other", "session", &plain).await;
        assert!(matches!(other, Err(RoleError::Refused(text)) if text.contains("role/other")));
        let narrowed = Narrowing { policy: Some("{}".to_owned()), ..plain.clone() };
        assert!(matches!(roles.assume(STUDY, "session", &narrowed).await, Err(RoleError::Policy(_))));
        std::fs::write(&file, "[[role]]\narn = 1").unwrap();
        assert!(matches!(roles.assume(STUDY, "session", &plain).await, Err(RoleError::Unavailable(_))));
    }

    #[test]
    fn what_is_wrong_is_said_at_the_start() {
        assert!(KeyedRoles::of_file(Path::new("/nowhere/role-keys.toml")).unwrap().is_none());
        for (text, mode, says) in [
            (study(), 0o640, "others can read it"),
            (study() + &study(), 0o600, "is there twice"),
            (study() + "alow = []", 0o600, "unknown field `alow`"),
            ("[[role]]\narn = \"a\"".to_owned(), 0o600, "missing field `access_key_id`"),
        ] {
            let (_folder, file) = file(&text, mode);
            let error = format!("{:#}", KeyedRoles::of_file(&file).unwrap_err());
            assert!(error.contains(says) && !error.contains("hush"), "{error}");
        }
    }
}
