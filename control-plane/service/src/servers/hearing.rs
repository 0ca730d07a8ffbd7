//! What is heard of other hosts, as a value: looks in, silence out. It reads no store and no clock.

use super::Heartbeat;
use firesteel_journal::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// After so many looks in a row that heard nothing of it, a host is lost: a minute and the look that began it.
pub(super) const LOOKS: u32 = 7;
/// So often is said that a runner of a host was heard: who listens may miss a word, for the next one is written over it.
const TIMES: u8 = 2;
/// A control plane that has said nothing new in so many looks leaves what it looks after to others.
const QUIET: u32 = 3;
/// A look that is older than this says nothing about now: the machine slept, or the store is away.
const FRESH: Millis = 30_000;

/// What is heard of other hosts.
#[derive(Default)]
pub(super) struct Hearing {
    /// A runner of these has spoken to this control plane since the last look.
    heard: BTreeSet<String>,
    /// The same, and how often it is still to be said.
    to_say: BTreeMap<String, u8>,
    /// What is being said now.
    saying: BTreeSet<String>,
    /// Control planes' last heartbeats, as they said them.
    words: BTreeMap<String, Millis>,
    /// Looks in a row that found no new word of each control plane.
    quiet: BTreeMap<String, u32>,
    /// Looks in a row that heard nothing, of each host that somebody has asked about.
    silent: BTreeMap<String, u32>,
    /// When the last look was, by a clock that runs on while the machine sleeps.
    looked: Millis,
}

impl Hearing {
    /// A runner on the host has spoken.
    pub(super) fn hears(&mut self, host: &str) {
        self.heard.insert(host.to_owned());
        self.to_say.insert(host.to_owned(), TIMES);
        self.saying.remove(host);
    }

    /// The hosts that the next heartbeat names.
    pub(super) fn next_names(&mut self) -> BTreeSet<String> {
        self.saying = self.to_say.keys().cloned().collect();
        self.saying.clone()
    }

    /// That heartbeat was written.
    pub(super) fn said(&mut self) {
        for host in std::mem::take(&mut self.saying) {
            match self.to_say.get(&host) {
                Some(times) if *times > 1 => drop(self.to_say.insert(host, *times - 1)),
                _ => drop(self.to_say.remove(&host)),
            }
        }
    }

    /// One look: of which hosts anything was heard since the one before.
    pub(super) fn look(&mut self, words: &BTreeMap<String, Heartbeat>, boot: Millis) {
        let mut heard = std::mem::take(&mut self.heard);
        for (server, word) in words {
            // Its clock may be another's; what counts is that it has said something new.
            let says = self.words.insert(server.clone(), word.at) != Some(word.at);
            let quiet = self.quiet.entry(server.clone()).or_default();
            *quiet = if says { 0 } else { quiet.saturating_add(1) };
            if says {
                heard.insert(server.clone());
                heard.extend(word.heard.iter().cloned());
            }
        }
        self.words.retain(|server, _| words.contains_key(server));
        self.quiet.retain(|server, _| words.contains_key(server));
        for (host, looks) in &mut self.silent {
            *looks = if heard.contains(host) { 0 } else { looks.saturating_add(1) };
        }
        self.looked = boot;
    }

    /// True if that control plane has said something lately.
    pub(super) fn is_there(&self, server: &str) -> bool {
        self.quiet.get(server).is_some_and(|looks| *looks < QUIET)
    }

    /// True if of `me` and the control planes that speak `me` is the one to look after this (rendezvous hashing: who comes
    /// or goes changes nothing between the others).
    pub(super) fn is_nearest(&self, me: &str, application: &str) -> bool {
        let mine = nearness(me, application);
        let others = self.quiet.iter().filter(|(_, looks)| **looks < QUIET).map(|(server, _)| server);
        others.map(|server| nearness(server, application)).all(|other| other < mine)
    }

    /// Looks in a row that heard nothing of the host. One that is asked about for the first time has its minute from now
    /// on; one whose runner has spoken since the last look is there; and an old look says nothing.
    pub(super) fn silence(&mut self, host: &str, boot: Millis) -> u32 {
        let looks = *self.silent.entry(host.to_owned()).or_insert(0);
        let is_there = self.heard.contains(host) || boot.saturating_sub(self.looked) > FRESH;
        if is_there { 0 } else { looks }
    }
}

/// The same in every process: FNV-1a, and SplitMix64's last steps to spread it; the name breaks ties.
fn nearness<'a>(server: &'a str, application: &str) -> (u64, &'a str) {
    let bytes = server.bytes().chain([0]).chain(application.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31), server)
}
