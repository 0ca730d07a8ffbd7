//! Who may call the API: the operator of an installation, or whoever `identities.toml` and the environment name.

use crate::access::Variable;
use crate::folder::{ACCOUNT, Installation};
use anyhow::{Context, bail};
use firesteel_service::{Identities, Identity};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Access keys that never change while the program runs.
#[derive(Clone, Debug, Default)]
pub struct KnownIdentities(BTreeMap<String, Identity>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityFile {
    #[serde(default)]
    identity: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    access_key_id: String,
    secret_access_key: String,
    arn: String,
}

impl KnownIdentities {
    /// The operator alone.
    pub fn operator(installation: &Installation) -> Self {
        let identity = Identity {
            secret: installation.operator.secret_access_key.clone(),
            arn: installation.operator_arn(),
        };
        Self(BTreeMap::from([(installation.operator.access_key_id.clone(), identity)]))
    }

    /// Those of `identities.toml` in `folder`, if there is one, and of FIRESTEEL_ACCESS_KEY_ID with
    /// FIRESTEEL_SECRET_ACCESS_KEY. Fails if there are none at all.
    pub fn named(folder: &Path, variable: Variable<'_>) -> anyhow::Result<Self> {
        let file = folder.join("identities.toml");
        let mut known = Self::default();
        match std::fs::read_to_string(&file) {
            Ok(text) => known.read(&text).with_context(|| format!("{}", file.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => Err(error).with_context(|| format!("{}", file.display()))?,
        }
        let keys = (variable("FIRESTEEL_ACCESS_KEY_ID"), variable("FIRESTEEL_SECRET_ACCESS_KEY"));
        if let (Some(id), Some(secret)) = keys {
            known.0.insert(id, Identity { secret, arn: format!("arn:aws:iam::{ACCOUNT}:user/firesteel") });
        }
        if known.0.is_empty() {
            bail!(
                "nobody could call the API: name callers in {}, or set FIRESTEEL_ACCESS_KEY_ID and FIRESTEEL_SECRET_ACCESS_KEY",
                file.display()
            );
        }
        Ok(known)
    }

    fn read(&mut self, text: &str) -> anyhow::Result<()> {
        for entry in toml::from_str::<IdentityFile>(text)?.identity {
            let identity = Identity { secret: entry.secret_access_key, arn: entry.arn };
            if self.0.insert(entry.access_key_id.clone(), identity).is_some() {
                bail!("access key {} is named twice", entry.access_key_id);
            }
        }
        Ok(())
    }
}

impl Identities for KnownIdentities {
    fn find(&self, access_key_id: &str, session_token: Option<&str>) -> Option<Identity> {
        // These keys are not temporary: one that comes with a session token is not one of them.
        self.0.get(access_key_id).filter(|_| session_token.is_none()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
[[identity]]
access_key_id = "A"
secret_access_key = "s"
arn = "arn:aws:iam::1:user/a"
"#;

    fn named(file: Option<&str>, set: &[(&str, &str)]) -> anyhow::Result<KnownIdentities> {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = file {
            std::fs::write(folder.path().join("identities.toml"), text).unwrap();
        }
        let find = |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        KnownIdentities::named(folder.path(), &find)
    }

    #[test]
    fn from_file_and_environment() {
        let environment = [("FIRESTEEL_ACCESS_KEY_ID", "B"), ("FIRESTEEL_SECRET_ACCESS_KEY", "t")];
        let known = named(Some(FILE), &environment).unwrap();
        assert_eq!(known.find("A", None).unwrap().arn, "arn:aws:iam::1:user/a");
        assert_eq!(known.find("B", None).unwrap().secret, "t");
        assert_eq!(known.find("C", None), None);
        assert_eq!(known.find("A", Some("token")), None);
    }

    #[test]
    fn nobody_a_doublet_or_a_slip_is_an_error() {
        assert!(named(None, &[]).unwrap_err().to_string().contains("nobody"));
        let twice = format!("{FILE}{FILE}");
        assert!(format!("{:#}", named(Some(&twice), &[]).unwrap_err()).contains("twice"));
        assert!(named(Some("[[identity]]\nkey = 1"), &[]).is_err());
    }
}
