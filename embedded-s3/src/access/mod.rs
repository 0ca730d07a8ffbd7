//! Who asks, and what they may: keys, sealed sessions, roles, policies, and the gate in front of
//! the S3 operations.
//!
//! Four kinds of caller: the control plane (everything), the operator (all but the state bucket), named users (what
//! their limits allow) and sessions of roles (what their role and its policies allow); neither of the latter ever sees
//! the state bucket. This room knows nothing of how objects are stored.

mod actions;
mod caller;
mod gate;
mod keys;
mod pattern;
mod policy;
mod roles;
mod session;

pub use caller::{Caller, Identity, Named};
pub use gate::Gate;
pub use keys::{Keys, Latest, Stranger, now_ms};
pub use policy::Policy;
pub use roles::{Limits, Role, Roles, role_arn};
pub use session::{AssumedRole, Holder, Seal, Session};
