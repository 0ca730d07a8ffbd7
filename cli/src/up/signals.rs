//! SIGINT, SIGTERM and SIGHUP (the terminal is gone), taken from the first moment on.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask a program to end.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    /// Takes them from now on. Who has started it so that it outlives the terminal (nohup) has it outlive the terminal.
    pub fn new() -> std::io::Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let outlives = ignores(&status, SignalKind::hangup());
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if outlives { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    /// The next of them.
    pub async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Whether a process with this `/proc/<pid>/status` ignores a signal.
fn ignores(status: &str, kind: SignalKind) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_was_ignored_at_the_start() {
        for (mask, expected) in [("0000000000000001", true), ("0000000000001002", false), ("x", false)] {
            assert_eq!(
                ignores(&format!("Name:\ta\nSigIgn:\t{mask}\n"), SignalKind::hangup()),
                expected,
                "{mask}"
            );
        }
        assert!(!ignores("", SignalKind::hangup()));
    }

    #[tokio::test]
    async fn a_terminal_that_is_gone_ends_it_in_order() {
        let mut signals = Signals::new().unwrap();
        if signals.hangup.is_none() {
            return;
        }
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGHUP).unwrap();
        tokio::time::timeout(Duration::from_secs(10), signals.next()).await.unwrap();
    }
}
