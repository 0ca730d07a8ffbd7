//! The EMR Serverless protocol as values: which request means which operation, whether its input is well formed, who signed it, and what
//! an answer or an error looks like on the wire.
//!
//! This room knows the published service model and nothing of what an operation does. It must not know sockets, clocks, randomness,
//! S3, or the rules of applications and job runs: whoever calls it brings the bytes and the time.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

pub mod arn;
pub mod client;
pub mod error;
pub mod model;
pub mod operation;
pub mod paging;
pub mod route;
pub mod shapes;
pub mod sigv4;
pub mod sizes;
pub mod texts;
pub mod validate;

pub use error::{ApiError, ErrorKind};
pub use operation::Operation;
pub use route::{Routed, route};
pub use validate::validate;

/// An operation's input or output as JSON members.
pub type Input = serde_json::Map<String, serde_json::Value>;
