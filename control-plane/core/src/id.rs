//! Identifiers, one type per kind, so that a job-run id cannot be handed where an application id belongs.
//!
//! An identifier is 16 characters of `[0-9a-z]` in EMR's shape: `00`, then the creation time in milliseconds as
//! eight base-36 digits, then six digits of chance (supplied from outside). Sorting by id sorts by creation.
//!
//! Copies share their text: the state's maps copy the keys beside every change.

use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const TIME_DIGITS: u32 = 8;
const CHANCE_DIGITS: u32 = 6;
/// The first time, in milliseconds, that an id's digits do not hold: in the year 2059.
pub(crate) const END: i64 = 36i64.pow(TIME_DIGITS);

/// Builds the text of an identifier from its creation time and a random number (only the low 31 bits matter).
pub fn mint(created: Millis, chance: u64) -> String {
    let mut text = String::with_capacity(16);
    text.push_str("00");
    push_base36(&mut text, created.0.max(0) as u64, TIME_DIGITS);
    push_base36(&mut text, chance, CHANCE_DIGITS);
    text
}

/// The creation time that an identifier carries, or `None` if the text is not of our shape.
pub fn created_at(id: &str) -> Option<Millis> {
    let digits = id.strip_prefix("00").filter(|rest| rest.len() == (TIME_DIGITS + CHANCE_DIGITS) as usize)?;
    let valid = digits.bytes().all(|b| DIGITS.contains(&b));
    let time = digits.get(..TIME_DIGITS as usize)?;
    valid.then(|| u64::from_str_radix(time, 36).ok()).flatten().map(|ms| Millis(ms as i64))
}

fn push_base36(text: &mut String, value: u64, width: u32) {
    for place in (0..width).rev() {
        let digit = (value / 36u64.pow(place)) % 36;
        text.push(char::from(DIGITS[digit as usize]));
    }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is; the wire has checked its form.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier!(
    /// Names an application.
    ApplicationId
);
identifier!(
    /// Names a job run.
    JobRunId
);
identifier!(
    /// Names a worker for ever: the run, the attempt, and `driver` or the pod's uid. Never used twice.
    WorkerId
);
identifier!(
    /// Names a machine (or a Kubernetes cluster) on which workers live.
    HostId
);
identifier!(
    /// The random mark of one runner process: two processes that claim to be the same worker differ in it.
    Mark
);

impl WorkerId {
    /// The driver of an attempt.
    pub fn driver(run: &JobRunId, attempt: u32) -> Self {
        Self::new(format!("{run}-{attempt}-driver"))
    }

    /// The bounds between which all workers of a run lie.
    pub(crate) fn all_of(run: &JobRunId) -> std::ops::Range<Self> {
        // The character after '-'.
        Self::new(format!("{run}-"))..Self::new(format!("{run}."))
    }

    /// The run and the attempt that the name says.
    pub fn run_and_attempt(&self) -> Option<(JobRunId, u32)> {
        let mut parts = self.0.split('-');
        Some((JobRunId::new(parts.next()?), parts.next()?.parse().ok()?))
    }

    /// The executor that answers to the pod `uid` of an attempt.
    pub fn executor(run: &JobRunId, attempt: u32, uid: &str) -> Self {
        Self::new(format!("{run}-{attempt}-{uid}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn has_the_shape_of_an_emr_id() {
        let id = mint(Millis(1_795_000_000_000), 42);
        assert_eq!(id.len(), 16);
        assert!(id.starts_with("00"));
        assert_eq!(created_at(&id), Some(Millis(1_795_000_000_000)));
    }

    #[test]
    fn foreign_text_carries_no_time() {
        for text in ["", "abc", "0x0000000000000000", "00f1cbsc6anuij2!", "00f1cbsc6anuij2"] {
            assert_eq!(created_at(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn sorts_by_creation(a in 0i64..2_800_000_000_000, b in 0i64..2_800_000_000_000, c: u64, d: u64) {
            prop_assume!(a < b);
            prop_assert!(mint(Millis(a), c) < mint(Millis(b), d));
            prop_assert_eq!(created_at(&mint(Millis(a), c)), Some(Millis(a)));
        }
    }
}
