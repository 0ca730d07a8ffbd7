//! AssumeRole and GetSessionToken: who is given a session, and for how long.

use super::answer::{self, Fault};
use super::{Parameters, Sts, constraint, required};
use crate::access::{AssumedRole, Holder, Identity, Policy, Role, Session, now_ms, role_arn};

/// Seconds of a session that asks for none: of a role, and of a user (STS API reference).
const ROLE_DEFAULT: i64 = 3_600;
const USER_DEFAULT: i64 = 43_200;
/// The longest sessions, in seconds.
const ROLE_LONGEST: i64 = 43_200;
const USER_LONGEST: i64 = 129_600;
/// What all session policies may have together, in characters.
const POLICIES_MAX: usize = 2_048;
/// Parameters that would narrow or prove something, and are not understood here.
const UNSUPPORTED: [&str; 4] = ["SerialNumber", "TokenCode", "TransitiveTagKeys", "ProvidedContexts"];

impl Sts {
    pub(super) fn assume_role(&self, identity: &Identity, parameters: &Parameters) -> Result<String, Fault> {
        let arn = required(parameters, "RoleArn", 20, 2048)?;
        let name = required(parameters, "RoleSessionName", 2, 64)?;
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)) {
            return Err(constraint(
                "roleSessionName",
                name,
                "Member must satisfy regular expression pattern: [\\w+=,.@-]*",
            ));
        }
        let arn = role_arn(arn).ok_or_else(|| Fault::validation(format!("{arn} is invalid")))?;
        let seconds = duration(parameters, ROLE_DEFAULT, ROLE_LONGEST)?;
        refuse_unsupported(parameters)?;
        let role = self.role(identity, arn, parameters.get("ExternalId"))?;
        if seconds > role.max_session_seconds {
            return Err(Fault::validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".into(),
            ));
        }
        let policies = self.policies(parameters)?;
        let role = AssumedRole { role: arn.to_owned(), name: name.to_owned(), limits: role.limits, policies };
        let (session, secret, token) = self.issue(Holder::Role(role.clone()), seconds);
        Ok(answer::assumed_role(&session, &role, &secret, &token))
    }

    pub(super) fn session_token(
        &self,
        identity: &Identity,
        access_key: &str,
        parameters: &Parameters,
    ) -> Result<String, Fault> {
        let seconds = duration(parameters, USER_DEFAULT, USER_LONGEST)?;
        refuse_unsupported(parameters)?;
        let is_user = matches!(identity, Identity::Operator | Identity::Named(_));
        if !is_user || access_key.starts_with("ASIA") {
            return Err(Fault::denied("Cannot call GetSessionToken with session credentials".into()));
        }
        let (session, secret, token) = self.issue(Holder::User(access_key.to_owned()), seconds);
        Ok(answer::credentials(&session, &secret, &token))
    }

    fn issue(&self, holder: Holder, seconds: i64) -> (Session, String, String) {
        let seal = &self.keys.seal;
        let access_key = seal.new_access_key();
        let secret = seal.secret_key(&access_key).unwrap_or_default();
        let session = Session { access_key, expires_ms: now_ms() + seconds * 1000, holder };
        let token = seal.token(&session);
        (session, secret, token)
    }

    /// The role, if this caller may assume it: a session may not assume another role, so that a job cannot step out of
    /// its policy.
    fn role(&self, identity: &Identity, arn: &str, external_id: Option<&str>) -> Result<Role, Fault> {
        let trusted = |role: &Role| match identity {
            Identity::ControlPlane => true,
            Identity::Operator => role.knows(external_id),
            Identity::Named(named) => role.trusts(&named.arn) && role.knows(external_id),
            Identity::Session(..) => false,
        };
        self.keys.roles.get().find(arn).filter(trusted).ok_or_else(|| {
            Fault::denied(format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
                self.arn(identity)
            ))
        })
    }

    /// The session policies: the one in the request, and those that it names.
    fn policies(&self, parameters: &Parameters) -> Result<Vec<String>, Fault> {
        let inline = parameters.get("Policy").filter(|policy| !policy.is_empty());
        if let Some(policy) = inline {
            Policy::parse(policy).map_err(|fault| Fault::bad_request("MalformedPolicyDocument", fault))?;
        }
        let mut policies: Vec<String> = inline.map(str::to_owned).into_iter().collect();
        let roles = self.keys.roles.get();
        for arn in parameters.starting_with("PolicyArns.member.") {
            let document = roles.policy(arn).ok_or_else(|| {
                Fault::bad_request("NoSuchEntity", format!("The policy {arn} does not exist"))
            })?;
            policies.push(document.to_owned());
        }
        let length: usize = policies.iter().map(|policy| policy.chars().count()).sum();
        if length > POLICIES_MAX {
            let text =
                format!("The session policies have {length} characters together, more than {POLICIES_MAX}");
            return Err(Fault::bad_request("PackedPolicyTooLarge", text));
        }
        Ok(policies)
    }
}

fn refuse_unsupported(parameters: &Parameters) -> Result<(), Fault> {
    match UNSUPPORTED.into_iter().find(|name| parameters.starting_with(name).next().is_some()) {
        Some(name) => Err(Fault::validation(format!("The parameter {name} is not supported"))),
        None => Ok(()),
    }
}

/// Seconds.
fn duration(parameters: &Parameters, default: i64, most: i64) -> Result<i64, Fault> {
    let Some(text) = parameters.get("DurationSeconds") else { return Ok(default) };
    let seconds = text
        .parse::<i64>()
        .map_err(|_| Fault::bad_request("MalformedInput", "DurationSeconds is not a number".into()))?;
    let rule = match seconds {
        ..900 => "Member must have value greater than or equal to 900".to_owned(),
        seconds if seconds <= most => return Ok(seconds),
        _ => format!("Member must have value less than or equal to {most}"),
    };
    Err(constraint("durationSeconds", text, &rule))
}
