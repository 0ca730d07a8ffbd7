//! Pages of a listing: how many, from where, and the opaque token that says where the next one begins.
//!
//! A token carries the listing's own cursor and a digest of cursor, operation and filters. It is not a secret and grants nothing; the
//! digest catches tokens that are damaged or used with other filters.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{ApiError, Input, Operation};

/// The page size when the caller names none, and the largest one.
pub const LARGEST_PAGE: usize = 50;

/// The longest cursor that fits a token, in bytes: tokens have at most 1024 characters.
pub const LONGEST_CURSOR: usize = 700;

const FORMAT: u8 = 1;
const DIGEST: usize = 16;

/// Which page a caller asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// At most so many elements, 1 to 50.
    pub max_results: usize,
    /// Begin after this cursor; `None`: at the start.
    pub cursor: Option<String>,
}

impl Page {
    /// Reads `maxResults` and `nextToken` of a validated input.
    ///
    /// Errors: ValidationException for a token that is damaged or belongs to another operation or other filters.
    pub fn of(operation: Operation, input: &Input) -> Result<Self, ApiError> {
        let asked = input.get("maxResults").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let cursor = match input.get("nextToken").and_then(Value::as_str) {
            None => None,
            Some(token) => {
                Some(cursor(operation, input, token).ok_or_else(|| ApiError::validation(REFUSED))?)
            }
        };
        Ok(Self { max_results: asked.unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE), cursor })
    }
}

const REFUSED: &str = "The nextToken is not valid, or belongs to a request with other parameters.";

/// The token for the page after `cursor`, good for the same operation and filters only.
///
/// Errors: InternalServerException for a cursor longer than [`LONGEST_CURSOR`].
pub fn next_token(operation: Operation, input: &Input, cursor: &str) -> Result<String, ApiError> {
    if cursor.len() > LONGEST_CURSOR {
        return Err(ApiError::internal(format!("a cursor of {} bytes does not fit a token", cursor.len())));
    }
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(&digest(operation, input, cursor));
    bytes.extend_from_slice(cursor.as_bytes());
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn cursor(operation: Operation, input: &Input, token: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).ok()?;
    let (format, rest) = bytes.split_first()?;
    let (marked, cursor) = rest.split_at_checked(DIGEST)?;
    let cursor = std::str::from_utf8(cursor).ok()?;
    (*format == FORMAT && marked == digest(operation, input, cursor)).then(|| cursor.to_owned())
}

fn digest(operation: Operation, input: &Input, cursor: &str) -> [u8; DIGEST] {
    let mut filters: Vec<(&String, &Value)> =
        input.iter().filter(|(name, _)| *name != "nextToken" && *name != "maxResults").collect();
    filters.sort_by_key(|(name, _)| *name);
    let mut hasher = Sha256::new();
    hasher.update(operation.name());
    for (name, value) in filters {
        hasher.update(format!("\n{name}={value}"));
    }
    hasher.update("\n\n");
    hasher.update(cursor);
    let whole: [u8; 32] = hasher.finalize().into();
    let mut first = [0; DIGEST];
    first.copy_from_slice(&whole[..DIGEST]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate;
    use proptest::prelude::*;
    use serde_json::json;

    fn input(value: Value) -> Input {
        match value {
            Value::Object(input) => input,
            _ => panic!("an object"),
        }
    }

    fn with_token(mut input: Input, token: &str) -> Input {
        input.insert("nextToken".into(), json!(token));
        input
    }

    #[test]
    fn sizes_default_to_fifty() {
        let page =
            |value| Page::of(Operation::ListApplications, &input(value)).map(|p| (p.max_results, p.cursor));
        assert_eq!(page(json!({})), Ok((50, None)));
        assert_eq!(page(json!({"maxResults": 7})), Ok((7, None)));
    }

    #[test]
    fn a_token_serves_its_own_filters_only() {
        let filters = input(json!({"applicationId": "a1", "states": ["RUNNING"], "maxResults": 5}));
        let token = next_token(Operation::ListJobRuns, &filters, "run/7").expect("a token");
        let kind = |operation, other: Value| {
            Page::of(operation, &with_token(input(other), &token)).map_err(|e| e.type_name())
        };
        let other_size = json!({"states": ["RUNNING"], "maxResults": 9, "applicationId": "a1"});
        assert_eq!(kind(Operation::ListJobRuns, other_size).map(|p| p.cursor), Ok(Some("run/7".into())));
        for other in [
            json!({"applicationId": "a1"}),
            json!({"applicationId": "a2", "states": ["RUNNING"]}),
            json!({"applicationId": "a1", "states": ["RUNNING", "FAILED"]}),
            json!({"applicationId": "a1", "states": ["RUNNING"], "mode": "BATCH"}),
        ] {
            assert_eq!(kind(Operation::ListJobRuns, other), Err("ValidationException"));
        }
        let same = json!({"applicationId": "a1", "states": ["RUNNING"]});
        assert_eq!(kind(Operation::ListSessions, same), Err("ValidationException"));
    }

    #[test]
    fn a_cursor_too_long_is_our_own_fault() {
        let filters = Input::new();
        let longest =
            next_token(Operation::ListApplications, &filters, &"c".repeat(LONGEST_CURSOR)).expect("fits");
        assert!(longest.len() <= 1024);
        let longer = next_token(Operation::ListApplications, &filters, &"c".repeat(LONGEST_CURSOR + 1));
        assert_eq!(longer.map_err(|e| e.status()), Err(500));
    }

    proptest! {
        #[test]
        fn tokens_come_back_and_pass_the_models_pattern(cursor in "\\PC{0,100}", state in "STARTED|STOPPED") {
            let filters = input(json!({"states": [state]}));
            let token = next_token(Operation::ListApplications, &filters, &cursor).expect("a token");
            let asked = with_token(filters, &token);
            prop_assert_eq!(validate(Operation::ListApplications, &asked), Ok(()));
            prop_assert_eq!(Page::of(Operation::ListApplications, &asked).map(|p| p.cursor), Ok(Some(cursor)));
        }

        #[test]
        fn damaged_tokens_are_refused(cursor in "[a-z0-9]{0,30}", at in 0usize..60, letter in "[A-Za-z0-9_-]") {
            let token = next_token(Operation::ListApplications, &Input::new(), &cursor).expect("a token");
            let at = at % token.len();
            prop_assume!(token[at..=at] != letter);
            let damaged = format!("{}{letter}{}", &token[..at], &token[at + 1..]);
            prop_assert!(Page::of(Operation::ListApplications, &with_token(Input::new(), &damaged)).is_err());
            let cut = with_token(Input::new(), &token[..at]);
            prop_assert!(Page::of(Operation::ListApplications, &cut).is_err());
        }
    }
}
