//! JSON that the rules carry and do not read, as text: as a tree it takes ten times the room, and there may be very many.
//! This room must not know what it says.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use std::sync::Arc;

/// JSON as text without spaces, members in the order of their names. Copies share it.
#[derive(Clone, Debug)]
pub struct Opaque(Arc<RawValue>);

impl Opaque {
    /// Of a value.
    ///
    /// # Errors
    /// None for what JSON has itself.
    pub fn new(value: &Value) -> serde_json::Result<Self> {
        to_raw_value(value).map(|text| Self(text.into()))
    }

    /// Of a text that is in this form.
    ///
    /// # Errors
    /// If it is not JSON.
    pub fn of_text(text: String) -> serde_json::Result<Self> {
        RawValue::from_string(text).map(|text| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// What it says, to one who knows.
    ///
    /// # Errors
    /// If it says something else.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        serde_json::from_str(self.as_str())
    }
}

impl PartialEq for Opaque {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.as_str() == other.as_str()
    }
}

impl Serialize for Opaque {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Opaque {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By way of the tree: an event's members are kept as one until its kind is known.
        let value = Value::deserialize(deserializer)?;
        Self::new(&value).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Carrier {
        With { opaque: Opaque },
    }

    #[test]
    fn stored_as_the_value_that_it_is_wherever_it_stands() {
        let value = json!({ "b": [1, "é\n"], "a": { "x": null } });
        let opaque = Opaque::new(&value).expect("JSON");
        assert_eq!(opaque.as_str(), r#"{"a":{"x":null},"b":[1,"é\n"]}"#);
        assert_eq!(serde_json::to_value(&opaque).ok(), Some(value.clone()));
        let stored = serde_json::to_string(&Carrier::With { opaque: opaque.clone() }).expect("JSON");
        assert_eq!(stored, format!(r#"{{"kind":"With","opaque":{}}}"#, opaque.as_str()));
        let spaced = stored.replace(':', " : ");
        assert_eq!(
            serde_json::from_str::<Carrier>(&spaced).ok(),
            Some(Carrier::With { opaque: opaque.clone() })
        );
        assert_eq!(opaque.read::<Value>().ok(), Some(value));
        assert!(Opaque::of_text("{".to_owned()).is_err());
    }
}
