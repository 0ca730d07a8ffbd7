//! Roles: which there are, and what each may touch.
//!
//! Without a roles file every well-formed role is accepted. With one, only those it lists:
//!
//! ```toml
//! [[role]]
//! arn = "arn:aws:iam::123456789012:role/etl"
//! allow = ["s3://bucket/prefix/*", "s3://other/*"]
//! read_only = ["s3://reference/*"]
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::pattern::fits;

/// The roles that can be assumed.
#[derive(Debug, Clone)]
pub enum Roles {
    /// Any.
    Any,
    /// These.
    Listed(BTreeMap<String, Limits>),
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
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleEntry {
    arn: String,
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    read_only: Vec<String>,
}

impl Roles {
    /// Reads the roles file, if there is to be one.
    pub fn load(file: Option<&Path>) -> Result<Self, String> {
        let Some(file) = file else { return Ok(Roles::Any) };
        Self::parse(&std::fs::read_to_string(file).map_err(|failure| failure.to_string())?)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: RolesFile = toml::from_str(text).map_err(|fault| fault.to_string())?;
        let mut listed = BTreeMap::new();
        for entry in file.role {
            let arn =
                role_arn(&entry.arn).ok_or_else(|| format!("{} is not the ARN of a role", entry.arn))?;
            if entry.allow.is_empty() && entry.read_only.is_empty() {
                return Err(format!("role {} has neither allow nor read_only", entry.arn));
            }
            let limits = Limits::Within {
                allow: entry.allow.iter().map(|uri| read_uri(uri)).collect::<Result<_, _>>()?,
                read_only: entry.read_only.iter().map(|uri| read_uri(uri)).collect::<Result<_, _>>()?,
            };
            if listed.insert(arn.to_owned(), limits).is_some() {
                return Err(format!("role {} is listed twice", entry.arn));
            }
        }
        Ok(Roles::Listed(listed))
    }

    /// The limits of a role, if it can be assumed.
    pub fn limits(&self, arn: &str) -> Option<Limits> {
        match self {
            Roles::Any => Some(Limits::None),
            Roles::Listed(listed) => listed.get(arn).cloned(),
        }
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

/// `s3://bucket/pattern` as `bucket/pattern`; a bucket alone means all of it.
fn read_uri(uri: &str) -> Result<String, String> {
    let path = uri.strip_prefix("s3://").filter(|path| !path.is_empty() && !path.starts_with('/'));
    let path = path.ok_or_else(|| format!("{uri} is not of the form s3://bucket/prefix/*"))?;
    Ok(match path.split_once('/') {
        None | Some((_, "")) => format!("{}/*", path.trim_end_matches('/')),
        Some(_) => path.to_owned(),
    })
}

impl Limits {
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
            allow = ["s3://one/out/*", "s3://two"]
            read_only = ["s3://one/in/*"]
        "#;
        let roles = Roles::parse(text).unwrap();
        assert!(roles.limits("arn:aws:iam::123456789012:role/other").is_none());
        let limits = roles.limits("arn:aws:iam::123456789012:role/etl").unwrap();
        assert!(limits.object("one", "out/a", true) && limits.object("two", "a", true));
        assert!(limits.object("one", "in/a", false) && !limits.object("one", "in/a", true));
        assert!(limits.object("one", "out", false) && !limits.object("one", "outer", false));
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
    fn a_broken_roles_file_is_refused() {
        for text in [
            "[[role]]\narn = 'x'\nallow = ['s3://a/*']",
            "[[role]]\narn = 'arn:aws:iam::123456789012:role/a'",
            "[[role]]\narn = 'arn:aws:iam::123456789012:role/a'\nallow = ['a/*']",
            "[[role]]\narn = 'arn:aws:iam::123456789012:role/a'\nallow = ['s3://a/*']\nother = 1",
            "[[",
        ] {
            assert!(Roles::parse(text).is_err(), "{text}");
        }
    }
}
