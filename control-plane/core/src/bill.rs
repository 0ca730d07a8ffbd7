//! What a run has used: total and billed vCPU, memory and storage.
//!
//! Source: service model (`totalResourceUtilization`, `billedResourceUtilization`) and the two worked examples of
//! the facts page §2.7: per second, rounded up; billed at least 60 s a worker; 20 GB of a standard disk
//! are free, of a shuffle-optimised one nothing (§9.3).

use crate::size::{DEFAULT_DISK, Size};
use crate::time::{Millis, SECOND};
use serde::{Deserialize, Serialize};

/// Seconds that every worker is billed at least.
const LEAST_SECONDS: u64 = 60;

/// Resource-seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// vCPU-seconds.
    pub cpu: u64,
    /// GB-seconds of memory.
    pub memory: u64,
    /// GB-seconds of disk.
    pub disk: u64,
}

impl Used {
    fn add(&mut self, size: Size, disk: u32, seconds: u64) {
        self.cpu += u64::from(size.cpu) * seconds;
        self.memory += u64::from(size.memory) * seconds;
        self.disk += u64::from(disk) * seconds;
    }

    /// vCPU-hours, GB-hours of memory, GB-hours of disk: three decimals, as the API gives them.
    pub fn hours(self) -> [f64; 3] {
        [self.cpu, self.memory, self.disk].map(|seconds| (seconds as f64 / 3.6).round() / 1000.0)
    }
}

/// Total and billed use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// From each worker's start to its end.
    pub total: Used,
    /// The same with the minimum and without the free disk.
    pub billed: Used,
}

impl Bill {
    /// Adds one worker that lived from `from` to `to`.
    pub fn add(&mut self, size: Size, is_shuffle_disk: bool, from: Millis, to: Millis) {
        let seconds = (to.since(from) as u64).div_ceil(SECOND as u64);
        let free = if is_shuffle_disk { 0 } else { DEFAULT_DISK };
        self.total.add(size, size.disk, seconds);
        self.billed.add(size, size.disk.saturating_sub(free), seconds.max(LEAST_SECONDS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_four_small_workers() {
        let mut bill = Bill::default();
        for seconds in [107, 92, 92, 91] {
            bill.add(Size { cpu: 1, memory: 5, disk: 20 }, false, Millis(0), Millis(seconds * 1000));
        }
        assert_eq!(bill.total.hours(), [0.106, 0.531, 2.122]);
        assert_eq!(bill.billed.hours(), [0.106, 0.531, 0.0]);
    }

    #[test]
    fn the_vector_of_one_default_driver_that_failed() {
        let mut bill = Bill::default();
        bill.add(Size { cpu: 4, memory: 16, disk: 20 }, false, Millis(500), Millis(36_600));
        assert_eq!(bill.total.hours(), [0.041, 0.164, 0.206]);
        assert_eq!(bill.billed.hours(), [0.067, 0.267, 0.0]);
    }

    #[test]
    fn what_of_a_disk_is_billed() {
        // GB, shuffle-optimised, GB-hours billed of a worker that lives for an hour.
        let table = [
            (20, false, 0.0),
            (21, false, 1.0),
            (200, false, 180.0),
            (20, true, 20.0),
            (21, true, 21.0),
            (2_048, true, 2_048.0),
        ];
        for (disk, is_shuffle_disk, billed) in table {
            let mut bill = Bill::default();
            bill.add(Size { cpu: 1, memory: 2, disk }, is_shuffle_disk, Millis(0), Millis(3_600_000));
            assert_eq!(bill.billed.hours(), [1.0, 2.0, billed], "{disk} GB, {is_shuffle_disk}");
            assert_eq!(bill.total.hours(), [1.0, 2.0, f64::from(disk)]);
        }
    }
}
