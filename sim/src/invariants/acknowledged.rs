//! 1: an acknowledged StartJobRun is in the journal, no crash loses it; one token, one run. So no slot of a log is
//! written twice, and a run leaves the state only when it can be found in history.

use super::ensure;
use crate::truth::{Known, Step};
use firesteel_core::event::Event;
use firesteel_core::id::{self, ApplicationId, JobRunId};
use firesteel_journal::{Store, keys};
use futures::FutureExt;

pub(super) fn check(known: &Known, step: &Step<'_>) -> Result<(), String> {
    match step {
        Step::Stored { app, seq, last, .. } => {
            ensure(*seq == last.0 + 1, || format!("{app}: entry {seq} was stored after entry {}", last.0))
        }
        Step::Folded { app, event: Event::JobRunSubmitted { run, .. }, .. } => {
            let same = known.told.get(*app).into_iter().flat_map(|told| &told.submitted);
            let mut other =
                same.filter(|(id, token)| token.as_str() == &*run.token && **id != run.id).map(|(id, _)| id);
            let other = other.next_back();
            ensure(other.is_none(), || format!("token {} created {other:?} and {}", run.token, run.id))
        }
        Step::Folded { app, event: Event::JobRunArchived { run }, .. } => {
            ensure(in_history(known, app, run), || format!("{run} left the state and is not in history"))
        }
        Step::Acknowledged { app, token, run } => {
            let known_token = known.told.get(*app).and_then(|told| told.submitted.get(*run));
            ensure(known_token.map(String::as_str) == Some(token), || {
                format!("{run} was acknowledged and is not in the log")
            })?;
            let before = known.acknowledged.get(&((*app).clone(), (*token).to_owned()));
            ensure(before.is_none_or(|before| before == *run), || {
                format!("token {token} gave {before:?} and now {run}")
            })
        }
        Step::Shown { run, state: None, .. } => {
            let acknowledged = known.acknowledged.values().any(|known| known == *run);
            ensure(!acknowledged, || format!("{run} was acknowledged and cannot be found"))
        }
        Step::Healed => all_are_kept(known),
        _ => Ok(()),
    }
}

fn all_are_kept(known: &Known) -> Result<(), String> {
    for ((app, _), run) in &known.acknowledged {
        let in_state = known.told.get(app).is_some_and(|told| told.app.runs.contains_key(run));
        ensure(in_state || in_history(known, app, run), || format!("acknowledged {run} is lost"))?;
    }
    Ok(())
}

fn in_history(known: &Known, app: &ApplicationId, run: &JobRunId) -> bool {
    let Some(created) = id::created_at(run.as_str()) else { return false };
    let key = keys::history(app.as_str(), created.0, run.as_str());
    // The store in memory never waits.
    matches!(known.store.get(&key).now_or_never(), Some(Ok(Some(_))))
}
