//! Bodies on their way in and out: received and verified before anything is committed, sent as
//! a stream that holds little memory.

mod observe;
mod receive;
mod reframe;
mod send;

pub use observe::Observed;
pub use receive::{Claims, receive};
pub use reframe::{Framing, reframe};
pub use send::send;
