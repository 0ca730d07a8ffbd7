//! End → acknowledgement: after it the runner may go.

use super::{Desk, NoAnswer, refusal};
use crate::home::Home;
use firesteel_core::command::Command;
use firesteel_protocol::{End, Ended};

impl Desk {
    /// Answers an end.
    pub async fn end(&self, home: &Home, end: End) -> Result<Ended, NoAnswer> {
        let End { worker, mark, fence, exit } = end;
        match home.submit(Command::End { worker, mark, fence, exit }).await {
            Ok(accepted) => {
                self.engine.note(&accepted.events);
                Ok(Ended::Acknowledged)
            }
            Err(error) => refusal(error).map(|_| Ended::Stale),
        }
    }
}
