//! The model's structures as typed values: names in camelCase, absent members left out, moments as epoch seconds.
//!
//! A member that the model requires has its plain type and is always written; every other is an `Option`. The tests prove each structure
//! against the model, member by member. Requests are decoded after `validate`, so a wrong type is a programming error by then, not the caller's.

mod application;
mod capacity;
mod configuration;
mod job_run;
mod operations;
mod session;
mod timestamp;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use application::*;
pub use capacity::*;
pub use configuration::*;
pub use job_run::*;
pub use operations::*;
pub use session::*;
pub use timestamp::Timestamp;

use crate::{ApiError, Input};

/// Tags: key to value.
pub type Tags = BTreeMap<String, String>;

/// Turns a validated input into its structure.
///
/// Errors: SerializationException, which `validate` has ruled out for inputs it accepted.
pub fn decode<T: DeserializeOwned>(input: Input) -> Result<T, ApiError> {
    serde_json::from_value(Value::Object(input)).map_err(|e| ApiError::serialization(e.to_string()))
}

/// An answer's body as JSON text.
///
/// Errors: InternalServerException; the structures of this module have none.
pub fn encode<T: Serialize>(output: &T) -> Result<String, ApiError> {
    serde_json::to_string(output).map_err(|e| ApiError::internal(e.to_string()))
}

/// Declares structures: `required` members keep their plain type, `optional` ones become `Option` and are left out when `None`.
macro_rules! shapes {
    ($($(#[$meta:meta])* $name:ident {
        $(required { $($(#[$rmeta:meta])* $rfield:ident: $rtype:ty),* $(,)? })?
        $(optional { $($(#[$ometa:meta])* $ofield:ident: $otype:ty),* $(,)? })?
    })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $($(#[doc = concat!("`", stringify!($rfield), "` in camelCase, always present; see `", stringify!($name), "` in the service model.")]
            $(#[$rmeta])* pub $rfield: $rtype,)*)?
            $($(#[doc = concat!("`", stringify!($ofield), "` in camelCase, if present; see `", stringify!($name), "` in the service model.")]
            #[serde(skip_serializing_if = "Option::is_none")]
            $(#[$ometa])* pub $ofield: Option<$otype>,)*)?
        }
    )*};
}

/// Declares string enums with the model's spellings.
macro_rules! spellings {
    ($($(#[$meta:meta])* $name:ident { $first:ident = $first_text:literal $(, $variant:ident = $text:literal)* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            #[doc = concat!("`", $first_text, "`")] #[default] #[serde(rename = $first_text)] $first,
            $(#[doc = concat!("`", $text, "`")] #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every value, in the model's order.
            pub const ALL: &'static [Self] = &[Self::$first $(, Self::$variant)*];

            /// The spelling on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { Self::$first => $first_text $(, Self::$variant => $text)* }
            }

            /// The value with this spelling.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

use {shapes, spellings};

#[cfg(test)]
mod tests;
