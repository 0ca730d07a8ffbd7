//! Properties that the service sets itself. A user's conflicting value is refused by name, not overridden in silence.
//!
//! Source: EMR user guide, jobs-spark (master, deploy mode, shuffle service); design §4 and §5.

use super::Properties;

/// A user's value for a property that the service owns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} cannot be set to {value:?}: {why}")]
pub struct OwnedProperty {
    /// The property.
    pub key: String,
    /// What the user gave; empty for secrets.
    pub value: String,
    /// What to know about it.
    pub why: &'static str,
}

/// What the user may say about an owned property.
enum Allowed {
    /// Nothing.
    Never,
    /// Only what the service would say, too.
    Only(&'static str),
}

const MASTER: &str = "the service chooses where the job runs";
const NETWORK: &str = "the service sets the driver's address";
const SECRET: &str = "driver and executors authenticate each other with a secret of the service";
const APP_ID: &str = "the application id is the job run id";

const OWNED: [(&str, Allowed, &str); 13] = [
    ("spark.master", Allowed::Never, MASTER),
    ("spark.remote", Allowed::Never, MASTER),
    ("spark.submit.deployMode", Allowed::Only("client"), MASTER),
    ("spark.app.id", Allowed::Never, APP_ID),
    ("spark.driver.host", Allowed::Never, NETWORK),
    ("spark.driver.bindAddress", Allowed::Never, NETWORK),
    ("spark.authenticate", Allowed::Only("true"), SECRET),
    ("spark.authenticate.secret", Allowed::Never, SECRET),
    ("spark.authenticate.secret.file", Allowed::Never, SECRET),
    ("spark.authenticate.secret.driver.file", Allowed::Never, SECRET),
    ("spark.authenticate.secret.executor.file", Allowed::Never, SECRET),
    ("spark.shuffle.service.enabled", Allowed::Only("false"), "there is no external shuffle service"),
    ("spark.connect.grpc.binding.address", Allowed::Never, "it is reserved for sessions"),
];

/// The first property of `user` (in key order) that the service owns and that says something else.
pub fn conflict(user: &Properties) -> Option<OwnedProperty> {
    user.iter().find_map(|(key, value)| refused(key, value))
}

fn refused(key: &str, value: &str) -> Option<OwnedProperty> {
    let no = |why| {
        let value = if key.contains("secret") { String::new() } else { value.to_owned() };
        Some(OwnedProperty { key: key.to_owned(), value, why })
    };
    if key.starts_with("spark.kubernetes.") {
        return no("how executors are started is the service's own business");
    }
    let (_, allowed, why) = OWNED.iter().find(|(owned, ..)| *owned == key)?;
    match allowed {
        Allowed::Only(fine) if value.trim().eq_ignore_ascii_case(fine) => None,
        _ => no(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str) -> Option<OwnedProperty> {
        conflict(&Properties::from([(key.to_owned(), value.to_owned())]))
    }

    #[test]
    fn what_the_service_owns_is_refused_by_name() {
        for (key, value) in [
            ("spark.master", "local[2]"),
            ("spark.submit.deployMode", "cluster"),
            ("spark.app.id", "mine"),
            ("spark.kubernetes.namespace", "mine"),
            ("spark.authenticate", "false"),
            ("spark.driver.host", "1.2.3.4"),
            ("spark.shuffle.service.enabled", "true"),
        ] {
            let refused = check(key, value).expect(key);
            assert!(
                refused.to_string().starts_with(&format!("{key} cannot be set to \"{value}\"")),
                "{refused}"
            );
        }
    }

    #[test]
    fn what_agrees_with_the_service_is_no_conflict() {
        for (key, value) in [
            ("spark.submit.deployMode", "client"),
            ("spark.authenticate", "true"),
            ("spark.shuffle.service.enabled", "False"),
            ("spark.executor.memory", "4g"),
            ("spark.authenticate.enableSaslEncryption", "true"),
        ] {
            assert_eq!(check(key, value), None, "{key}");
        }
    }

    #[test]
    fn a_secret_is_not_repeated() {
        assert_eq!(
            check("spark.authenticate.secret", "hush").map(|refused| refused.value),
            Some(String::new())
        );
    }
}
