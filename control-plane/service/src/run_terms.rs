//! On which terms a StartJobRun request runs: mode, how long, how often. Limits and the releases from which they hold:
//! user guide, "job resiliency", "streaming jobs", release 7.11.0 (facts page §2.2, §2.5, §6.6).

use firesteel_core::job_run::{DEFAULT_TIMEOUT, Retry};
use firesteel_core::release::{Release, ReleaseLabel};
use firesteel_core::time::MINUTE;
use firesteel_wire::{ApiError, Input, texts};
use serde_json::Value;

/// Shortest execution timeout, minutes.
const SHORTEST_TIMEOUT: i64 = 5;
/// Longest execution timeout of a batch run since emr-7.11.0: seven days, in minutes.
const LONGEST_TIMEOUT: i64 = 10_080;
/// Attempts of a batch run, failed attempts of a streaming run within an hour.
const ATTEMPTS: std::ops::RangeInclusive<i64> = 1..=10;
/// Failed attempts within an hour when nothing is said.
const FAILURES_PER_HOUR: u32 = 5;

/// The terms.
#[derive(Debug, PartialEq, Eq)]
pub struct Terms {
    /// `BATCH` or `STREAMING`.
    pub mode: String,
    /// Milliseconds; none for no limit.
    pub timeout: Option<i64>,
    /// How often it is tried.
    pub retry: Retry,
    /// `flexExecution.enabled`, if it was given.
    pub flex: Option<bool>,
}

/// Reads the terms of a run of this release.
pub fn read(label: &ReleaseLabel, input: &Input) -> Result<Terms, ApiError> {
    let streaming = input.get("mode").and_then(Value::as_str) == Some("STREAMING");
    let has = |rule: fn(&Release) -> bool| label.release().is_some_and(rule);
    if streaming && !has(Release::retries_and_streams) {
        return Err(needs("Mode STREAMING", "emr-7.1.0", label));
    }
    let minutes = input.get("executionTimeoutMinutes").and_then(Value::as_i64);
    let flex = input.get("flexExecution").and_then(|flex| flex.get("enabled")).and_then(Value::as_bool);
    if streaming && flex == Some(true) {
        return Err(ApiError::validation("flexExecution can be enabled for BATCH job runs only."));
    }
    Ok(Terms {
        mode: if streaming { "STREAMING" } else { "BATCH" }.to_owned(),
        timeout: if streaming {
            of_stream(minutes)?
        } else {
            of_batch(minutes, has(Release::bounds_timeout))?
        },
        retry: retry(label, input.get("retryPolicy"), streaming)?,
        flex,
    })
}

fn of_stream(minutes: Option<i64>) -> Result<Option<i64>, ApiError> {
    match minutes {
        None | Some(0) => Ok(None),
        Some(_) => Err(ApiError::validation(
            "STREAMING job runs have no time-out: leave executionTimeoutMinutes out.",
        )),
    }
}

/// 0 is no limit, where there may be none.
fn of_batch(minutes: Option<i64>, bounded: bool) -> Result<Option<i64>, ApiError> {
    match minutes {
        None => Ok(Some(DEFAULT_TIMEOUT)),
        Some(0) if !bounded => Ok(None),
        Some(minutes) if bounded && !(1..=LONGEST_TIMEOUT).contains(&minutes) => {
            Err(ApiError::validation(format!(
                "executionTimeoutMinutes of a BATCH job run must be between {SHORTEST_TIMEOUT} and {LONGEST_TIMEOUT} \
                 from release label emr-7.11.0 on."
            )))
        }
        Some(minutes) if minutes < SHORTEST_TIMEOUT => Err(ApiError::validation(texts::TIMEOUT_TOO_SHORT)),
        Some(minutes) => Ok(Some(minutes.saturating_mul(MINUTE))),
    }
}

/// Each mode has a limit of its own; that of the other mode says nothing.
fn retry(label: &ReleaseLabel, policy: Option<&Value>, streaming: bool) -> Result<Retry, ApiError> {
    let member = |name: &str| policy.and_then(|policy| policy.get(name)).and_then(Value::as_i64);
    let name = if streaming { "maxFailedAttemptsPerHour" } else { "maxAttempts" };
    let given = member(name).map(|given| limit(name, given)).transpose()?;
    let retry = match given {
        _ if streaming => Retry::FailuresPerHour(given.unwrap_or(FAILURES_PER_HOUR)),
        given => Retry::Attempts(given.unwrap_or(1)),
    };
    if retry.names_attempts() && !label.release().is_some_and(Release::retries_and_streams) {
        return Err(needs("A retryPolicy with more than one attempt", "emr-7.1.0", label));
    }
    Ok(retry)
}

fn limit(name: &str, given: i64) -> Result<u32, ApiError> {
    let within = u32::try_from(given).ok().filter(|_| ATTEMPTS.contains(&given));
    within.ok_or_else(|| {
        let (least, most) = ATTEMPTS.into_inner();
        ApiError::validation(format!("retryPolicy.{name} must be between {least} and {most}."))
    })
}

fn needs(what: &str, first: &str, label: &ReleaseLabel) -> ApiError {
    ApiError::validation(format!(
        "{what} needs release label {first} or later. The application has '{label}'."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(label: &str, members: Value) -> Result<Terms, String> {
        let input = members.as_object().expect("an object").clone();
        read(&ReleaseLabel::new(label), &input).map_err(|error| error.message)
    }

    #[test]
    fn what_holds_when_nothing_is_said() {
        let (batch, stream) = (of("emr-6.7.0", json!({})), of("emr-7.13.0", json!({ "mode": "STREAMING" })));
        let batch = batch.expect("fine");
        assert_eq!((batch.timeout, batch.retry, batch.flex), (Some(720 * MINUTE), Retry::Attempts(1), None));
        let stream = stream.expect("fine");
        assert_eq!((stream.timeout, stream.retry), (None, Retry::FailuresPerHour(5)));
    }

    #[test]
    fn how_long() {
        let range = "executionTimeoutMinutes of a BATCH job run must be between 5 and 10080 from release label \
                     emr-7.11.0 on.";
        let none = "STREAMING job runs have no time-out: leave executionTimeoutMinutes out.";
        let table = [
            ("emr-7.10.0", "BATCH", 0, Ok(None)),
            ("emr-7.11.0", "BATCH", 0, Err(range)),
            ("emr-7.10.0", "BATCH", 1, Err("RunTimeout must be at least 5 minutes.")),
            ("emr-7.11.0", "BATCH", 4, Err("RunTimeout must be at least 5 minutes.")),
            ("emr-7.11.0", "BATCH", 5, Ok(Some(5 * MINUTE))),
            ("emr-7.10.0", "BATCH", 1_000_000, Ok(Some(1_000_000 * MINUTE))),
            ("emr-7.11.0", "BATCH", 10_080, Ok(Some(10_080 * MINUTE))),
            ("emr-7.11.0", "BATCH", 10_081, Err(range)),
            ("emr-spark-8.1.0", "BATCH", 0, Err(range)),
            ("emr-7.13.0", "STREAMING", 0, Ok(None)),
            ("emr-7.13.0", "STREAMING", 60, Err(none)),
        ];
        for (label, mode, minutes, expected) in table {
            let terms = of(label, json!({ "mode": mode, "executionTimeoutMinutes": minutes }));
            let expected = expected.map_err(str::to_owned);
            assert_eq!(terms.map(|terms| terms.timeout), expected, "{label} {mode} {minutes}");
        }
    }

    #[test]
    fn how_often() {
        let (batch, hour) = ("maxAttempts", "maxFailedAttemptsPerHour");
        let old = "A retryPolicy with more than one attempt needs release label emr-7.1.0 or later. The application \
                   has 'emr-7.0.0'.";
        let table = [
            ("emr-7.0.0", "BATCH", batch, 1, Ok(Retry::Attempts(1))),
            ("emr-7.0.0", "BATCH", batch, 2, Err(old)),
            ("emr-7.1.0", "BATCH", batch, 10, Ok(Retry::Attempts(10))),
            ("emr-7.1.0", "BATCH", batch, 11, Err("retryPolicy.maxAttempts must be between 1 and 10.")),
            ("emr-7.1.0", "BATCH", hour, 3, Ok(Retry::Attempts(1))),
            ("emr-7.1.0", "STREAMING", hour, 1, Ok(Retry::FailuresPerHour(1))),
            ("emr-7.1.0", "STREAMING", batch, 3, Ok(Retry::FailuresPerHour(5))),
            (
                "emr-7.1.0",
                "STREAMING",
                hour,
                0,
                Err("retryPolicy.maxFailedAttemptsPerHour must be between 1 and 10."),
            ),
        ];
        for (label, mode, member, given, expected) in table {
            let terms = of(label, json!({ "mode": mode, "retryPolicy": { member: given } }));
            let expected = expected.map_err(str::to_owned);
            assert_eq!(terms.map(|terms| terms.retry), expected, "{label} {mode} {member} {given}");
        }
    }

    #[test]
    fn what_a_release_or_a_mode_does_not_have() {
        let text = "Mode STREAMING needs release label emr-7.1.0 or later. The application has 'emr-7.0.0'.";
        assert_eq!(of("emr-7.0.0", json!({ "mode": "STREAMING" })), Err(text.to_owned()));
        let flex = json!({ "enabled": true });
        assert_eq!(of("emr-7.1.0", json!({ "flexExecution": flex })).map(|terms| terms.flex), Ok(Some(true)));
        assert!(of("emr-7.1.0", json!({ "mode": "STREAMING", "flexExecution": flex })).is_err());
    }
}
