//! 7: no worker outlives its run, or its contact with any control plane, by more than the bound.

use super::ensure;
use crate::truth::{Known, Step};
use firesteel_core::id::WorkerId;
use std::time::Duration;

/// By how much, on top of the contact's limit: a stop's grace, shipping, and the longest outage of a storm.
const BOUND: Duration = Duration::from_secs(420);

pub(super) fn check(known: &Known, step: &Step<'_>) -> Result<(), String> {
    if !matches!(step, Step::Second) {
        return Ok(());
    }
    let limit = Duration::from_millis(known.bounds.contact_limit_ms);
    for worker in known.jvms.keys().filter(|worker| known.job_runs(worker)) {
        if let Some(heard) = known.heard.get(worker) {
            let silent = heard.elapsed();
            ensure(silent <= limit + BOUND, || format!("{worker} runs on, without contact for {silent:?}"))?;
        }
        if let Some(over) = run_over_for(known, worker) {
            ensure(over <= BOUND, || format!("{worker} runs on, {over:?} after its run's end"))?;
        }
    }
    Ok(())
}

fn run_over_for(known: &Known, worker: &WorkerId) -> Option<Duration> {
    let told = known.told_of(worker)?;
    told.ended.get(told.admitted.get(worker)?).map(tokio::time::Instant::elapsed)
}
