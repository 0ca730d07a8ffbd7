//! Moments on the wire: epoch seconds as a JSON number with a fraction.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in milliseconds since 1970-01-01T00:00:00Z; on the wire a number of seconds, e.g. `1767323045.5`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment as ISO-8601 with milliseconds, as query parameters want it; `None` outside the years −9999 to 9999.
    pub fn to_iso(self) -> Option<String> {
        jiff::Timestamp::from_millisecond(self.0).ok().map(|moment| moment.to_string())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Ok(Self((seconds * 1000.0).round() as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn written_as_seconds_with_a_fraction() {
        let table = [
            (0, "0.0"),
            (1_767_323_045_123, "1767323045.123"),
            (1_767_323_045_000, "1767323045.0"),
            (-1, "-0.001"),
        ];
        for (milliseconds, text) in table {
            assert_eq!(serde_json::to_string(&Timestamp(milliseconds)).ok().as_deref(), Some(text));
        }
        assert_eq!(serde_json::from_str::<Timestamp>("1767323045").ok(), Some(Timestamp(1_767_323_045_000)));
        assert_eq!(Timestamp(1_767_323_045_500).to_iso().as_deref(), Some("2026-01-02T03:04:05.5Z"));
    }

    proptest! {
        #[test]
        fn every_millisecond_survives_the_wire(milliseconds in -62_000_000_000_000i64..253_000_000_000_000) {
            let text = serde_json::to_string(&Timestamp(milliseconds)).expect("serialises");
            prop_assert_eq!(serde_json::from_str::<Timestamp>(&text).ok(), Some(Timestamp(milliseconds)));
        }
    }
}
