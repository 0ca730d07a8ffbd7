//! Bearer tokens of runners: `<application>.<HMAC>`, good for one worker of one application. Nothing is stored.

use firesteel_core::id::{ApplicationId, WorkerId};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The token of a worker.
pub fn of(secret: &[u8], application: &ApplicationId, worker: &WorkerId) -> String {
    format!("{application}.{}", mac(secret, application, worker))
}

/// The application that `token` names, if the token is this worker's.
pub fn application(secret: &[u8], token: &str, worker: &WorkerId) -> Option<ApplicationId> {
    let (application, given) = token.split_once('.')?;
    let application = ApplicationId::new(application);
    let expected = mac(secret, &application, worker);
    bool::from(expected.as_bytes().ct_eq(given.as_bytes())).then_some(application)
}

fn mac(secret: &[u8], application: &ApplicationId, worker: &WorkerId) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(b"firesteel runner\n");
    mac.update(application.as_str().as_bytes());
    mac.update(b"\n");
    mac.update(worker.as_str().as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_worker_and_application_alone() {
        let (app, worker) = (ApplicationId::new("a1"), WorkerId::new("r1-1-driver"));
        let token = of(b"secret", &app, &worker);
        assert_eq!(application(b"secret", &token, &worker), Some(app));
        assert_eq!(application(b"other", &token, &worker), None);
        assert_eq!(application(b"secret", &token, &WorkerId::new("r1-1-x")), None);
        assert_eq!(application(b"secret", &token.replacen("a1", "a2", 1), &worker), None);
        assert_eq!(application(b"secret", "", &worker), None);
    }
}
