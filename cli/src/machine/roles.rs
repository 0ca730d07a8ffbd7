//! Execution roles by STS AssumeRole; the embedded STS and AWS's are spoken to alike.

use async_trait::async_trait;
use aws_sdk_sts::Client;
use aws_sdk_sts::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_sts::types::PolicyDescriptorType;
use firesteel_core::time::Millis;
use firesteel_journal::Clock;
use firesteel_protocol::Credentials;
use firesteel_service::{Narrowing, RoleError, Roles};

use super::world::RealWorld;

/// Life of the credentials, seconds.
const DURATION: i32 = 3600;
/// STS's limits of a session name.
const NAME: std::ops::RangeInclusive<usize> = 2..=64;
/// Errors that say no for good; the rest may pass, or are trouble with our own key.
const REFUSALS: [&str; 5] = [
    "AccessDenied",
    "AccessDeniedException",
    "ValidationError",
    "InvalidParameterValue",
    "RegionDisabledException",
];
/// Errors that say that the role stands, but not the policies that were to narrow it.
const OF_POLICIES: [&str; 3] = ["MalformedPolicyDocument", "NoSuchEntity", "PackedPolicyTooLarge"];

/// Roles of one STS.
#[derive(Clone, Debug)]
pub struct StsRoles(Client);

impl StsRoles {
    /// Asks this STS.
    pub fn new(client: Client) -> Self {
        Self(client)
    }
}

#[async_trait]
impl Roles for StsRoles {
    async fn assume(
        &self,
        role: &str,
        session: &str,
        narrowing: &Narrowing,
    ) -> Result<Credentials, RoleError> {
        let granted = Millis(RealWorld.now());
        let request = self.0.assume_role().role_arn(role).role_session_name(session_name(session));
        let request = request.duration_seconds(DURATION).set_policy(narrowing.policy.clone());
        let named = narrowing.policy_arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build());
        let request = named.fold(request, |request, policy| request.policy_arns(policy));
        let answer = request.send().await.map_err(|error| {
            let code = error.code().unwrap_or_default().to_owned();
            let said = error.message().map(|message| format!("{code}: {message}"));
            verdict(&code, said.unwrap_or_else(|| DisplayErrorContext(&error).to_string()))
        })?;
        let given = answer
            .credentials()
            .ok_or_else(|| RoleError::Unavailable("STS gave no credentials".to_owned()))?;
        let expires =
            given.expiration().to_millis().map_err(|error| RoleError::Unavailable(error.to_string()))?;
        Ok(Credentials {
            access_key_id: given.access_key_id().to_owned(),
            secret_access_key: given.secret_access_key().to_owned(),
            session_token: given.session_token().to_owned(),
            granted,
            expires: Millis(expires),
        })
    }
}

fn verdict(code: &str, text: String) -> RoleError {
    match code {
        code if OF_POLICIES.contains(&code) => RoleError::Policy(text),
        code if REFUSALS.contains(&code) => RoleError::Refused(text),
        _ => RoleError::Unavailable(text),
    }
}

/// What STS takes as a session name: `[\w+=,.@-]{2,64}`.
fn session_name(wanted: &str) -> String {
    let clean = |letter: char| {
        if letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter) { letter } else { '-' }
    };
    let mut name: String = wanted.chars().map(clean).take(*NAME.end()).collect();
    while name.len() < *NAME.start() {
        name.push('-');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_names_are_stss() {
        let table = [
            ("00g0abc,00g0def", "00g0abc,00g0def".to_owned()),
            ("a/b c", "a-b-c".to_owned()),
            ("x", "x-".to_owned()),
            ("", "--".to_owned()),
        ];
        for (wanted, name) in table {
            assert_eq!(session_name(wanted), name);
        }
        assert_eq!(session_name(&"é".repeat(70)), "-".repeat(64));
    }

    #[test]
    fn which_errors_are_for_good() {
        for code in REFUSALS {
            assert!(matches!(verdict(code, String::new()), RoleError::Refused(_)), "{code}");
        }
        for code in OF_POLICIES {
            assert!(matches!(verdict(code, String::new()), RoleError::Policy(_)), "{code}");
        }
        for code in ["", "Throttling", "InvalidClientTokenId", "ExpiredToken", "InternalFailure"] {
            assert!(matches!(verdict(code, String::new()), RoleError::Unavailable(_)), "{code}");
        }
    }
}
