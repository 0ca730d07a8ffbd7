//! An interactive session (Spark Connect, emr-7.13.0 and later): its states and the arrows between them.
//!
//! Only the graph stands here. Nothing drives it yet: sessions get their driver later, and StartSession is refused until then.

use serde::{Deserialize, Serialize};

/// States of a session, as the API names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SessionState {
    /// Accepted.
    Submitted,
    /// Its driver is being placed and started.
    Starting,
    /// Takes clients; none has come yet.
    Started,
    /// Takes clients; nothing is being computed. The idle time-out runs.
    Idle,
    /// Computes for a client.
    Busy,
    /// Ended by itself, badly.
    Failed,
    /// Ends because it was told to, was idle for too long, or is a day old.
    Terminating,
    /// Ended as it was told to.
    Terminated,
}

impl SessionState {
    /// Every state, in the service model's order.
    pub const ALL: [Self; 8] = [
        Self::Submitted,
        Self::Starting,
        Self::Started,
        Self::Idle,
        Self::Busy,
        Self::Failed,
        Self::Terminating,
        Self::Terminated,
    ];

    /// True if the graph has an arrow from here to `next`: forward to STARTED, to and fro between IDLE and BUSY, and from every state
    /// that is alive to an end. Whatever ends a session on purpose leads through TERMINATING (service model, TerminateSession).
    pub fn may_become(self, next: Self) -> bool {
        use SessionState::*;
        match next {
            Submitted => false,
            Starting => self == Submitted,
            Started => self == Starting,
            Idle => matches!(self, Started | Busy),
            Busy => matches!(self, Started | Idle),
            Failed | Terminating => matches!(self, Submitted | Starting | Started | Idle | Busy),
            Terminated => self == Terminating,
        }
    }

    /// True if nothing follows.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Failed | Self::Terminated)
    }

    /// True if a client can connect: GetSessionEndpoint has an answer.
    pub fn takes_clients(self) -> bool {
        matches!(self, Self::Started | Self::Idle | Self::Busy)
    }

    /// The API's word.
    pub fn as_str(self) -> &'static str {
        use SessionState::*;
        match self {
            Submitted => "SUBMITTED",
            Starting => "STARTING",
            Started => "STARTED",
            Idle => "IDLE",
            Busy => "BUSY",
            Failed => "FAILED",
            Terminating => "TERMINATING",
            Terminated => "TERMINATED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SessionState::*;
    use super::*;

    fn arrows_from(state: SessionState) -> Vec<SessionState> {
        SessionState::ALL.into_iter().filter(|next| state.may_become(*next)).collect()
    }

    #[test]
    fn the_graph_is_exactly_this() {
        let table: [(SessionState, &[SessionState]); 8] = [
            (Submitted, &[Starting, Failed, Terminating]),
            (Starting, &[Started, Failed, Terminating]),
            (Started, &[Idle, Busy, Failed, Terminating]),
            (Idle, &[Busy, Failed, Terminating]),
            (Busy, &[Idle, Failed, Terminating]),
            (Failed, &[]),
            (Terminating, &[Terminated]),
            (Terminated, &[]),
        ];
        for (state, next) in table {
            assert_eq!(arrows_from(state), next, "{state:?}");
        }
    }

    #[test]
    fn a_state_is_terminal_exactly_if_it_has_no_arrow_and_every_other_can_reach_an_end() {
        for state in SessionState::ALL {
            assert_eq!(state.is_terminal(), arrows_from(state).is_empty(), "{state:?}");
            let ends = arrows_from(state).into_iter().any(|next| {
                next.is_terminal() || arrows_from(next).into_iter().any(SessionState::is_terminal)
            });
            assert_eq!(ends, !state.is_terminal(), "{state:?}");
        }
    }

    #[test]
    fn clients_are_taken_between_started_and_the_end() {
        let taking: Vec<_> = SessionState::ALL.into_iter().filter(|state| state.takes_clients()).collect();
        assert_eq!(taking, [Started, Idle, Busy]);
        assert!(taking.into_iter().all(|state| state.may_become(Terminating)));
    }

    #[test]
    fn the_words_are_the_apis() {
        for state in SessionState::ALL {
            assert_eq!(serde_json::to_value(state).ok(), Some(serde_json::Value::from(state.as_str())));
        }
    }
}
