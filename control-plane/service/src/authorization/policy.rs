//! A policy: statements that allow or deny, and what they say of a question. As written in `identities.toml` and
//! `roles.toml`; what could never take effect is refused while it is read.

use super::pattern::{fits, fits_in_any_case};
use super::question::{About, ApplicationName, Question};
use firesteel_wire::Operation;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The API's part of an action's name.
pub(super) const VENDOR: &str = "emr-serverless";

/// What its holder may do. The empty one allows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// What a policy says to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Some statement allows it and none denies it.
    Allowed,
    /// No statement speaks of it.
    NotAllowed,
    /// A statement denies it.
    Denied,
}

/// Whether a statement allows or denies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It allows.
    #[default]
    Allow,
    /// It denies, whatever others allow.
    Deny,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Statement {
    effect: Effect,
    actions: Vec<ActionPattern>,
    applications: Vec<Target>,
    pass_roles: Vec<RolePattern>,
    tags: BTreeMap<String, String>,
}

/// A statement as it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    effect: Effect,
    #[serde(default)]
    actions: Vec<ActionPattern>,
    #[serde(default)]
    applications: Vec<Target>,
    #[serde(default)]
    pass_roles: Vec<RolePattern>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// A pattern of actions: `*`, or `emr-serverless:` and a name with wildcards. Case does not matter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ActionPattern(String);

/// Which applications: `*`, a pattern of ids (with all that is in them), or a pattern of ARNs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Target {
    /// All of them, and what belongs to none.
    Everything,
    /// Those whose id fits, with their job runs and sessions.
    Id(String),
    /// The resources whose ARN fits.
    Arn(String),
}

/// A pattern of ARNs of execution roles.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct RolePattern(String);

impl Policy {
    /// A policy of these statements.
    pub fn new(statements: Vec<Statement>) -> Self {
        Self { statements }
    }

    /// All actions on everything with every role.
    pub fn everything() -> Self {
        Self::new(vec![Statement {
            effect: Effect::Allow,
            actions: vec![ActionPattern("*".to_owned())],
            applications: vec![Target::Everything],
            pass_roles: vec![RolePattern("*".to_owned())],
            tags: BTreeMap::new(),
        }])
    }

    /// What it says to a question about an application with these tags.
    pub fn verdict(&self, question: &Question, tags: &BTreeMap<String, String>) -> Verdict {
        let mut verdict = Verdict::NotAllowed;
        for statement in self.statements.iter().filter(|statement| statement.speaks_of(question, tags)) {
            match statement.effect {
                Effect::Deny => return Verdict::Denied,
                Effect::Allow => verdict = Verdict::Allowed,
            }
        }
        verdict
    }

    /// Whether an answer may depend on tags, so that they must be looked up.
    pub fn looks_at_tags(&self) -> bool {
        self.statements.iter().any(|statement| !statement.tags.is_empty())
    }
}

impl Statement {
    fn speaks_of(&self, question: &Question, tags: &BTreeMap<String, String>) -> bool {
        let action = || self.actions.iter().any(|pattern| pattern.fits(&question.action));
        let application = |name: &ApplicationName, arn: &str| {
            self.applications.iter().any(|target| target.fits(&name.id, arn))
        };
        let subject = match &question.about {
            About::Everything => action() && self.applications.contains(&Target::Everything),
            About::Within { arn, application: of } => action() && application(of, arn),
            About::Elsewhere { arn } => {
                action() && self.applications.iter().any(|target| target.fits_arn(arn))
            }
            // Where a statement names applications, the role may be passed to these alone.
            About::Role { arn, application: of } => {
                self.pass_roles.iter().any(|pattern| fits(&pattern.0, arn))
                    && (self.applications.is_empty() || application(of, &of.arn))
            }
        };
        subject
            && self.tags.iter().all(|(key, pattern)| tags.get(key).is_some_and(|value| fits(pattern, value)))
    }
}

impl ActionPattern {
    fn fits(&self, action: &str) -> bool {
        fits_in_any_case(&self.0, action)
    }
}

impl Target {
    fn fits(&self, id: &str, arn: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Id(pattern) => fits(pattern, id),
            Self::Arn(pattern) => fits(pattern, arn),
        }
    }

    fn fits_arn(&self, arn: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Id(_) => false,
            Self::Arn(pattern) => fits(pattern, arn),
        }
    }
}

impl TryFrom<Written> for Statement {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { effect, actions, applications, pass_roles, tags } = written;
        if actions.is_empty() && pass_roles.is_empty() {
            return Err("a statement needs actions or pass_roles".to_owned());
        }
        if !actions.is_empty() && applications.is_empty() {
            return Err("actions without applications: say which, e.g. applications = [\"*\"]".to_owned());
        }
        Ok(Self { effect, actions, applications, pass_roles, tags })
    }
}

impl TryFrom<String> for ActionPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let pattern = Self(text);
        let known = Operation::ALL.iter().any(|operation| pattern.fits(&format!("{VENDOR}:{operation}")));
        match known {
            true => Ok(pattern),
            false => {
                Err(format!("{:?} is no action: expected \"*\" or e.g. \"{VENDOR}:StartJobRun\"", pattern.0))
            }
        }
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"*?".contains(&byte);
        match text.as_str() {
            "*" => Ok(Self::Everything),
            arn if arn.starts_with("arn:") => Ok(Self::Arn(text)),
            pattern if !pattern.is_empty() && pattern.bytes().all(id) => Ok(Self::Id(text)),
            other => Err(format!(
                "{other:?} is no application: expected \"*\", an id or an ARN, with wildcards if you like"
            )),
        }
    }
}

impl TryFrom<String> for RolePattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text == "*" || text.starts_with("arn:") {
            true => Ok(Self(text)),
            false => Err(format!(
                "{text:?} is no role: expected \"*\" or e.g. \"arn:aws:iam::000000000000:role/etl-*\""
            )),
        }
    }
}
