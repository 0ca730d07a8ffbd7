//! Who asks, and what they may.
mod caller;
mod gate;

pub use caller::{Caller, Rights};
pub use gate::{Gate, Keys};
