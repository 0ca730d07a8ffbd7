//! The real clocks and real chance.

use nix::time::{ClockId, clock_gettime};
use rand::Rng;
use std::time::{SystemTime, UNIX_EPOCH};

/// This machine's.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealWorld;

impl firesteel_journal::Clock for RealWorld {
    fn now(&self) -> firesteel_journal::Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn boot(&self) -> firesteel_journal::Millis {
        // It fails only on kernels without the clock; there the monotonic one must do.
        let time =
            clock_gettime(ClockId::CLOCK_BOOTTIME).or_else(|_| clock_gettime(ClockId::CLOCK_MONOTONIC));
        time.map_or(0, |time| time.tv_sec() * 1_000 + time.tv_nsec() / 1_000_000)
    }
}

impl firesteel_service::World for RealWorld {
    fn chance(&self) -> u64 {
        rand::rng().random()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_journal::Clock;
    use firesteel_service::World;

    #[test]
    fn clocks_go_forward_and_chance_differs() {
        let (now, boot) = (RealWorld.now(), RealWorld.boot());
        assert!(now > 1_700_000_000_000 && boot > 0);
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!(RealWorld.now() > now && RealWorld.boot() > boot);
        assert_ne!(RealWorld.chance(), RealWorld.chance());
    }
}
