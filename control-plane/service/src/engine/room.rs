//! Room for new workers on this host, shared by all applications: only one of them admits at a time.

use crate::applications::Applications;
use crate::home::{Home, application};
use crate::ports::Parts;
use firesteel_core::admission;
use firesteel_core::command::Room;
use firesteel_substrate::HostFacts;
use tokio::sync::{Mutex, MutexGuard, Notify};

/// Fewest workers between which a host's heap is divided: a share is a quarter of it.
const SHARES: u64 = 4;

/// The gate through which admissions go one after the other.
pub struct Gate {
    host: HostFacts,
    quota_cpu: u32,
    heap_mib: u64,
    one_at_a_time: Mutex<()>,
    freed: Notify,
}

/// The right to admit, and the room there is while it is held.
pub struct Admission<'a> {
    /// The room for the application that asked.
    pub room: Room,
    _turn: MutexGuard<'a, ()>,
}

impl Gate {
    pub(super) fn new(parts: &Parts) -> Self {
        let host = parts.substrate.host();
        let heap_mib = host.memory_mib * parts.config.heap_percent / 100;
        let quota_cpu = parts.config.quota_cpu;
        Self { host, quota_cpu, heap_mib, one_at_a_time: Mutex::new(()), freed: Notify::new() }
    }

    /// Waits for its turn; the room is what the other applications leave to `home`.
    pub async fn enter(&self, home: &Home, applications: &Applications) -> Admission<'_> {
        let turn = self.one_at_a_time.lock().await;
        let mut room = room_without_admission(&self.host);
        room.heap_share_mib = self.heap_mib / SHARES;
        (room.quota_cpu, room.heap_mib) = (self.quota_cpu, self.heap_mib);
        for other in applications.open_homes().iter().filter(|other| other.id != home.id) {
            let state = other.state();
            let used = admission::in_use(application(&state));
            room.quota_cpu = room.quota_cpu.saturating_sub(used.cpu);
            let heap = admission::heap_in_use(application(&state), &room);
            room.heap_mib = room.heap_mib.saturating_sub(heap);
        }
        Admission { room, _turn: turn }
    }

    /// The host of this control plane.
    pub fn host(&self) -> &HostFacts {
        &self.host
    }

    /// Says that room may have become free.
    pub fn free(&self) {
        self.freed.notify_one();
    }

    /// Resolves when room may have become free.
    pub async fn changed(&self) {
        self.freed.notified().await;
    }
}

/// No room at all: for commands that must admit nobody.
pub fn room_without_admission(host: &HostFacts) -> Room {
    Room { host: host.id.clone(), quota_cpu: 0, heap_mib: 0, heap_share_mib: 0 }
}
