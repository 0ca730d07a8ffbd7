//! The runner: the first process in every worker, on every substrate. The job is its child.
//!
//! Begin in `life`, which holds the order of things; every other room does one thing and does not know the order.
//! The runner speaks to the control plane in `firesteel-protocol` and to Spark through the loopback pod API; it must
//! not know journals, applications' rules, or who admits executors.

/// A line in the runner's own log. `eprintln!` would end the runner where the disk is full.
macro_rules! say {
    ($($word:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($word)*);
    }};
}

mod atomic;
mod clock;
mod conf;
pub mod control;
mod credentials;
mod errand;
pub mod event_logs;
mod failure;
mod jvm;
mod life;
pub mod logs;
mod notes;
mod pod_api;
mod role;
mod runtime;
mod s3;
mod staging;

pub use credentials::Keyring;
pub use jvm::guard::VERB as GUARD_VERB;
pub use s3::{S3Error, client as s3_client};

use firesteel_protocol::transport::Errand;
use std::os::fd::RawFd;
use std::process::ExitCode;
use std::sync::Arc;

/// Lives the life of a runner whose errand (`firesteel_protocol::transport::Errand`, JSON) can be read from the
/// inherited descriptor `errand_fd`.
///
/// The process ends with 0 once the end is acknowledged, 3 if the hello was refused, 4 if another process is the
/// worker now, 5 if no control plane was heard, 1 if the runner itself failed. The program must answer its hidden verb
/// [`GUARD_VERB`] with [`guard`].
pub fn run(errand_fd: RawFd) -> ExitCode {
    match try_run(errand_fd) {
        Ok(code) => code,
        Err(error) => {
            say!("firesteel runner: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The guardian of a job: `runner-guard <mark>`. Ends the job when its runner is gone.
pub fn guard(mark: &str) -> ExitCode {
    jvm::guard::guard(mark)
}

fn confine(errand: &Errand) {
    let Some(forbidden) = &errand.forbidden else { return };
    let confined = jvm::Confinement::of_this_process(forbidden, &[&errand.folder, &errand.runtimes]);
    if let Err(error) = confined {
        say!("firesteel runner {}: Landlock: {error}", errand.worker);
    }
}

fn try_run(errand_fd: RawFd) -> anyhow::Result<ExitCode> {
    let errand = errand::read(errand_fd)?;
    jvm::adopt_orphans();
    confine(&errand);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let control = control::HttpControlPlane::new(
        errand.endpoints.clone(),
        errand.token.clone(),
        errand.authority.as_deref(),
    )?;
    let guard = jvm::GuardCommand::this_program()?;
    let code = runtime.block_on(life::live(errand, Arc::new(control), guard));
    runtime.shutdown_background();
    code
}
