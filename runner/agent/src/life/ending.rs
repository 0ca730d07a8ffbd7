//! Why a job ended, and what that is called: pure.

use firesteel_protocol::{ExitCode, StopOrder};

/// Why a job ended or never began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its process ended by itself with this code, and why.
    Job {
        /// 0–255, or 128 + n for signal n.
        code: i32,
        /// The last exceptions in its logs, or what the machine knows better.
        exceptions: String,
    },
    /// The service could not do its part.
    Failed {
        /// Which part.
        code: ExitCode,
        /// What happened.
        why: String,
    },
    /// The control plane ordered it.
    Stopped(StopOrder),
    /// No control plane was heard for so many seconds.
    Lost(u64),
    /// Another process is the worker now.
    Stale,
}

impl Ending {
    /// The service could not do its part.
    pub fn failed(code: ExitCode, why: impl ToString) -> Self {
        Self::Failed { code, why: why.to_string() }
    }
}

/// Exit code and summary of an ending.
pub fn conclusion(ending: &Ending) -> (ExitCode, String) {
    match ending {
        Ending::Job { code: 0, .. } => (ExitCode::SUCCESS, String::new()),
        Ending::Job { code, exceptions } => (ExitCode(*code), exceptions.clone()),
        Ending::Failed { code, why } => (*code, why.clone()),
        Ending::Stopped(order) => (ExitCode::STOPPED, order.reason.clone()),
        Ending::Lost(seconds) => {
            (ExitCode::NO_CONTROL_PLANE, format!("no control plane was heard for {seconds} seconds"))
        }
        Ending::Stale => (ExitCode::STOPPED, "another process is this worker now".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_has_its_code_and_words() {
        let job = |code, exceptions: &str| Ending::Job { code, exceptions: exceptions.into() };
        let order = StopOrder { decommission: false, grace_ms: 1, reason: "cancelled by the user".into() };
        let table = [
            (job(0, "Exception: harmless"), 0, ""),
            (job(1, "ValueError: no"), 1, "ValueError: no"),
            (job(3, ""), 3, ""),
            (job(137, "x"), 137, "x"),
            (Ending::failed(ExitCode::STAGING, "cannot fetch s3://b/k"), 1001, "cannot fetch s3://b/k"),
            (Ending::Stopped(order), 1008, "cancelled by the user"),
            (Ending::Lost(1800), 1007, "no control plane was heard for 1800 seconds"),
        ];
        for (ending, code, summary) in table {
            assert_eq!(conclusion(&ending), (ExitCode(code), summary.to_owned()), "{ending:?}");
        }
    }
}
