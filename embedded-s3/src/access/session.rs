//! Sessions: keys that carry who they are for, what they may and until when, under a MAC.
//!
//! Nothing of a session is stored. Its secret key follows from its access key, and its token is the
//! session itself, so that both are good after a restart as long as the data folder keeps its key.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::Limits;

/// What a token's MAC is for. A token of another shape has another name here, so that none is read as what it is not.
const SESSION: &[u8] = b"session 2";
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A session as its token carries it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// The access key that it belongs to.
    pub access_key: String,
    /// When it ends, in milliseconds since the epoch.
    pub expires_ms: i64,
    /// For whom it acts.
    pub holder: Holder,
}

/// For whom a session acts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Holder {
    /// A role that was assumed.
    Role(AssumedRole),
    /// The user of this long-lived access key (GetSessionToken): it may what that key may, for as long as that key is known.
    User(String),
}

/// A role that was assumed, with what narrows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssumedRole {
    /// ARN of the role.
    pub role: String,
    /// The name that its creator gave the session.
    pub name: String,
    /// What the role may touch.
    pub limits: Limits,
    /// Session policies, as text; each of them must allow what is done.
    pub policies: Vec<String>,
}

/// The key under which sessions are sealed.
#[derive(Clone)]
pub struct Seal([u8; 32]);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// Reads the key of the data folder, or makes one.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join("session.key");
        match fs::read(&path) {
            Ok(bytes) => bytes
                .try_into()
                .map(Self)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "session.key is not 32 bytes long")),
            Err(failure) if failure.kind() == io::ErrorKind::NotFound => {
                let key: [u8; 32] = rand::random();
                let draft = folder.join("session.key.new");
                let mut file =
                    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
                file.write_all(&key)?;
                file.sync_all()?;
                fs::rename(draft, path)?;
                crate::blobs::sync_folder(folder)?;
                Ok(Self(key))
            }
            Err(failure) => Err(failure),
        }
    }

    /// A new access key: `ASIA` and 16 characters, of which the last 7 prove that it was issued here.
    pub fn new_access_key(&self) -> String {
        let mut bytes = [0; 10];
        bytes[..6].copy_from_slice(&rand::random::<[u8; 6]>());
        let mark = self.mac(b"access key", &bytes[..6]);
        bytes[6..].copy_from_slice(&mark[..4]);
        format!("ASIA{}", base32(&bytes))
    }

    /// The secret of an access key, if it was issued here.
    pub fn secret_key(&self, access_key: &str) -> Option<String> {
        let bytes = unbase32(access_key.strip_prefix("ASIA")?)?;
        let mark = self.mac(b"access key", &bytes[..6]);
        let issued: bool = bytes[6..].ct_eq(&mark[..4]).into();
        issued.then(|| {
            let mut secret = STANDARD.encode(self.mac(b"secret key", access_key.as_bytes()));
            secret.truncate(40);
            secret
        })
    }

    /// The token of a session.
    pub fn token(&self, session: &Session) -> String {
        // Postcard fails only on types without a fixed shape; a session has none.
        let payload = postcard::to_stdvec(session).unwrap_or_default();
        let mut sealed = self.mac(SESSION, &payload).to_vec();
        sealed.extend_from_slice(&payload);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// The session of a token, if it was sealed here and belongs to this access key.
    pub fn open_token(&self, token: &str, access_key: &str) -> Option<Session> {
        let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (mac, payload) = sealed.split_at_checked(32)?;
        let genuine: bool = mac.ct_eq(&self.mac(SESSION, payload)).into();
        let session: Session = genuine.then(|| postcard::from_bytes(payload).ok())??;
        (session.access_key == access_key).then_some(session)
    }

    fn mac(&self, purpose: &[u8], bytes: &[u8]) -> [u8; 32] {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 32] };
        mac.update(purpose);
        mac.update(&[0]);
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }
}

fn base32(bytes: &[u8; 10]) -> String {
    let number = bytes.iter().fold(0u128, |number, byte| number << 8 | u128::from(*byte));
    (0..16).rev().map(|digit| ALPHABET[(number >> (5 * digit)) as usize & 31] as char).collect()
}

fn unbase32(text: &str) -> Option<[u8; 10]> {
    let mut number = 0u128;
    for character in text.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == character)?;
        number = number << 5 | digit as u128;
    }
    (text.len() == 16).then(|| {
        let mut bytes = [0; 10];
        bytes.copy_from_slice(&number.to_be_bytes()[6..]);
        bytes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(access_key: &str) -> Session {
        Session {
            access_key: access_key.into(),
            expires_ms: 1,
            holder: Holder::Role(AssumedRole {
                role: "arn:aws:iam::123456789012:role/etl".into(),
                name: "run".into(),
                limits: Limits::Within { allow: vec!["a/*".into()], read_only: vec![] },
                policies: vec![],
            }),
        }
    }

    #[test]
    fn keys_and_tokens_are_good_after_a_restart_and_only_here() {
        let folder = tempfile::tempdir().unwrap();
        let seal = Seal::open(folder.path()).unwrap();
        let key = seal.new_access_key();
        assert_eq!(key.len(), 20);
        let (secret, token) = (seal.secret_key(&key).unwrap(), seal.token(&session(&key)));
        let again = Seal::open(folder.path()).unwrap();
        assert_eq!(again.secret_key(&key), Some(secret));
        assert_eq!(again.open_token(&token, &key), Some(session(&key)));
        assert_eq!(again.open_token(&token, &again.new_access_key()), None);
        let elsewhere = Seal::open(tempfile::tempdir().unwrap().path()).unwrap();
        assert_eq!(elsewhere.secret_key(&key), None);
        assert_eq!(elsewhere.open_token(&token, &key), None);
    }

    #[test]
    fn a_changed_token_or_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let seal = Seal::open(folder.path()).unwrap();
        let key = seal.new_access_key();
        let token = seal.token(&session(&key));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(seal.open_token(&changed, &key), None, "{at}");
        }
        for changed in ["", "ASIA", "ASIAAAAAAAAAAAAAAAAA", "AKIAAAAAAAAAAAAAAAAA", "ASIAaaaaaaaaaaaaaaaa"] {
            assert_eq!(seal.secret_key(changed), None, "{changed}");
        }
    }
}
