//! Deciding a batch: commands one after the other on the running fold, into one entry of bounded size.
//!
//! Pure but for serialising; this room must not know of stores, clocks or tasks.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::entry;
use crate::fold::{Accepted, Fold, Millis, Snapshot, SubmitError};

/// What a caller is told.
pub(crate) type Answer<F> = Result<Accepted<<F as Fold>::Event>, SubmitError<<F as Fold>::Refusal>>;

/// A command that waits for its answer.
pub(crate) struct Pending<F: Fold> {
    pub(crate) command: F::Command,
    pub(crate) reply: oneshot::Sender<Answer<F>>,
}

/// What an entry with these events would be, and what each command would be told once it is committed.
pub(crate) struct Draft<F: Fold> {
    pub(crate) seq: u64,
    pub(crate) mark: String,
    pub(crate) body: Bytes,
    /// Whether there is anything to write.
    pub(crate) writes: bool,
    /// The state after the entry.
    pub(crate) after: Snapshot<F>,
    /// One answer for each command decided, from the front of the queue; the rest of the queue waits.
    pub(crate) answers: Vec<Answer<F>>,
}

/// Room for the envelope around the events.
const ENVELOPE: usize = 256;

/// Decides the queue from its front until a command's events do not fit any more.
pub(crate) fn draft<F: Fold>(
    base: &Snapshot<F>,
    queue: &VecDeque<Pending<F>>,
    mark: String,
    now: Millis,
    bound: usize,
) -> Result<Draft<F>, String> {
    let (seq, at) = (base.seq + 1, base.at.max(now));
    let mut state = base.state.clone();
    let mut answers = Vec::with_capacity(queue.len());
    let mut raw: Vec<Box<RawValue>> = Vec::new();
    let mut size = ENVELOPE + mark.len();
    let empty = size;
    for pending in queue {
        let events = match state.decide(&pending.command, at) {
            Ok(events) => events,
            Err(refusal) => {
                answers.push(Err(SubmitError::Refused(refusal)));
                continue;
            }
        };
        let (mut lines, bytes) = serialise::<F>(&events)?;
        if empty + bytes > bound {
            answers.push(Err(SubmitError::TooLarge { bytes, bound }));
            continue;
        }
        if size + bytes > bound {
            break;
        }
        size += bytes;
        raw.append(&mut lines);
        events.iter().for_each(|event| state.apply(event));
        answers.push(Ok(Accepted { seq: if events.is_empty() { base.seq } else { seq }, events, at }));
    }
    let body = entry::encode_raw(seq, &mark, at, &raw).map_err(|e| e.to_string())?;
    Ok(Draft { seq, mark, body, writes: !raw.is_empty(), after: Snapshot { seq, at, state }, answers })
}

fn serialise<F: Fold>(events: &[F::Event]) -> Result<(Vec<Box<RawValue>>, usize), String> {
    let lines: Vec<Box<RawValue>> = events
        .iter()
        .map(|event| serde_json::value::to_raw_value(event).map_err(|e| e.to_string()))
        .collect::<Result<_, _>>()?;
    let bytes = lines.iter().map(|line| line.get().len() + 1).sum();
    Ok((lines, bytes))
}
