//! The installation's vCPU quota and the hosts' heap, divided between applications.
//!
//! The registry's journal says what each application is granted, and the sum of that never passes the limits. The
//! application's own journal says what it has taken of it, and it admits workers within that. Two journals are never
//! changed together, so the order is what counts: up, the registry is first; down, the application is first, and refuses
//! for ever whatever was granted before. What is held is therefore at any moment at most what is granted. This room does
//! not know what a worker is used for.

mod demand;
mod division;
mod give_back;

pub use demand::{for_drivers, for_executors, live};
pub use division::Division;
pub(crate) use give_back::{give_back, settle};

use crate::id::{ApplicationId, HostId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// vCPU of the quota, and heap on hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// vCPU.
    pub cpu: u32,
    /// MiB of heap on each host; none where it is 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub heap_mib: BTreeMap<HostId, u64>,
}

impl Amounts {
    /// Heap on this host, MiB.
    pub fn heap_on(&self, host: &HostId) -> u64 {
        self.heap_mib.get(host).copied().unwrap_or(0)
    }

    /// Sets the heap on this host.
    pub fn set_heap(&mut self, host: &HostId, mib: u64) {
        match mib {
            0 => self.heap_mib.remove(host),
            mib => self.heap_mib.insert(host.clone(), mib),
        };
    }

    /// True if nothing of it is more than in `other`.
    pub fn within(&self, other: &Self) -> bool {
        self.cpu <= other.cpu && self.heap_mib.iter().all(|(host, mib)| *mib <= other.heap_on(host))
    }

    /// The larger of both, everywhere.
    #[must_use]
    pub fn or_more(mut self, other: &Self) -> Self {
        self.cpu = self.cpu.max(other.cpu);
        for (host, mib) in &other.heap_mib {
            self.set_heap(host, self.heap_on(host).max(*mib));
        }
        self
    }

    /// The smaller of both, everywhere.
    #[must_use]
    pub fn or_less(mut self, other: &Self) -> Self {
        self.cpu = self.cpu.min(other.cpu);
        self.heap_mib = self
            .heap_mib
            .into_iter()
            .map(|(host, mib)| (host.clone(), mib.min(other.heap_on(&host))))
            .filter(|(_, mib)| *mib > 0)
            .collect();
        self
    }
}

/// What an application holds, as its own journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// So much may be in use.
    pub amounts: Amounts,
    /// The registry's version that was taken or refused last: none up to it is ever taken again.
    pub seen: u64,
}

/// What an application is granted, as the registry's journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// So much is kept for it.
    pub amounts: Amounts,
    /// Counts raises: nothing is lowered that was raised since the application last looked.
    pub version: u64,
}

/// What an application waits for: it is kept for it before anybody who came later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// What it must hold for its next run to begin: what it uses already included.
    pub amounts: Amounts,
    /// Its place: the smallest is first.
    pub ticket: u64,
}

/// What must be held for one more driver or executor, all that is in use already included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// vCPU.
    pub cpu: u32,
    /// Heap on the host that would take it, MiB.
    pub heap_mib: u64,
}

/// How much there is to divide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The installation's quota.
    pub cpu: u32,
    /// What the host can bear, MiB.
    pub heap_mib: u64,
}

/// An application asks for more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raise {
    /// Who.
    pub application: ApplicationId,
    /// Where it would admit.
    pub host: HostId,
    /// How much there is.
    pub limit: Limit,
    /// In order; as many as there is room for.
    pub steps: Vec<Step>,
    /// A driver waits: if there is no room for it now, room is kept for it as it becomes free. Executors beyond a run's
    /// first take what is there.
    pub queues: bool,
}
