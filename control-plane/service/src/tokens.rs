//! Client tokens of runs that left the state: found in S3, or known to be absent without asking.
//!
//! Alone, this process has noted every token that was archived since its start and lists those before in the background; a
//! token that is certainly in neither is new, and StartJobRun needs no request to S3 to know it.

use crate::ports::Parts;
use firesteel_journal::keys::{self, Day};
use firesteel_journal::protocols::{self, ArchiveError, TOKEN_DAYS, TokenEntry};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Bits of one filter, 2 MiB: of a million and a half tokens one absent in a hundred is taken for present.
const BITS: usize = 1 << 24;
/// Bits of one token.
const MARKS: usize = 7;
/// Pause after a listing that failed.
const PAUSE: Duration = Duration::from_secs(5);

/// A set that may take what is absent for present, never the other way round.
struct Filter(Vec<u64>);

impl Filter {
    fn new() -> Self {
        Self(vec![0; BITS / 64])
    }

    fn places(hash: [u8; 16]) -> impl Iterator<Item = usize> {
        let whole = u128::from_be_bytes(hash);
        let (first, step) = (whole as u64, (whole >> 64) as u64 | 1);
        (0..MARKS as u64).map(move |n| first.wrapping_add(step.wrapping_mul(n)) as usize % BITS)
    }

    fn note(&mut self, hash: [u8; 16]) {
        Self::places(hash).for_each(|place| self.0[place / 64] |= 1 << (place % 64));
    }

    fn may_hold(&self, hash: [u8; 16]) -> bool {
        Self::places(hash).all(|place| self.0[place / 64] & (1 << (place % 64)) != 0)
    }
}

/// Two generations: what is older than both, no question reaches.
struct Known {
    /// When the younger one began.
    since: Day,
    young: Filter,
    old: Option<Filter>,
    /// All tokens from before the start are noted.
    whole: bool,
}

impl Known {
    fn note(&mut self, hash: [u8; 16], today: Day) {
        if self.since < today.minus(TOKEN_DAYS) {
            self.old = Some(std::mem::replace(&mut self.young, Filter::new()));
            self.since = today;
        }
        self.young.note(hash);
    }

    fn lacks(&self, hash: [u8; 16]) -> bool {
        self.whole && !self.young.may_hold(hash) && !self.old.as_ref().is_some_and(|old| old.may_hold(hash))
    }
}

/// The tokens of archived runs.
pub struct Tokens {
    known: Option<Mutex<Known>>,
}

impl Tokens {
    /// Begins to list the tokens in S3, if this process alone writes them.
    pub fn open(parts: &Parts) -> Arc<Self> {
        let since = Day::of(parts.world.now());
        let known = || Mutex::new(Known { since, young: Filter::new(), old: None, whole: false });
        let tokens = Arc::new(Self { known: parts.config.alone.then(known) });
        if parts.config.alone {
            tokio::spawn(list(parts.clone(), Arc::downgrade(&tokens)));
        }
        tokens
    }

    /// The archived run that this token created, if there is one.
    pub async fn find(
        &self,
        parts: &Parts,
        application: &str,
        token: &str,
    ) -> Result<Option<TokenEntry>, ArchiveError> {
        let hash = hash(application, token);
        if let (Some(known), Some(short)) = (self.known(), short(&hash))
            && known.lacks(short)
        {
            return Ok(None);
        }
        protocols::find_token(&*parts.state, &hash, parts.world.now()).await
    }

    /// Notes a token that is being archived.
    pub fn note(&self, parts: &Parts, hash: &str) {
        if let (Some(mut known), Some(short)) = (self.known(), short(hash)) {
            known.note(short, Day::of(parts.world.now()));
        }
    }

    fn known(&self) -> Option<std::sync::MutexGuard<'_, Known>> {
        self.known.as_ref().map(|known| known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notes every token that a question can reach, page by page.
async fn list(parts: Parts, tokens: Weak<Tokens>) {
    let first_day = Day::of(parts.world.now()).minus(TOKEN_DAYS);
    let mut after = keys::token(first_day, "");
    loop {
        let page = parts.state.list(keys::TOKENS, &after, 1000).await;
        let Some(tokens) = tokens.upgrade() else { return };
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, "client tokens could not be listed; it will be tried again");
                drop(tokens);
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        for listed in &page.entries {
            if let Some(hash) = hash_in(&listed.key) {
                tokens.note(&parts, hash);
            }
        }
        match page.entries.last() {
            Some(last) if page.more => after = last.key.clone(),
            _ => {
                tokens.known().iter_mut().for_each(|known| known.whole = true);
                return;
            }
        }
    }
}

/// Hash of an application and a client token, lower-case hex.
pub fn hash(application: &str, token: &str) -> String {
    hex::encode(Sha256::digest(format!("{application}\n{token}")))
}

fn hash_in(key: &str) -> Option<&str> {
    key.rsplit('/').next()?.strip_suffix(".json")
}

fn short(hash: &str) -> Option<[u8; 16]> {
    let bytes = hex::decode(hash.get(..32)?).ok()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(n: u64) -> [u8; 16] {
        let hash = hash("app", &n.to_string());
        short(&hash).expect("hex")
    }

    #[test]
    fn what_was_noted_is_never_taken_for_absent_and_of_the_rest_few_are_not() {
        let today = Day::of(0);
        let mut known = Known { since: today, young: Filter::new(), old: None, whole: true };
        (0..20_000).for_each(|n| known.note(some(n), today));
        assert!((0..20_000).all(|n| !known.lacks(some(n))));
        let mistaken = (20_000..40_000).filter(|n| !known.lacks(some(*n))).count();
        assert!(mistaken < 20, "{mistaken}");
        known.whole = false;
        assert!(!known.lacks(some(50_000)), "nothing is known to be absent before the list is whole");
    }

    #[test]
    fn tokens_are_forgotten_only_when_no_question_reaches_them() {
        let day = |n: i64| Day::of(n * 86_400_000);
        for noted in 0..9 {
            let mut known = Known { since: day(0), young: Filter::new(), old: None, whole: true };
            (0..noted).for_each(|n| known.note(some(1000 + n as u64), day(n)));
            known.note(some(1), day(noted));
            for later in noted..=noted + TOKEN_DAYS + 1 {
                known.note(some(2000 + later as u64), day(later));
                assert!(!known.lacks(some(1)), "noted on day {noted}, asked on day {later}");
            }
        }
        let mut known = Known { since: day(0), young: Filter::new(), old: None, whole: true };
        known.note(some(1), day(0));
        (1..12).for_each(|n| known.note(some(1000 + n as u64), day(n)));
        assert!(known.lacks(some(1)), "forgotten in the end");
    }
}
