//! 6: a run's logs are complete in S3 before its terminal state is visible, or the state says that they are not.

use super::ensure;
use crate::truth::{Known, Step};
use firesteel_core::event::Event;

pub(super) fn check(known: &Known, step: &Step<'_>) -> Result<(), String> {
    let Step::Folded { app, event: Event::JobRunEnded { run, details, .. }, .. } = step else {
        return Ok(());
    };
    if details.contains("incomplete") {
        return Ok(());
    }
    let workers = known.told.get(*app).into_iter().flat_map(|told| &told.admitted);
    for (worker, _) in workers.filter(|(_, of)| *of == run) {
        let whole = known.jvms.get(worker).is_none_or(|jvm| jvm.shipped);
        ensure(whole, || format!("{run} is terminal and the logs of {worker} are not in S3"))?;
    }
    Ok(())
}
