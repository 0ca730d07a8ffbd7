//! A loopback address for each worker: executors that share one address count as one host for Spark.
//! It must not know workers.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};

/// The address of a worker where the system has no other loopback address than this.
pub(crate) const ONLY: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// Addresses are taken from 127.0.0.2 to 127.0.255.254.
const FIRST: u32 = 2;
const COUNT: u32 = 0xFFFD;

/// A loopback address that is not in `taken` and can be bound. The search begins at a place that depends on `seed`
/// (so that two installations on one machine rarely meet) and goes round; 127.0.0.1 if there is none.
pub(crate) fn allocate(seed: &str, taken: &BTreeSet<String>) -> Ipv4Addr {
    candidates(seed)
        .filter(|address| !taken.contains(&address.to_string()))
        .take(16)
        .find(|address| TcpListener::bind((*address, 0)).is_ok())
        .unwrap_or(ONLY)
}

fn candidates(seed: &str) -> impl Iterator<Item = Ipv4Addr> {
    let start = seed.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let address = move |step: u32| {
        let [.., third, fourth] = (FIRST + start.wrapping_add(step) % COUNT).to_be_bytes();
        Ipv4Addr::new(127, 0, third, fourth)
    };
    // A first or last byte of a network is legal on loopback, but looks like a mistake to people and to some programs.
    (0..COUNT).map(address).filter(|address| !matches!(address.octets()[3], 0 | 255))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_candidate_is_loopback_unique_and_beyond_the_first() {
        for seed in ["", "host-1", "host-0123456789abcdef"] {
            let all: Vec<_> = candidates(seed).collect();
            assert!(all.iter().all(|address| address.is_loopback() && *address != ONLY), "{seed}");
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{seed}");
            assert!(all.len() > 60_000);
        }
        assert_ne!(candidates("host-1").next(), candidates("host-2").next());
    }

    #[test]
    fn a_taken_address_is_not_given_again() {
        let mut taken = BTreeSet::new();
        for _ in 0..20 {
            let address = allocate("host", &taken);
            assert!(address == ONLY || taken.insert(address.to_string()), "{address} given twice");
        }
    }
}
