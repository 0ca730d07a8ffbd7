//! Any bytes as `sparkSubmitParameters`: understood or refused, and what is understood keeps its promises.

use firesteel_core::spark::{owned, parameters, sizes};

/// Reads the bytes as parameters.
///
/// # Panics
/// If a promise is broken.
pub fn text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parameters::parse(text) {
        Ok(submit) => {
            assert_eq!(owned::conflict(&submit.conf), None, "a property of the service got through");
            assert!(submit.conf.keys().all(|key| !key.is_empty()), "a property without a name");
            let again = parameters::parse(&written(&submit.conf)).map(|again| again.conf);
            assert_eq!(again, Ok(submit.conf.clone()), "what was read is not read again as it was");
            match sizes::sizes(&submit.conf) {
                Ok(_) => {}
                Err(refusal) => assert!(!refusal.to_string().is_empty()),
            }
        }
        Err(refusal) => assert!(refusal.to_string().starts_with(|c: char| c.is_alphanumeric() || c == '\'')),
    }
}

/// The properties as one would type them: each quoted whole.
fn written(conf: &firesteel_core::spark::Properties) -> String {
    let quoted = |text: &str| text.replace('\'', r"'\''");
    conf.iter().map(|(key, value)| format!("--conf '{}={}' ", quoted(key), quoted(value))).collect()
}
