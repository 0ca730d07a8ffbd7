//! Packing: a segment counts only if all that lies in it still waits to be packed.

use super::Draft;
use crate::event::Event;
use crate::history::Head;
use crate::id::JobRunId;
use crate::refusal::Refusal;

pub(super) fn packed(draft: &mut Draft, head: &Head, names: &[String]) -> Result<(), Refusal> {
    if names.is_empty() || !draft.app.history.waits(head.level, names) {
        return Err(Refusal::LookAgain);
    }
    draft.emit(Event::HistoryPacked { head: Box::new(head.clone()), names: names.to_vec() });
    Ok(())
}

pub(super) fn tags_stored(draft: &mut Draft, runs: &[(JobRunId, u64)]) -> Result<(), Refusal> {
    let runs = draft.app.history.unchanged(runs);
    if !runs.is_empty() {
        draft.emit(Event::TagsMoved { runs });
    }
    Ok(())
}
