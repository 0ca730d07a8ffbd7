//! 7: no worker outlives its run, or its contact with any control plane, by more than the bound.

use super::ensure;
use crate::truth::{Known, Step};
use firesteel_core::id::WorkerId;
use firesteel_core::worker::SHIPPING_TIME;
use std::time::Duration;

/// After the contact's limit: a call that nobody answers, and a pause.
const LAST_CALL: Duration = Duration::from_secs(60);
/// After a run's end, or after the moment from which a worker may be killed: the longest outage of a storm.
const OUTAGE: Duration = Duration::from_secs(600);

pub(super) fn check(known: &Known, step: &Step<'_>) -> Result<(), String> {
    if !matches!(step, Step::Second) {
        return Ok(());
    }
    let limit = Duration::from_millis(known.bounds.contact_limit_ms);
    for worker in known.jvms.keys().filter(|worker| known.job_runs(worker)) {
        if let Some(heard) = known.heard.get(worker) {
            let silent = heard.elapsed();
            ensure(silent <= limit + LAST_CALL, || {
                format!("{worker} runs on, without contact for {silent:?}")
            })?;
        }
        if let Some(over) = run_over_for(known, worker) {
            ensure(over <= OUTAGE, || format!("{worker} runs on, {over:?} after its run's end"))?;
        }
        if let Some(late) = late_by(known, worker) {
            ensure(late <= OUTAGE, || {
                format!("{worker} runs on, {late:?} after it should have been killed")
            })?;
        }
    }
    Ok(())
}

fn late_by(known: &Known, worker: &WorkerId) -> Option<Duration> {
    let (at, grace) = known.told_of(worker)?.released.get(worker)?;
    let allowed = Duration::from_millis((grace + SHIPPING_TIME).max(0) as u64);
    Some(at.elapsed().saturating_sub(allowed))
}

fn run_over_for(known: &Known, worker: &WorkerId) -> Option<Duration> {
    let told = known.told_of(worker)?;
    told.ended.get(told.admitted.get(worker)?).map(tokio::time::Instant::elapsed)
}
