//! Where the service is and with which keys to speak to it: flags, then the AWS_… variables, then the data folder.
//!
//! It must not know what is said to the service.

use crate::arguments::Target;
use crate::folder::{DataFolder, Installation, KeyPair, REGION};
use anyhow::anyhow;

/// What to do when there is nothing to speak to.
const BEGIN: &str = "start `firesteel up`, or set AWS_ENDPOINT_URL";

/// What is missing.
#[derive(Debug, PartialEq, Eq)]
enum Unsettled {
    /// No endpoint is named, and there is no installation.
    Service,
    /// An endpoint is named without keys for it.
    Keys,
}

/// Endpoint, region and keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    /// URL of the EMR Serverless API, without a trailing slash.
    pub endpoint: String,
    /// URL of S3; `None` for AWS's own.
    pub s3_endpoint: Option<String>,
    /// Region.
    pub region: String,
    /// Access key.
    pub keys: KeyPair,
    /// Session token of a temporary key.
    pub session_token: Option<String>,
}

/// Looks a variable up; an empty one counts as not set.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process's environment.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Access {
    /// Settles it from the flags, the process's environment and the data folder.
    pub fn find(target: &Target) -> anyhow::Result<Self> {
        let folder = DataFolder::choose(target.data.data.clone());
        let installation = match &folder {
            Ok(folder) => folder.read()?,
            Err(_) => None,
        };
        Self::settle(target, &environment, installation.as_ref()).map_err(|unsettled| {
            match (unsettled, folder) {
                (Unsettled::Keys, _) => anyhow!("no keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
                (Unsettled::Service, Ok(folder)) => {
                    let folder = folder.path().display();
                    anyhow!("no service to speak to: {folder} holds no installation: {BEGIN}")
                }
                (Unsettled::Service, Err(error)) => anyhow!("no service to speak to: {error}: {BEGIN}"),
            }
        })
    }

    /// Who names an endpoint may name the keys too; the data folder's endpoint is spoken to with the data folder's keys.
    fn settle(
        target: &Target,
        variable: Variable<'_>,
        installation: Option<&Installation>,
    ) -> Result<Self, Unsettled> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let all = variable("AWS_ENDPOINT_URL");
        let named = target
            .endpoint_url
            .clone()
            .or_else(|| variable("AWS_ENDPOINT_URL_EMR_SERVERLESS"))
            .or(all.clone());
        let region = target.region.clone();
        let foreign = named.is_some() && target.data.data.is_none();
        let from_environment = if foreign { keys(&variable) } else { None };
        let (keys, session_token) = match (from_environment, installation) {
            (Some(found), _) => found,
            (None, Some(installation)) => (installation.operator.clone(), None),
            (None, None) if named.is_some() => return Err(Unsettled::Keys),
            (None, None) => return Err(Unsettled::Service),
        };
        let own = installation.map(Installation::local_endpoint);
        let s3_endpoint = match &named {
            Some(_) if foreign => {
                variable("AWS_ENDPOINT_URL_S3").or(all).or_else(|| target.endpoint_url.clone())
            }
            _ => own.clone(),
        };
        let endpoint = match named {
            Some(named) if foreign || target.endpoint_url.is_some() => named,
            _ => own.ok_or(Unsettled::Service)?,
        };
        let of_environment =
            || foreign.then(|| variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"))).flatten();
        let region = region.or_else(of_environment).or_else(|| installation.map(|i| i.region.clone()));
        Ok(Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            s3_endpoint,
            region: region.unwrap_or_else(|| REGION.to_owned()),
            keys,
            session_token,
        })
    }
}

fn keys(variable: &impl Fn(&str) -> Option<String>) -> Option<(KeyPair, Option<String>)> {
    let access_key_id = variable("AWS_ACCESS_KEY_ID")?;
    let secret_access_key = variable("AWS_SECRET_ACCESS_KEY")?;
    Some((KeyPair { access_key_id, secret_access_key }, variable("AWS_SESSION_TOKEN")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Data;

    const ALL: [(&str, &str); 5] = [
        ("AWS_ENDPOINT_URL", "http://e/"),
        ("AWS_ACCESS_KEY_ID", "K"),
        ("AWS_SECRET_ACCESS_KEY", "S"),
        ("AWS_SESSION_TOKEN", "T"),
        ("AWS_REGION", "eu-west-1"),
    ];

    fn installation() -> Installation {
        let parent = tempfile::tempdir().unwrap();
        DataFolder::choose(Some(parent.path().join("d"))).unwrap().open().unwrap()
    }

    fn settled(
        target: &Target,
        set: &[(&str, &str)],
        own: Option<&Installation>,
    ) -> Result<Access, Unsettled> {
        let find = |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Access::settle(target, &find, own)
    }

    #[test]
    fn the_environment_comes_before_the_folder() {
        let own = installation();
        let access = settled(&Target::default(), &ALL, Some(&own)).unwrap();
        assert_eq!((access.endpoint.as_str(), access.keys.access_key_id.as_str()), ("http://e", "K"));
        assert_eq!((access.session_token.as_deref(), access.region.as_str()), (Some("T"), "eu-west-1"));
        assert_eq!(access.s3_endpoint.as_deref(), Some("http://e/"));
    }

    #[test]
    fn without_an_endpoint_in_the_environment_its_keys_are_another_services() {
        let own = installation();
        let access = settled(&Target::default(), &ALL[1..], Some(&own)).unwrap();
        assert_eq!((&access.endpoint, &access.keys), (&own.endpoint(), &own.operator));
        assert_eq!((access.session_token, access.region.as_str()), (None, "us-east-1"));
    }

    #[test]
    fn a_named_folder_wins_over_the_environment() {
        let own = installation();
        let target = Target { data: Data { data: Some("d".into()) }, ..Target::default() };
        let access = settled(&target, &ALL, Some(&own)).unwrap();
        assert_eq!((&access.endpoint, &access.keys), (&own.endpoint(), &own.operator));
        assert_eq!(access.s3_endpoint, Some(own.endpoint()));
    }

    #[test]
    fn one_service_alone_may_be_redirected() {
        let mut set = ALL.to_vec();
        set[0] = ("AWS_ENDPOINT_URL_EMR_SERVERLESS", "http://f");
        let access = settled(&Target::default(), &set, None).unwrap();
        assert_eq!((access.endpoint.as_str(), access.s3_endpoint), ("http://f", None));
    }

    #[test]
    fn nothing_known_says_what_is_missing() {
        let missing = |set: &[(&str, &str)]| settled(&Target::default(), set, None).map(|_| ()).unwrap_err();
        assert_eq!(missing(&ALL[1..]), Unsettled::Service);
        assert_eq!(missing(&ALL[..1]), Unsettled::Keys);
    }
}
