//! Worker sizes: what may be asked, how a request is rounded, and sums of them.
//!
//! Source of the table: EMR Serverless user guide, "Worker configurations" (app-behavior), and the billing
//! vectors that show the rounding up (4 GB + 10 % → 5 GB).

use serde::{Deserialize, Serialize};
use std::ops::{Add, AddAssign};

/// A size or a sum of sizes. CPU in whole vCPU, memory and disk in GB (2^30 bytes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// vCPU.
    pub cpu: u32,
    /// GB of memory, overhead included.
    pub memory: u32,
    /// GB of disk.
    pub disk: u32,
}

/// GB of disk that a worker has when nothing is said.
pub const DEFAULT_DISK: u32 = 20;
/// Smallest and largest standard disk, GB.
pub const DISK_RANGE: (u32, u32) = (20, 200);
/// Largest shuffle-optimised disk, GB.
pub const SHUFFLE_DISK_MAX: u32 = 2_048;

/// vCPU → smallest memory, largest memory, step (GB).
const TABLE: [(u32, u32, u32, u32); 5] =
    [(1, 2, 8, 1), (2, 4, 16, 1), (4, 8, 30, 1), (8, 16, 60, 4), (16, 32, 120, 8)];
/// A 32 vCPU worker comes in these memory sizes only.
const TIERS_32: [u32; 3] = [60, 120, 244];
/// How far below a tier a 32 vCPU request may be, GB.
const TIER_SLACK: u32 = 8;

/// Why a size cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// No worker has so many cores.
    #[error("{0} vCPU is not a worker size: use 1, 2, 4, 8, 16 or 32 vCPU")]
    Cpu(u32),
    /// Memory and overhead together exceed what the cores allow.
    #[error("{memory} GB of memory (overhead included) is out of range for {cpu} vCPU: at most {most} GB")]
    Memory {
        /// vCPU asked.
        cpu: u32,
        /// GB needed, overhead included.
        memory: u32,
        /// The most that this many vCPU allow.
        most: u32,
    },
    /// A 32 vCPU worker whose memory is not just under a tier.
    #[error(
        "{0} GB of memory (overhead included) is not within 8 GB under 60, 120 or 244 GB, as 32 vCPU need"
    )]
    Tier(u32),
    /// Disk outside 20–200 GB (2,048 GB if shuffle-optimised).
    #[error("{disk} GB of disk is out of range: {least} to {most} GB")]
    Disk {
        /// GB asked.
        disk: u32,
        /// Least GB.
        least: u32,
        /// Most GB.
        most: u32,
    },
}

/// The worker that serves a request of `cpu` vCPU and `memory_mib` MiB (overhead included): memory rounded up to
/// the next size that the cores allow. Core counts between two sizes are served by the next larger one.
pub fn worker_for(cpu: u32, memory_mib: u64, disk: u32) -> Result<Size, SizeError> {
    let memory = u32::try_from(memory_mib.div_ceil(1024)).unwrap_or(u32::MAX);
    if cpu == 0 || cpu > 32 {
        return Err(SizeError::Cpu(cpu));
    }
    if cpu > 16 {
        return tier_32(memory).map(|memory| Size { cpu: 32, memory, disk });
    }
    let (cpu, least, most, step) = row(cpu);
    if memory > most {
        return Err(SizeError::Memory { cpu, memory, most });
    }
    let above = memory.saturating_sub(least).div_ceil(step) * step;
    Ok(Size { cpu, memory: (least + above).min(most), disk })
}

/// Checks a disk request. `shuffle_optimised` raises the limit.
pub fn check_disk(disk: u32, shuffle_optimised: bool) -> Result<u32, SizeError> {
    let (least, standard) = DISK_RANGE;
    let most = if shuffle_optimised { SHUFFLE_DISK_MAX } else { standard };
    if (least..=most).contains(&disk) { Ok(disk) } else { Err(SizeError::Disk { disk, least, most }) }
}

/// Memory overhead in MiB for a heap: `factor` of it, at least 384 MiB (Spark's and EMR's rule).
pub fn overhead_mib(heap_mib: u64, factor: f64) -> u64 {
    ((heap_mib as f64 * factor) as u64).max(384)
}

fn row(cpu: u32) -> (u32, u32, u32, u32) {
    TABLE.into_iter().find(|(cores, ..)| *cores >= cpu).unwrap_or(TABLE[TABLE.len() - 1])
}

fn tier_32(memory: u32) -> Result<u32, SizeError> {
    let most = TIERS_32[TIERS_32.len() - 1];
    if memory > most {
        return Err(SizeError::Memory { cpu: 32, memory, most });
    }
    TIERS_32
        .into_iter()
        .find(|tier| memory <= *tier && memory + TIER_SLACK >= *tier)
        .ok_or(SizeError::Tier(memory))
}

impl Size {
    /// True if this fits into `room` in every dimension.
    pub fn fits(self, room: Size) -> bool {
        self.cpu <= room.cpu && self.memory <= room.memory && self.disk <= room.disk
    }

    /// What is left of this after `other`; zero where `other` is larger.
    pub fn minus(self, other: Size) -> Size {
        Size {
            cpu: self.cpu.saturating_sub(other.cpu),
            memory: self.memory.saturating_sub(other.memory),
            disk: self.disk.saturating_sub(other.disk),
        }
    }
}

impl Add for Size {
    type Output = Size;
    fn add(self, other: Size) -> Size {
        Size {
            cpu: self.cpu.saturating_add(other.cpu),
            memory: self.memory.saturating_add(other.memory),
            disk: self.disk.saturating_add(other.disk),
        }
    }
}

impl AddAssign for Size {
    fn add_assign(&mut self, other: Size) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Size {
    fn sum<I: Iterator<Item = Size>>(sizes: I) -> Size {
        sizes.fold(Size::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn memory_of(cpu: u32, memory_mib: u64) -> Result<u32, SizeError> {
        worker_for(cpu, memory_mib, DEFAULT_DISK).map(|size| size.memory)
    }

    #[test]
    fn the_billing_vectors_of_the_user_guide() {
        assert_eq!(memory_of(1, 4096 + overhead_mib(4096, 0.1)), Ok(5));
        assert_eq!(memory_of(4, 14 * 1024 + overhead_mib(14 * 1024, 0.1)), Ok(16));
    }

    #[test]
    fn every_row_has_its_floor_its_step_and_its_ceiling() {
        for (cpu, least, most, step) in TABLE {
            assert_eq!(memory_of(cpu, 1), Ok(least));
            assert_eq!(memory_of(cpu, u64::from(least) * 1024 + 1), Ok(least + step));
            assert_eq!(memory_of(cpu, u64::from(most) * 1024), Ok(most));
            let over = memory_of(cpu, u64::from(most) * 1024 + 1);
            assert_eq!(over, Err(SizeError::Memory { cpu, memory: most + 1, most }));
        }
    }

    #[test]
    fn thirty_two_cores_come_in_tiers() {
        assert_eq!(memory_of(32, 109 * 1024 + overhead_mib(109 * 1024, 0.1)), Ok(120));
        assert_eq!(memory_of(32, 90 * 1024), Err(SizeError::Tier(90)));
        assert_eq!(memory_of(32, 300 * 1024), Err(SizeError::Memory { cpu: 32, memory: 300, most: 244 }));
        assert_eq!(memory_of(33, 1), Err(SizeError::Cpu(33)));
        assert_eq!(memory_of(0, 1), Err(SizeError::Cpu(0)));
    }

    #[test]
    fn disks_have_a_range() {
        assert_eq!(check_disk(20, false), Ok(20));
        assert_eq!(check_disk(201, false), Err(SizeError::Disk { disk: 201, least: 20, most: 200 }));
        assert_eq!(check_disk(2_048, true), Ok(2_048));
        assert!(check_disk(19, true).is_err());
    }

    proptest! {
        #[test]
        fn a_worker_is_never_smaller_than_its_request(cpu in 1u32..=32, mib in 1u64..300_000) {
            if let Ok(size) = worker_for(cpu, mib, DEFAULT_DISK) {
                prop_assert!(size.cpu >= cpu);
                prop_assert!(u64::from(size.memory) * 1024 >= mib);
            }
        }
    }
}
