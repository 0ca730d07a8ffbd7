//! Who may do what: policies as values, and what each operation asks of them.
//!
//! Pure: no clock, no I/O. It must not know how a caller proved who they are, nor how a refusal travels; a policy that
//! allows nothing is the default, and an explicit deny wins over every allow.

mod pattern;
mod policy;
mod question;

pub use pattern::fits;
pub use policy::{ActionPattern, Effect, Policy, RolePattern, Statement, Target, Verdict};
pub use question::{About, ApplicationName, Question, questions};

use std::fmt;

/// A caller may not do what they ask for. Its text is AWS's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// ARN of the caller.
    pub caller: String,
    /// The action that is not allowed.
    pub action: String,
    /// What it would have been done to.
    pub resource: String,
    /// A statement denies it; otherwise none allows it.
    pub explicit: bool,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { caller, action, resource, explicit } = self;
        write!(f, "User: {caller} is not authorized to perform: {action} on resource: {resource} ")?;
        if *explicit {
            write!(f, "with an explicit deny in an identity-based policy")
        } else {
            write!(f, "because no identity-based policy allows the {action} action")
        }
    }
}

#[cfg(test)]
mod tests;
