//! Conditions on writes: when they hold against what is stored at the moment of the commit.
//!
//! Source: S3 user guide, "conditional writes" and "conditional deletes".

use super::Refusal;

/// What an `If-Match` or `If-None-Match` header asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// `*`: any object.
    Any,
    /// An object with this entity tag (without quotes).
    Tag(String),
}

impl Wanted {
    fn fits(&self, etag: &str) -> bool {
        match self {
            Wanted::Any => true,
            Wanted::Tag(tag) => tag == etag,
        }
    }
}

/// The conditions of one write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// `If-Match`.
    pub if_match: Option<Wanted>,
    /// `If-None-Match`.
    pub if_none_match: Option<Wanted>,
}

impl Condition {
    /// Checks the conditions against the entity tag that is stored, if an object is.
    ///
    /// `If-Match` on a missing key is 404 `NoSuchKey`, as on S3, and not a failed precondition.
    pub fn check(&self, stored: Option<&str>) -> Result<(), Refusal> {
        if let Some(wanted) = &self.if_match {
            match stored {
                None => return Err(Refusal::NoSuchKey),
                Some(etag) if !wanted.fits(etag) => return Err(Refusal::PreconditionFailed),
                Some(_) => {}
            }
        }
        match (&self.if_none_match, stored) {
            (Some(wanted), Some(etag)) if wanted.fits(etag) => Err(Refusal::PreconditionFailed),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(if_match: Option<&str>, if_none_match: Option<&str>) -> Condition {
        let wanted = |text: &str| match text {
            "*" => Wanted::Any,
            tag => Wanted::Tag(tag.into()),
        };
        Condition { if_match: if_match.map(wanted), if_none_match: if_none_match.map(wanted) }
    }

    #[test]
    fn conditions_hold_as_on_s3() {
        let table = [
            (None, None, None, Ok(())),
            (None, None, Some("a"), Ok(())),
            (Some("a"), None, Some("a"), Ok(())),
            (Some("b"), None, Some("a"), Err(Refusal::PreconditionFailed)),
            (Some("a"), None, None, Err(Refusal::NoSuchKey)),
            (Some("*"), None, None, Err(Refusal::NoSuchKey)),
            (Some("*"), None, Some("a"), Ok(())),
            (None, Some("*"), None, Ok(())),
            (None, Some("*"), Some("a"), Err(Refusal::PreconditionFailed)),
            (None, Some("a"), Some("a"), Err(Refusal::PreconditionFailed)),
            (None, Some("b"), Some("a"), Ok(())),
        ];
        for (if_match, if_none_match, stored, expected) in table {
            let found = condition(if_match, if_none_match).check(stored);
            assert_eq!(found, expected, "{if_match:?} {if_none_match:?} {stored:?}");
        }
    }
}
