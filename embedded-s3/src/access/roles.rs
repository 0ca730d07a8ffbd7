//! Roles: which there are, who may assume each, and what it may touch.
//!
//! Without a roles file every well-formed role is accepted. With one, only those it lists:
//!
//! ```toml
//! [[role]]
//! arn = "arn:aws:iam::123456789012:role/etl"
//! allow = ["s3://bucket/prefix/*", "s3://other/*"]
//! read_only = ["s3://reference/*"]
//! assumed_by = ["arn:aws:iam::123456789012:user/ann"]   # besides the control plane and the operator
//! external_id = "4711"                                  # which all but the control plane must give
//! max_session_seconds = 3600
//!
//! [[policy]]
//! arn = "arn:aws:iam::123456789012:policy/only-in"
//! document = '''{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/in/*"}}'''
//! ```
//!
//! What a role may do elsewhere (`[[role.api]]`) is not this room's to read.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::Policy;
use super::pattern::fits;

/// The bounds of a role's longest session, in seconds (IAM API reference, `MaxSessionDuration`).
const LONGEST_SESSION: std::ops::RangeInclusive<i64> = 3_600..=43_200;

/// The roles that can be assumed.
#[derive(Debug, Clone)]
pub enum Roles {
    /// Any.
    Any,
    /// These, and the policies that can be named.
    Listed {
        /// By ARN.
        roles: BTreeMap<String, Role>,
        /// Documents by ARN.
        policies: BTreeMap<String, String>,
    },
}

/// A role that can be assumed.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// What it may touch.
    pub limits: Limits,
    /// Patterns of the ARNs of the users who may assume it.
    assumed_by: Vec<String>,
    /// What whoever assumes it must know.
    external_id: Option<String>,
    /// The longest session, in seconds.
    pub max_session_seconds: i64,
}

/// What a role may touch, as `bucket/key` patterns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Limits {
    /// All buckets.
    None,
    /// What fits these.
    Within {
        /// To read and write.
        allow: Vec<String>,
        /// To read.
        read_only: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RolesFile {
    #[serde(default)]
    role: Vec<RoleEntry>,
    #[serde(default)]
    policy: Vec<PolicyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleEntry {
    arn: RoleArn,
    #[serde(default)]
    allow: Vec<Uri>,
    #[serde(default)]
    read_only: Vec<Uri>,
    #[serde(default)]
    assumed_by: Vec<String>,
    external_id: Option<String>,
    max_session_seconds: Option<Seconds>,
    #[serde(default)]
    api: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyEntry {
    arn: String,
    document: Document,
}

/// Texts that are checked while they are read, so that an error names its line.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct RoleArn(String);

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Uri(String);

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Document(String);

#[derive(Deserialize)]
#[serde(try_from = "i64")]
struct Seconds(i64);

impl TryFrom<String> for RoleArn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match role_arn(&text) {
            Some(_) => Ok(Self(text)),
            None => Err(format!(
                "{text} is not the ARN of a role: expected e.g. arn:aws:iam::000000000000:role/etl"
            )),
        }
    }
}

impl TryFrom<String> for Uri {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        read_uri(&text).map(Self)
    }
}

impl TryFrom<String> for Document {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Policy::parse(&text).map(|_| Self(text))
    }
}

impl TryFrom<i64> for Seconds {
    type Error = String;

    fn try_from(seconds: i64) -> Result<Self, String> {
        let (least, most) = (LONGEST_SESSION.start(), LONGEST_SESSION.end());
        match LONGEST_SESSION.contains(&seconds) {
            true => Ok(Self(seconds)),
            false => Err(format!("{seconds} seconds: expected {least} to {most}")),
        }
    }
}

impl Roles {
    /// Reads the roles file, if there is to be one.
    pub fn load(file: Option<&Path>) -> Result<Self, String> {
        let Some(file) = file else { return Ok(Roles::Any) };
        Self::parse(&std::fs::read_to_string(file).map_err(|failure| failure.to_string())?)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: RolesFile = toml::from_str(text).map_err(|fault| fault.to_string())?;
        let (mut roles, mut policies) = (BTreeMap::new(), BTreeMap::new());
        for entry in file.role {
            let arn = entry.arn.0.clone();
            if roles.insert(arn.clone(), Role::read(entry)?).is_some() {
                return Err(format!("role {arn} is listed twice"));
            }
        }
        for entry in file.policy {
            if policies.insert(entry.arn.clone(), entry.document.0).is_some() {
                return Err(format!("policy {} is listed twice", entry.arn));
            }
        }
        Ok(Roles::Listed { roles, policies })
    }

    /// The role of this ARN, if there is one.
    pub fn find(&self, arn: &str) -> Option<Role> {
        match self {
            Roles::Any => Some(Role {
                limits: Limits::None,
                assumed_by: Vec::new(),
                external_id: None,
                max_session_seconds: *LONGEST_SESSION.end(),
            }),
            Roles::Listed { roles, .. } => roles.get(arn).cloned(),
        }
    }

    /// The document of a policy that is known by its ARN.
    pub fn policy(&self, arn: &str) -> Option<&str> {
        match self {
            Roles::Any => None,
            Roles::Listed { policies, .. } => policies.get(arn).map(String::as_str),
        }
    }
}

impl Role {
    fn read(entry: RoleEntry) -> Result<Self, String> {
        if entry.allow.is_empty() && entry.read_only.is_empty() && entry.api.is_empty() {
            return Err(format!("role {} has neither allow nor read_only", entry.arn.0));
        }
        let plain = |uris: Vec<Uri>| uris.into_iter().map(|uri| uri.0).collect();
        Ok(Self {
            limits: Limits::Within { allow: plain(entry.allow), read_only: plain(entry.read_only) },
            assumed_by: entry.assumed_by,
            external_id: entry.external_id,
            max_session_seconds: entry.max_session_seconds.map_or(*LONGEST_SESSION.start(), |Seconds(n)| n),
        })
    }

    /// Whether it trusts the user of this ARN.
    pub fn trusts(&self, arn: &str) -> bool {
        self.assumed_by.iter().any(|pattern| fits(pattern, arn))
    }

    /// Whether this is the external id that it asks for, if it asks for one.
    pub fn knows(&self, external_id: Option<&str>) -> bool {
        self.external_id.is_none() || self.external_id.as_deref() == external_id
    }
}

/// The ARN, if it is one of a role: `arn:aws*:iam::<12 digits>:role/<path and name>`.
pub fn role_arn(arn: &str) -> Option<&str> {
    let mut fields = arn.splitn(6, ':');
    let mut field = || fields.next().unwrap_or_default();
    let (scheme, partition, service, region, account, resource) =
        (field(), field(), field(), field(), field(), field());
    let is_partition = partition
        .strip_prefix("aws")
        .is_some_and(|rest| rest.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase()));
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let name = resource.strip_prefix("role/").unwrap_or_default();
    let is_name = !name.is_empty()
        && !name.ends_with('/')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&byte));
    (scheme == "arn" && is_partition && service == "iam" && region.is_empty() && is_account && is_name)
        .then_some(arn)
}

/// `s3://bucket/pattern` as `bucket/pattern`; a bucket or a folder (`…/`) alone means all that is in it.
fn read_uri(uri: &str) -> Result<String, String> {
    let path = uri.strip_prefix("s3://").filter(|path| !path.is_empty() && !path.starts_with('/'));
    let path = path.ok_or_else(|| format!("{uri} is not of the form s3://bucket/prefix/*"))?;
    Ok(match path.split_once('/') {
        None | Some((_, "")) => format!("{}/*", path.trim_end_matches('/')),
        Some(_) if path.ends_with('/') => format!("{path}*"),
        Some(_) => path.to_owned(),
    })
}

impl Limits {
    /// Limits from `s3://bucket/pattern` texts.
    pub fn within(allow: &[String], read_only: &[String]) -> Result<Self, String> {
        let read = |uris: &[String]| uris.iter().map(|uri| read_uri(uri)).collect::<Result<_, _>>();
        Ok(Limits::Within { allow: read(allow)?, read_only: read(read_only)? })
    }

    fn patterns(&self, writes: bool) -> impl Iterator<Item = &str> {
        let (allow, read_only): (&[String], &[String]) = match self {
            Limits::None => (&[], &[]),
            Limits::Within { allow, read_only } => (allow, if writes { &[] } else { read_only }),
        };
        allow.iter().chain(read_only).map(String::as_str)
    }

    fn any(&self, writes: bool, fit: impl Fn(&str) -> bool) -> bool {
        matches!(self, Limits::None) || self.patterns(writes).any(fit)
    }

    /// Whether the object may be touched. `prefix/*` covers `prefix` too: clients ask whether a
    /// folder is an object.
    pub fn object(&self, bucket: &str, key: &str, writes: bool) -> bool {
        let path = format!("{bucket}/{key}");
        self.any(writes, |pattern| fits(pattern, &path) || pattern.strip_suffix("/*") == Some(&path))
    }

    /// Whether keys that begin with `prefix` may be listed.
    pub fn listing(&self, bucket: &str, prefix: &str) -> bool {
        let path = format!("{bucket}/{prefix}");
        // A pattern that fits the prefix and ends in a star fits every key with that prefix.
        self.any(false, |pattern| pattern.ends_with('*') && fits(pattern, &path))
    }

    /// Whether anything in the bucket may be touched.
    pub fn bucket(&self, bucket: &str, writes: bool) -> bool {
        self.any(writes, |pattern| pattern.split('/').next().is_some_and(|pattern| fits(pattern, bucket)))
    }

    /// Whether all of the bucket may be touched, so that it may be made and deleted.
    pub fn whole_bucket(&self, bucket: &str) -> bool {
        self.any(true, |pattern| {
            pattern.strip_suffix("/*").is_some_and(|pattern| !pattern.contains('/') && fits(pattern, bucket))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_arns_are_told_from_other_text() {
        let table = [
            ("arn:aws:iam::123456789012:role/etl", true),
            ("arn:aws-us-gov:iam::123456789012:role/a/path/etl", true),
            ("arn:aws:iam::123456789012:role/", false),
            ("arn:aws:iam::12345678901:role/etl", false),
            ("arn:aws:iam::123456789012:user/etl", false),
            ("arn:aws:s3::123456789012:role/etl", false),
            ("arn:aws:iam:us-east-1:123456789012:role/etl", false),
            ("arn:awsX:iam::123456789012:role/etl", false),
            ("arn:aws:iam::123456789012:role/e tl", false),
            ("", false),
        ];
        for (arn, expected) in table {
            assert_eq!(role_arn(arn).is_some(), expected, "{arn}");
        }
    }

    #[test]
    fn limits_hold_for_objects_listings_and_buckets() {
        let text = r#"
            [[role]]
            arn = "arn:aws:iam::123456789012:role/etl"
            allow = ["s3://one/out/*", "s3://two", "s3://four/out/"]
            read_only = ["s3://one/in/*"]
        "#;
        let roles = Roles::parse(text).unwrap();
        assert!(roles.find("arn:aws:iam::123456789012:role/other").is_none());
        let limits = roles.find("arn:aws:iam::123456789012:role/etl").unwrap().limits;
        assert!(limits.object("one", "out/a", true) && limits.object("two", "a", true));
        assert!(limits.object("one", "in/a", false) && !limits.object("one", "in/a", true));
        assert!(limits.object("one", "out", false) && !limits.object("one", "outer", false));
        assert!(limits.object("four", "out/a/b", true) && !limits.object("four", "outer", true));
        assert!(!limits.object("one", "a", false) && !limits.object("three", "a", false));
        assert!(limits.listing("one", "out/") && limits.listing("one", "in/x"));
        assert!(
            !limits.listing("one", "out")
                && !limits.listing("one", "")
                && !limits.listing("one", "o")
                && limits.listing("two", "")
        );
        assert!(limits.bucket("one", true) && limits.bucket("two", false) && !limits.bucket("three", false));
        assert!(limits.whole_bucket("two") && !limits.whole_bucket("one"));
        assert!(Limits::None.object("x", "y", true) && Limits::None.whole_bucket("x"));
    }

    #[test]
    fn a_broken_roles_file_is_refused_with_line_and_reason() {
        const ROLE: &str = "[[role]]\narn = 'arn:aws:iam::123456789012:role/a'\n";
        let table = [
            ("[[role]]\narn = 'x'\nallow = ['s3://a/*']".to_owned(), "line 2", "is not the ARN of a role"),
            (ROLE.to_owned(), "role/a", "has neither allow nor read_only"),
            (format!("{ROLE}allow = ['a/*']"), "line 3", "is not of the form s3://bucket/prefix/*"),
            (format!("{ROLE}allow = ['s3://a/*']\nother = 1"), "line 4", "unknown field `other`"),
            (format!("{ROLE}allow = 's3://a/*'"), "line 3", "expected a sequence"),
            (
                format!("{ROLE}allow = ['s3://a']\nmax_session_seconds = 900"),
                "line 4",
                "expected 3600 to 43200",
            ),
            (format!("{ROLE}allow = ['s3://a']\n{ROLE}allow = ['s3://a']"), "role/a", "is listed twice"),
            ("[[policy]]\narn = 'p'\ndocument = '{}'".to_owned(), "line 3", "missing field"),
            ("[[".to_owned(), "line 1", ""),
        ];
        for (text, line, reason) in table {
            let error = Roles::parse(&text).unwrap_err();
            assert!(error.contains(line) && error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn who_is_trusted_and_for_how_long() {
        let text = r#"
            [[role]]
            arn = "arn:aws:iam::123456789012:role/etl"
            allow = ["s3://one"]
            assumed_by = ["arn:aws:iam::123456789012:user/a*"]
            external_id = "4711"
            [[role]]
            arn = "arn:aws:iam::123456789012:role/other"
            max_session_seconds = 7200
            [[role.api]]
            actions = ["*"]
        "#;
        let roles = Roles::parse(text).unwrap();
        let role = roles.find("arn:aws:iam::123456789012:role/etl").unwrap();
        assert!(role.trusts("arn:aws:iam::123456789012:user/ann"));
        assert!(!role.trusts("arn:aws:iam::123456789012:user/bob"));
        assert!(role.knows(Some("4711")) && !role.knows(None) && !role.knows(Some("")));
        assert_eq!(role.max_session_seconds, 3_600);
        let other = roles.find("arn:aws:iam::123456789012:role/other").unwrap();
        assert!(!other.trusts("arn:aws:iam::123456789012:user/ann") && other.knows(Some("x")));
        assert_eq!(other.max_session_seconds, 7_200);
        assert!(!other.limits.object("one", "k", false), "a role of the API alone touches nothing");
        let any = Roles::Any.find("arn:aws:iam::123456789012:role/etl").unwrap();
        assert!(any.knows(None) && !any.trusts("arn:aws:iam::123456789012:user/ann"));
    }
}
