//! What EMR Serverless writes into the driver's log when an executor finds no room, and how often.

use std::fmt::Write;

/// A dimension of `maximumCapacity` that is used up, with its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// vCPU.
    Cpu(u64),
    /// Memory in GB.
    MemoryGb(u64),
    /// Disk in GB.
    DiskGb(u64),
}

/// EMR's line; only the dimensions that are exceeded are named.
pub fn capacity_line(exceeded: &[Exceeded]) -> String {
    let mut line =
        "ApplicationMaxCapacityExceededException: Worker could not be allocated as the application has \
                    exceeded maximumCapacity settings: ["
            .to_owned();
    for (at, dimension) in exceeded.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = match dimension {
            Exceeded::Cpu(limit) => write!(line, "{comma}cpu: {limit} vCPU"),
            Exceeded::MemoryGb(limit) => write!(line, "{comma}memory: {limit} GB"),
            Exceeded::DiskGb(limit) => write!(line, "{comma}disk: {limit} GB"),
        };
    }
    line.push(']');
    line
}

/// EMR's wait before its `n`th retry (from 0): 2, 3, 4, 6, 8, 12, 18 … 58 s, then 58 s each.
pub fn capacity_retry_ms(n: u32) -> u64 {
    const SECONDS: [u64; 10] = [2, 3, 4, 6, 8, 12, 18, 27, 40, 58];
    SECONDS[(n as usize).min(SECONDS.len() - 1)] * 1000
}

/// Says when the line is due: at the first refusal, then after each of EMR's waits, until there is room again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CapacityNotice {
    written: u32,
    next_at: Option<u64>,
}

impl CapacityNotice {
    /// Whether to write the line now (Unix milliseconds), given whether capacity refuses an executor.
    pub fn due(&mut self, refused: bool, now: u64) -> bool {
        if !refused {
            *self = Self::default();
            return false;
        }
        if self.next_at.is_some_and(|at| now < at) {
            return false;
        }
        self.next_at = Some(now.saturating_add(capacity_retry_ms(self.written)));
        self.written = self.written.saturating_add(1);
        true
    }

    /// When [`Self::due`] may say yes next.
    pub fn next_at(&self) -> Option<u64> {
        self.next_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_emrs() {
        let text = "ApplicationMaxCapacityExceededException: Worker could not be allocated as the application has \
                    exceeded maximumCapacity settings: ";
        for (exceeded, dimensions) in [
            (vec![Exceeded::Cpu(4), Exceeded::MemoryGb(16)], "[cpu: 4 vCPU, memory: 16 GB]"),
            (vec![Exceeded::MemoryGb(48), Exceeded::DiskGb(200)], "[memory: 48 GB, disk: 200 GB]"),
            (vec![Exceeded::DiskGb(20)], "[disk: 20 GB]"),
        ] {
            assert_eq!(capacity_line(&exceeded), format!("{text}{dimensions}"));
        }
    }

    #[test]
    fn it_is_written_at_emrs_spacing_and_begins_again_after_room() {
        let mut notice = CapacityNotice::default();
        let written = |notice: &mut CapacityNotice, from: u64, to: u64| {
            (from..to).step_by(100).filter(|now| notice.due(true, *now)).collect::<Vec<_>>()
        };
        assert_eq!(written(&mut notice, 0, 20_000), [0, 2000, 5000, 9000, 15_000]);
        assert!(!notice.due(false, 20_000));
        assert_eq!(written(&mut notice, 20_100, 23_000), [20_100, 22_100]);
        assert_eq!(
            (capacity_retry_ms(6), capacity_retry_ms(9), capacity_retry_ms(99)),
            (18_000, 58_000, 58_000)
        );
    }
}
