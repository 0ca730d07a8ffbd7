//! The map of stored keys: every object that the control plane keeps in S3 is named here and nowhere else.
//!
//! ```text
//! registry/journal/<seq>.json                                  create-only entries of the registry
//! registry/checkpoints/<seq>.json                              its fold up to seq
//! registry/installation.json                                   id and runner secret, shared by all control planes
//! applications/<id>/journal/<seq>.json                         create-only entries of one application
//! applications/<id>/checkpoints/<seq>.json                     its fold up to seq
//! applications/<id>/requests/<day>-<sha256>.json               bodies over 8 KiB
//! applications/<id>/launch/<attempt>/<hash>.json               what an executor is to be started with
//! applications/<id>/history/<inverted-created>-<run>.json      settled runs, newest first
//! applications/<id>/history/segments/<sha256>.json             summaries of old runs, a thousand to an object
//! applications/<id>/history/tags/<run>/<version>.json          tags of a settled run, changed after its end
//! applications/<id>/inbox/<mark>.json                          kept free: commands left by short-lived writers
//! tokens/<day>/<hash>.json                                     client tokens of runs that left the state
//! servers/<id>.json                                            heartbeat of one control plane
//! probe/<mark>-<n>                                             leftovers of a start-up probe
//! ```
//!
//! `seq` is 20 digits, `inverted-created` is 13 digits (9999999999999 − milliseconds), `day` is `YYYY-MM-DD` in
//! UTC: so the order of a listing is the order of meaning. This room knows names only: no store, no bodies.

use crate::Millis;

/// Id and runner secret of the installation: created once, shared by every control plane on this state.
pub const INSTALLATION: &str = "registry/installation.json";
/// Prefix of all tokens.
pub const TOKENS: &str = "tokens/";
/// Prefix of all heartbeats.
pub const SERVERS: &str = "servers/";
/// Prefix of all applications.
pub const APPLICATIONS: &str = "applications/";

const LATEST: i64 = 9_999_999_999_999;
const DAY_MILLIS: i64 = 86_400_000;

/// Where one journal lives: the registry's or an application's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Log {
    root: String,
}

impl Log {
    /// The registry's journal.
    #[must_use]
    pub fn registry() -> Self {
        Self { root: "registry".to_owned() }
    }

    /// The journal of the application with this id.
    #[must_use]
    pub fn application(id: &str) -> Self {
        Self { root: format!("{APPLICATIONS}{id}") }
    }

    /// Prefix of the entries.
    #[must_use]
    pub fn entries(&self) -> String {
        format!("{}/journal/", self.root)
    }

    /// Key of entry `seq`; the first entry is 1.
    #[must_use]
    pub fn entry(&self, seq: u64) -> String {
        format!("{}/journal/{seq:020}.json", self.root)
    }

    /// Prefix of the checkpoints.
    #[must_use]
    pub fn checkpoints(&self) -> String {
        format!("{}/checkpoints/", self.root)
    }

    /// Key of the checkpoint that folds entries 1 to `seq`.
    #[must_use]
    pub fn checkpoint(&self, seq: u64) -> String {
        format!("{}/checkpoints/{seq:020}.json", self.root)
    }
}

/// The number in an entry's or a checkpoint's key; `None` for any other key.
#[must_use]
pub fn seq_of(key: &str) -> Option<u64> {
    let name = key.rsplit('/').next()?.strip_suffix(".json")?;
    (name.len() == 20 && name.bytes().all(|b| b.is_ascii_digit())).then(|| name.parse().ok())?
}

/// Everything of one application: its prefix, with the slash.
#[must_use]
pub fn application(id: &str) -> String {
    format!("{APPLICATIONS}{id}/")
}

/// Prefix of the bodies over 8 KiB.
#[must_use]
pub fn requests(application: &str) -> String {
    format!("{APPLICATIONS}{application}/requests/")
}

/// A body over 8 KiB, by the day of its writing and the lower-case hex SHA-256 of its bytes. Old names have no day.
#[must_use]
pub fn request(application: &str, day: Option<&str>, sha256: &str) -> String {
    let folder = requests(application);
    day.map_or_else(|| format!("{folder}{sha256}.json"), |day| format!("{folder}{day}-{sha256}.json"))
}

/// Day and hash in a body's key; `None` for any other key, and for one without a day.
#[must_use]
pub fn request_of(key: &str) -> Option<(Day, &str)> {
    let (folder, name) = key.rsplit_once('/')?;
    let (day, sha256) = name.strip_suffix(".json")?.rsplit_once('-')?;
    folder.ends_with("/requests").then(|| Day::parse(day))?.map(|day| (day, sha256))
}

/// Prefix of the launch objects of one attempt.
#[must_use]
pub fn launches(application: &str, attempt: &str) -> String {
    format!("{APPLICATIONS}{application}/launch/{attempt}/")
}

/// What an executor of this attempt is to be started with, by the hash of its content.
#[must_use]
pub fn launch(application: &str, attempt: &str, hash: &str) -> String {
    format!("{APPLICATIONS}{application}/launch/{attempt}/{hash}.json")
}

/// A settled run.
#[must_use]
pub fn history(application: &str, created: Millis, run: &str) -> String {
    let inverted = LATEST - created.clamp(0, LATEST);
    format!("{APPLICATIONS}{application}/history/{inverted:013}-{run}.json")
}

/// When the run of this history key was created, and its id; `None` for any other key.
#[must_use]
pub fn history_of(key: &str) -> Option<(Millis, &str)> {
    let (folder, name) = key.rsplit_once('/')?;
    let (inverted, run) = name.strip_suffix(".json")?.split_once('-')?;
    let valid =
        folder.ends_with("/history") && inverted.len() == 13 && inverted.bytes().all(|b| b.is_ascii_digit());
    valid.then(|| inverted.parse::<i64>().ok())?.map(|inverted| (LATEST - inverted, run))
}

/// A segment of history, by the lower-case hex SHA-256 of its bytes.
#[must_use]
pub fn history_segment(application: &str, sha256: &str) -> String {
    format!("{APPLICATIONS}{application}/history/segments/{sha256}.json")
}

/// Prefix of the changed tags of one settled run; a listing shows the newest first.
#[must_use]
pub fn history_tags_of(application: &str, run: &str) -> String {
    format!("{APPLICATIONS}{application}/history/tags/{run}/")
}

/// Changed tags of a settled run, by their version.
#[must_use]
pub fn history_tags(application: &str, run: &str, version: u64) -> String {
    format!("{}{:020}.json", history_tags_of(application, run), u64::MAX - version)
}

/// Kept free: prefix of the create-only inbox of short-lived writers.
#[must_use]
pub fn inbox(application: &str) -> String {
    format!("{APPLICATIONS}{application}/inbox/")
}

/// A client token of a run that was archived on `day`; `hash` is of the application and the token.
#[must_use]
pub fn token(day: Day, hash: &str) -> String {
    format!("{TOKENS}{day}/{hash}.json")
}

/// The day in a token's key; `None` for any other key.
#[must_use]
pub fn token_day(key: &str) -> Option<Day> {
    Day::parse(key.strip_prefix(TOKENS)?.split('/').next()?)
}

/// The heartbeat of one control plane.
#[must_use]
pub fn server(id: &str) -> String {
    format!("{SERVERS}{id}.json")
}

/// An object of the start-up probe.
#[must_use]
pub fn probe(mark: &str, n: u32) -> String {
    format!("probe/{mark}-{n}")
}

/// A calendar day in UTC, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i64);

impl Day {
    /// The day that holds this moment.
    #[must_use]
    pub fn of(at: Millis) -> Self {
        Self(at.div_euclid(DAY_MILLIS))
    }

    /// The day `n` days earlier.
    #[must_use]
    pub fn minus(self, n: i64) -> Self {
        Self(self.0 - n)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        let found = Self::from_civil(year, month, day);
        (found.to_string() == text).then_some(found)
    }

    // Days from the civil calendar and back: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    fn from_civil(year: i64, month: i64, day: i64) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year - era * 400;
        let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
        Self(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
    }

    fn civil(self) -> (i64, i64, i64) {
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days - era * 146_097;
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted = (5 * of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let first = i64::from(month <= 2);
        (year + era * 400 + first, month, of_year - (153 * shifted + 2) / 5 + 1)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_the_map_says() {
        let log = Log::application("00f1");
        let seq = "00000000000000000042";
        assert_eq!(log.entry(42), format!("applications/00f1/journal/{seq}.json"));
        assert_eq!(log.checkpoint(42), format!("applications/00f1/checkpoints/{seq}.json"));
        assert_eq!(Log::registry().entry(42), format!("registry/journal/{seq}.json"));
        assert_eq!(Log::registry().checkpoint(42), format!("registry/checkpoints/{seq}.json"));
        assert_eq!(request("00f1", None, "ab"), "applications/00f1/requests/ab.json");
        let dated = request("00f1", Some("2026-11-21"), "ab");
        assert_eq!(dated, "applications/00f1/requests/2026-11-21-ab.json");
        assert_eq!(launch("00f1", "r-1", "cd"), "applications/00f1/launch/r-1/cd.json");
        let at = 1_795_265_200_123;
        assert_eq!(history("00f1", at, "r"), "applications/00f1/history/8204734799876-r.json");
        assert_eq!(token(Day::of(at), "h"), "tokens/2026-11-21/h.json");
        assert_eq!(server("s"), "servers/s.json");
        assert_eq!(history_segment("00f1", "ab"), "applications/00f1/history/segments/ab.json");
        let tags = "applications/00f1/history/tags/r/18446744073709551608.json";
        assert_eq!(history_tags("00f1", "r", 7), tags);
        assert_eq!(inbox("00f1"), "applications/00f1/inbox/");
        assert_eq!(probe("m", 3), "probe/m-3");
    }

    #[test]
    fn keys_are_read_back() {
        assert_eq!(seq_of(&Log::registry().entry(7)), Some(7));
        assert_eq!(seq_of("registry/journal/7.json"), None);
        assert_eq!(seq_of("registry/journal/0000000000000000000x.json"), None);
        assert_eq!(history_of(&history("a", 5, "run-1")), Some((5, "run-1")));
        assert_eq!(history_of("applications/a/history/segments/0000000000005-x.json"), None);
        assert_eq!(token_day(&token(Day(20_000), "h")), Some(Day(20_000)));
        assert_eq!(token_day("tokens/2026-13-01/h.json"), None);
        assert_eq!(token_day("servers/x.json"), None);
        assert_eq!(request_of(&request("a", Some("1970-01-02"), "ab")), Some((Day(1), "ab")));
        assert_eq!(request_of(&request("a", None, "ab")), None);
        assert_eq!(request_of("applications/a/requests/1970-13-02-ab.json"), None);
    }

    #[test]
    fn newer_runs_sort_first() {
        let (old, new) = (history("a", 1000, "x"), history("a", 1001, "x"));
        assert!(new < old);
        assert!(old < history_segment("a", "0"));
        assert!(history_tags("a", "r", 10) < history_tags("a", "r", 9));
    }

    #[test]
    fn days_match_the_calendar() {
        for (days, text) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (11_016, "2000-02-29"),
            (20_513, "2026-03-01"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(Day(days).to_string(), text);
            assert_eq!(Day::parse(text), Some(Day(days)));
        }
        assert_eq!(Day::of(-1), Day(-1));
        assert_eq!(Day::of(86_400_000).minus(1), Day(0));
    }
}
