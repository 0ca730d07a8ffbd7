//! The job's process: its command line and environment, its start in a session of its own, its end as a whole.
//!
//! `command` and `environment` are values; `spawn` starts, `confine` narrows what the job may read, `guard` ends the
//! job when the runner dies, `processes` finds what belongs to it. This room must not know the control plane.

mod command;
mod confine;
mod environment;
pub mod guard;
pub mod processes;
mod reap;
mod spawn;

pub use command::{Command, Heap, driver, executor_options};
pub use confine::Confinement;
pub use environment::{MARK, Place, base, driver_variables};
pub use reap::{adopt_orphans, reap};
pub use spawn::{GuardCommand, Job, Spawner, code};
