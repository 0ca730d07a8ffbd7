//! The life of a runner, in order; no other room knows the order.
//!
//! hello (repeated; refused: exit) → logs begin (the bucket's proof) → staging and configuration → the job starts →
//! exchanges go on → the job ends, or is ended → what is left of it is killed → the last log flush → `exit.json` →
//! end (repeated until acknowledged).

mod conclude;
mod ending;
mod halt;
mod hello;
pub(crate) mod session;
mod witness;
pub(crate) mod work;

pub use ending::Ending;

use crate::control::ControlPlane;
use crate::errand::Folders;
use crate::jvm::GuardCommand;
use firesteel_core::id::Mark;
use firesteel_protocol::transport::Errand;
use firesteel_protocol::{Assignment, Greeting};
use session::{Links, Session};
use std::process::ExitCode;
use std::sync::Arc;

/// Exit codes of the runner process itself. The job's own end is in `exit.json` and in the end that was reported.
mod status {
    pub const REFUSED: u8 = 3;
    pub const STALE: u8 = 4;
    pub const UNHEARD: u8 = 5;
}

/// Lives one life: from the errand to the acknowledged end.
pub async fn live(
    errand: Errand,
    control: Arc<dyn ControlPlane>,
    guard: GuardCommand,
) -> anyhow::Result<ExitCode> {
    let mark = Mark::new(hex::encode(rand::random::<[u8; 16]>()));
    let ui_port = hello::free_port(&errand.address);
    let assignment = match hello::greet(&*control, &errand, &mark, ui_port).await {
        Some(Greeting::Assigned(assignment)) => *assignment,
        Some(Greeting::Refused(why)) => {
            say!("firesteel runner {}: the hello was refused: {why:?}", errand.worker);
            return Ok(ExitCode::from(status::REFUSED));
        }
        None => return Ok(ExitCode::from(status::UNHEARD)),
    };
    assigned(errand, control, guard, mark, ui_port, assignment).await
}

async fn assigned(
    errand: Errand,
    control: Arc<dyn ControlPlane>,
    guard: GuardCommand,
    mark: Mark,
    ui_port: Option<u16>,
    assignment: Assignment,
) -> anyhow::Result<ExitCode> {
    let folders = Folders::make(&errand.folder)?;
    let session = Session::new(&errand, mark, ui_port, &assignment);
    let (links, ends) = Links::new();
    let exchanges = tokio::spawn(session::exchange(control.clone(), session.clone(), links));
    let worked = work::work(&errand, &assignment, &folders, &session, guard, &ends).await;
    if matches!(worked.ending, Ending::Stale) {
        return Ok(ExitCode::from(status::STALE));
    }
    let exit = conclude::last_words(&folders, worked).await;
    if let Err(error) = crate::atomic::write(&folders.exit(), &serde_json::to_vec(&exit)?) {
        // A full disk, say: then the report below is the only word of the end.
        say!("firesteel runner {}: cannot write exit.json: {error}", errand.worker);
    }
    let acknowledged = conclude::report(&*control, &session, exit).await;
    exchanges.abort();
    Ok(if acknowledged { ExitCode::SUCCESS } else { ExitCode::from(status::UNHEARD) })
}
