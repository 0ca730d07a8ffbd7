//! The last log flush, the exit, and the end that is repeated until it is acknowledged.

use super::ending::conclusion;
use super::session::Session;
use super::work::Worked;
use crate::clock;
use crate::control::{Backoff, Contact, ControlPlane};
use crate::errand::Folders;
use crate::notes::Notes;
use firesteel_protocol::{End, Exit, ExitCode};
use std::time::{Duration, Instant};

/// How long the last log flush bears an S3 that does not answer.
const LOG_PATIENCE: Duration = Duration::from_secs(600);
/// How long the end is reported to a control plane that has been silent for too long already.
const LAST_TRY: Duration = Duration::from_secs(10);

/// Writes the last line, ships the logs, and says how the job ended.
pub(super) async fn last_words(folders: &Folders, worked: Worked) -> Exit {
    let (code, mut summary) = conclusion(&worked.ending);
    if !code.is_the_jobs() {
        Notes::new(&folders.stderr()).line(&format!("the job ends: {summary}"));
    }
    let (logs, events) =
        tokio::join!(worked.follower.finish(LOG_PATIENCE), worked.event_logs.finish(LOG_PATIENCE));
    if let Err(error) = events {
        // The job's own logs count; who looks for its history is told what is there.
        say!("firesteel runner: event logs are not whole in S3: {error}");
    }
    let complete = logs.complete && worked.logs_taken;
    if let Some(why) = logs.why {
        summary = format!("{summary}\nlogs are not complete: {why}").trim_start().to_owned();
    }
    Exit { code, summary, started: worked.started, ended: clock::now(), logs_complete: complete }
}

/// Reports the end until it is acknowledged, or found stale; false if nobody was heard for too long.
///
/// After a silence that ended the job, a short last try is all: the exit lies in `exit.json`.
pub(super) async fn report(control: &dyn ControlPlane, session: &Session, exit: Exit) -> bool {
    let silent = exit.code == ExitCode::NO_CONTROL_PLANE;
    let limit = if silent { session.limit.min(LAST_TRY) } else { session.limit };
    let end = End { worker: session.worker.clone(), mark: session.mark.clone(), fence: session.fence, exit };
    let contact = Contact::new(Instant::now(), limit);
    let mut backoff = Backoff::default();
    loop {
        match control.end(&end).await {
            Ok(_) => return true,
            Err(_) if contact.is_lost(Instant::now()) => return false,
            Err(error) => {
                say!("firesteel runner {}: end: {error}", session.worker);
                tokio::time::sleep(backoff.failed()).await;
            }
        }
    }
}
