//! The token in a dashboard's URL: which attempt of which run, until when, and a MAC under the installation's secret.
//! Nothing is stored, so it is good at every control plane of the installation and across restarts.

use firesteel_core::id::{ApplicationId, JobRunId};
use firesteel_core::time::{HOUR, Millis};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How long a URL opens a dashboard (API reference, GetDashboardForJobRun).
pub const LIFE: i64 = HOUR;
/// No token of ours is longer.
const LONGEST: usize = 256;

/// What a token opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The application.
    pub application: ApplicationId,
    /// The run.
    pub run: JobRunId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// Until when.
    pub expires: Millis,
}

/// Why a token opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTicket {
    /// It was not made by this installation.
    Forged,
    /// Its hour is over.
    Expired,
}

impl Ticket {
    /// The token: letters, digits and dots only.
    pub fn token(&self, secret: &[u8]) -> String {
        let claim = format!("{}.{}.{}.{}", self.application, self.run, self.attempt, self.expires.0);
        let mac = mac(secret, &claim);
        format!("{claim}.{mac}")
    }

    /// The ticket that `token` is, at `now`.
    pub fn read(secret: &[u8], token: &str, now: Millis) -> Result<Self, NoTicket> {
        let ticket = Self::verified(secret, token).ok_or(NoTicket::Forged)?;
        if ticket.expires > now { Ok(ticket) } else { Err(NoTicket::Expired) }
    }

    fn verified(secret: &[u8], token: &str) -> Option<Self> {
        let (claim, given) = token.rsplit_once('.').filter(|_| token.len() <= LONGEST)?;
        if !bool::from(mac(secret, claim).as_bytes().ct_eq(given.as_bytes())) {
            return None;
        }
        let mut parts = claim.split('.');
        let ticket = Self {
            application: ApplicationId::new(parts.next()?),
            run: JobRunId::new(parts.next()?),
            attempt: parts.next()?.parse().ok()?,
            expires: Millis(parts.next()?.parse().ok()?),
        };
        parts.next().is_none().then_some(ticket)
    }
}

fn mac(secret: &[u8], claim: &str) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(b"firesteel dashboard\n");
    mac.update(claim.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ticket() -> Ticket {
        Ticket {
            application: ApplicationId::new("00a"),
            run: JobRunId::new("00r"),
            attempt: 2,
            expires: Millis(1_000),
        }
    }

    #[test]
    fn it_opens_its_run_until_its_hour_is_over() {
        let token = ticket().token(b"secret");
        assert_eq!(Ticket::read(b"secret", &token, Millis(999)), Ok(ticket()));
        assert_eq!(Ticket::read(b"secret", &token, Millis(1_000)), Err(NoTicket::Expired));
        assert_eq!(Ticket::read(b"other", &token, Millis(0)), Err(NoTicket::Forged));
    }

    #[test]
    fn what_was_not_made_here_opens_nothing() {
        let token = ticket().token(b"secret");
        let mac = token.rsplit_once('.').unwrap().1;
        for forged in [
            String::new(),
            ".".to_owned(),
            mac.to_owned(),
            token.replacen("00r", "00s", 1),
            token.replacen(".2.", ".1.", 1),
            token.replacen(".1000.", ".9000.", 1),
            format!("{token}0"),
            format!("{token}.{mac}"),
            format!("00a.00r.2.1000.{}", "0".repeat(64)),
            "x".repeat(100_000),
        ] {
            assert_eq!(Ticket::read(b"secret", &forged, Millis(0)), Err(NoTicket::Forged), "{forged:.80}");
        }
    }

    proptest! {
        #[test]
        fn one_changed_byte_opens_nothing(at in 0usize..85, byte in 0x20u8..0x7f) {
            let token = ticket().token(b"secret");
            let mut bytes = token.clone().into_bytes();
            prop_assume!(at < bytes.len() && bytes[at] != byte);
            bytes[at] = byte;
            let altered = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(Ticket::read(b"secret", &altered, Millis(0)), Err(NoTicket::Forged));
        }

        #[test]
        fn any_text_is_read_without_harm(text in ".{0,300}") {
            prop_assert_eq!(Ticket::read(b"secret", &text, Millis(0)), Err(NoTicket::Forged));
        }

        #[test]
        fn what_is_made_is_read(
            application in "[0-9a-z]{16}", run in "[0-9a-z]{16}", attempt: u32, expires in 1i64..,
        ) {
            let ticket = Ticket {
                application: ApplicationId::new(application),
                run: JobRunId::new(run),
                attempt,
                expires: Millis(expires),
            };
            prop_assert_eq!(Ticket::read(b"s", &ticket.token(b"s"), Millis(0)), Ok(ticket));
        }
    }
}
