//! `identities.toml`: named callers, each with a key, an ARN and policies; and what `roles.toml` says of the API.
//!
//! Text in, values out. What is wrong is said with its line and what was expected.

use crate::folder::KeyPair;
use crate::toml_text;
use anyhow::{Context, bail};
use firesteel_service::authorization::Policy;
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The file's name in a data folder.
pub const FILE: &str = "identities.toml";

/// A named caller.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedIdentity {
    /// What `firesteel env --identity` calls them.
    pub name: String,
    /// Their key.
    pub key: KeyPair,
    /// Their ARN.
    pub arn: String,
    /// What they may do on the API.
    pub api: Policy,
    /// What they may read and write in the embedded S3: `s3://bucket/prefix/*`.
    pub allow: Vec<String>,
    /// What they may read in the embedded S3.
    pub read_only: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identities {
    #[serde(default)]
    identity: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Option<String>,
    access_key_id: AccessKeyId,
    secret_access_key: Secret,
    arn: CallerArn,
    #[serde(default)]
    api: Policy,
    #[serde(default)]
    s3: S3,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct S3 {
    #[serde(default)]
    allow: Vec<Place>,
    #[serde(default)]
    read_only: Vec<Place>,
}

/// Texts that are checked while they are read, so that an error names their line.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct AccessKeyId(String);

struct Secret(String);

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct CallerArn(String);

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Place(String);

impl TryFrom<String> for AccessKeyId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let word = (4..=128).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match word {
            true if text.starts_with("ASIA") => {
                Err("access keys that begin with ASIA are temporary ones: choose another".to_owned())
            }
            true => Ok(Self(text)),
            false => Err("no access key id: expected 4 to 128 letters, digits or _".to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    /// No complaint repeats what stands there, of whatever type it is.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer) {
            Ok(toml::Value::String(text))
                if text.len() >= 16 && text.bytes().all(|b| b.is_ascii_graphic()) =>
            {
                Ok(Self(text))
            }
            _ => Err(D::Error::custom("no secret: expected a text of 16 characters or more, without spaces")),
        }
    }
}

impl TryFrom<String> for CallerArn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match is_caller(&text) {
            true => Ok(Self(text)),
            false => Err(format!(
                "{text:?} is no caller: expected arn:aws:iam::<account>:user/<name> or \
                 arn:aws:sts::<account>:assumed-role/<role>/<session>"
            )),
        }
    }
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.strip_prefix("s3://").is_some_and(|path| !path.is_empty() && !path.starts_with('/')) {
            true => Ok(Self(text)),
            false => Err(format!("{text:?} is no place: expected e.g. \"s3://bucket/prefix/*\"")),
        }
    }
}

/// The identities of a file that only its owner can read; none if there is no such file.
pub fn read(file: &Path) -> anyhow::Result<Vec<NamedIdentity>> {
    Ok(toml_text::read_secrets(file, parse)?.unwrap_or_default())
}

/// The key of the identity of this name.
pub fn keys_of(file: &Path, name: &str) -> anyhow::Result<KeyPair> {
    let identities = read(file)?;
    let names: Vec<String> = identities.iter().map(|one| one.name.clone()).collect();
    let found = identities.into_iter().find(|one| one.name == name);
    Ok(found
        .with_context(|| format!("{} names no {name}; it names: {}", file.display(), names.join(", ")))?
        .key)
}

/// Reads the text of the file.
pub fn parse(text: &str) -> anyhow::Result<Vec<NamedIdentity>> {
    let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let mut found = Vec::new();
    for entry in toml_text::read::<Identities>(text)?.identity {
        let plain = |places: Vec<Place>| places.into_iter().map(|place| place.0).collect();
        let last = entry.arn.0.rsplit('/').next().unwrap_or_default().to_owned();
        let named = NamedIdentity {
            name: entry.name.unwrap_or(last),
            key: KeyPair {
                access_key_id: entry.access_key_id.0,
                secret_access_key: entry.secret_access_key.0,
            },
            arn: entry.arn.0,
            api: entry.api,
            allow: plain(entry.s3.allow),
            read_only: plain(entry.s3.read_only),
        };
        if !names.insert(named.name.clone()) {
            bail!("identity {} is there twice", named.name);
        }
        if !keys.insert(named.key.access_key_id.clone()) {
            bail!("access key {} is there twice", named.key.access_key_id);
        }
        found.push(named);
    }
    Ok(found)
}

/// An IAM user, or a session of a role.
fn is_caller(arn: &str) -> bool {
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    let [scheme, partition, service, region, account, resource] = fields[..] else { return false };
    let of_aws = partition
        .strip_prefix("aws")
        .is_some_and(|rest| rest.bytes().all(|b| b == b'-' || b.is_ascii_lowercase()));
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let word = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte))
    };
    let mut pieces = resource.split('/');
    let named = match (service, pieces.next()) {
        ("iam", Some("user")) => pieces.clone().count() >= 1,
        ("sts", Some("assumed-role")) => pieces.clone().count() == 2,
        _ => false,
    };
    scheme == "arn" && of_aws && region.is_empty() && is_account && named && pieces.all(word)
}

#[derive(Deserialize)]
struct Roles {
    #[serde(default)]
    role: Vec<Role>,
}

#[derive(Deserialize)]
struct Role {
    arn: String,
    #[serde(default)]
    api: Policy,
    #[serde(flatten)]
    _s3: BTreeMap<String, IgnoredAny>,
}

/// What the roles of a `roles.toml` may do on the API, by ARN of the role. What else stands there is the embedded S3's.
pub fn roles(text: &str) -> anyhow::Result<BTreeMap<String, Policy>> {
    Ok(toml_text::read::<Roles>(text)?.role.into_iter().map(|role| (role.arn, role.api)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const ANN: &str = r#"
[[identity]]
access_key_id = "AKIAANN"
secret_access_key = "0123456789abcdef"
arn = "arn:aws:iam::000000000000:user/team/ann"
s3 = { allow = ["s3://one/out/*"], read_only = ["s3://one"] }

[[identity.api]]
actions = ["emr-serverless:*"]
applications = ["00a*"]
pass_roles = ["*"]
"#;

    fn with(line: usize, text: &str) -> String {
        let mut lines: Vec<&str> = ANN.lines().collect();
        lines[line - 1] = text;
        lines.join("\n")
    }

    #[test]
    fn a_whole_entry() {
        let found = parse(ANN).unwrap().remove(0);
        assert_eq!((found.name.as_str(), found.key.access_key_id.as_str()), ("ann", "AKIAANN"));
        assert_eq!(
            (found.allow, found.read_only),
            (vec!["s3://one/out/*".to_owned()], vec!["s3://one".to_owned()])
        );
        assert_ne!(found.api, Policy::default());
        assert!(parse("").unwrap().is_empty());
        let bare = &ANN[..ANN.find("s3 =").unwrap()];
        assert_eq!(parse(bare).unwrap()[0].api, Policy::default(), "who is given nothing may do nothing");
        let session = with(5, "arn = 'arn:aws:sts::000000000000:assumed-role/etl/me'");
        assert_eq!(parse(&session).unwrap()[0].name, "me");
    }

    #[test]
    fn slips_are_said_with_line_and_expectation() {
        let table = [
            (3, "access_key_id = 'a b'", "expected 4 to 128"),
            (3, "access_key_id = 'ASIA1234'", "temporary"),
            (3, "key = 'AKIAANN'", "unknown field `key`"),
            (4, "secret_access_key = 'short'", "expected a text of 16 characters"),
            (5, "arn = 'arn:aws:iam::1:user/ann'", "expected arn:aws:iam::<account>:user/<name>"),
            (5, "arn = 'arn:aws:iam::000000000000:role/ann'", "is no caller"),
            (5, "arn = 'arn:aws:sts::000000000000:assumed-role/etl'", "is no caller"),
            (6, "s3 = { allow = ['one/*'] }", "expected e.g. \"s3://bucket/prefix/*\""),
            (9, "actions = ['emr-serverless:Run']", "is no action"),
            (10, "applications = ['My App']", "is no application"),
            (11, "pass_roles = 'x'", "expected a sequence"),
        ];
        for (line, text, expected) in table {
            let error = format!("{:#}", parse(&with(line, text)).unwrap_err());
            assert!(error.contains(&format!("line {line}")) && error.contains(expected), "{text}: {error}");
        }
        assert!(
            format!("{:#}", parse(&format!("{ANN}{ANN}")).unwrap_err())
                .contains("identity ann is there twice")
        );
        let other = ANN.replace("user/team/ann", "user/bob");
        assert!(
            format!("{:#}", parse(&format!("{ANN}{other}")).unwrap_err()).contains("AKIAANN is there twice")
        );
    }

    #[test]
    fn no_complaint_repeats_a_secret() {
        for secret in
            ["'hush hush hush hush'", "42424242424242424242", "4242424242424242", "'hush", "hush", "['hush']"]
        {
            let error = parse(&with(4, &format!("secret_access_key = {secret}"))).unwrap_err();
            for text in [format!("{error:#}"), format!("{error:?}")] {
                assert!(text.contains("line 4"), "{text}");
                assert!(!text.contains("hush") && !text.contains("4242"), "{text}");
            }
        }
    }

    #[test]
    fn a_file_with_secrets_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        assert!(read(&file).unwrap().is_empty());
        std::fs::write(&file, ANN).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("chmod 600"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&file).unwrap().len(), 1);
    }

    #[test]
    fn what_roles_may_do_on_the_api() {
        let text = r#"
[[role]]
arn = "arn:aws:iam::000000000000:role/etl"
allow = ["s3://one"]
max_session_seconds = 3600
[[role]]
arn = "arn:aws:iam::000000000000:role/starter"
[[role.api]]
actions = ["emr-serverless:StartJobRun"]
applications = ["*"]
[[policy]]
arn = "p"
document = "{}"
"#;
        let found = roles(text).unwrap();
        assert_eq!(found["arn:aws:iam::000000000000:role/etl"], Policy::default());
        assert_ne!(found["arn:aws:iam::000000000000:role/starter"], Policy::default());
        let error = roles(&text.replace("StartJobRun", "Start")).unwrap_err().to_string();
        assert!(error.contains("line 9") && error.contains("is no action"), "{error}");
    }
}
