//! Who asks, and what they may: keys, sealed sessions, roles, policies, and the gate in front of
//! the S3 operations.
//!
//! Three kinds of caller: the control plane (everything), the operator (all but the state bucket)
//! and sessions (what their role and their policy allow, never the state bucket). This room knows
//! nothing of how objects are stored.

mod actions;
mod caller;
mod gate;
mod keys;
mod pattern;
mod policy;
mod roles;
mod session;

pub use caller::{Caller, Identity};
pub use gate::Gate;
pub use keys::{Keys, Stranger, now_ms};
pub use policy::Policy;
pub use roles::{Limits, Roles, role_arn};
pub use session::{Seal, Session};
