//! State as the API shows it. Member names are the service model's; the shapes' tests hold them against it.

pub mod application;
pub mod job_run;

use serde::{Serialize, Serializer};

/// Milliseconds as epoch seconds with a fraction.
pub(super) fn seconds<S: Serializer>(
    at: &firesteel_core::time::Millis,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    firesteel_wire::shapes::Timestamp(at.0).serialize(serializer)
}

pub(super) fn maybe_seconds<S: Serializer>(
    at: &Option<firesteel_core::time::Millis>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    at.map(|at| firesteel_wire::shapes::Timestamp(at.0)).serialize(serializer)
}
