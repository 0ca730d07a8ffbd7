//! Old bytes are kept and reread: one folder per format version that was ever written. Never change a file here; a new
//! format gets a new folder and this test a new section.
mod common;

use std::collections::BTreeMap;

use common::{Event, Ledger};
use firesteel_journal::protocols::TokenEntry;
use firesteel_journal::{
    Entry, FORMAT, FormatError, Snapshot, Stored, decode, decode_checkpoint, encode, encode_checkpoint,
};

fn golden(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn entry() -> Entry<Event> {
    let (account, padding) = ("a".to_owned(), String::new());
    Entry {
        format: 1,
        seq: 7,
        mark: "6f1c2ab09d3e4f55".to_owned(),
        at: 1_795_265_200_123,
        events: vec![Event::Added { id: 3, account, amount: -2, padding }, Event::Closed],
    }
}

fn checkpoint() -> Snapshot<Ledger> {
    let accounts = BTreeMap::from([("a".to_owned(), 40), ("b".to_owned(), 0)]);
    let state = Ledger { accounts, count: 9, closed: true };
    Snapshot { seq: 7, at: 1_795_265_200_123, state }
}

#[test]
fn version_1_is_read() {
    assert_eq!(decode("e", 7, &golden("v1/entry.json")), Ok(entry()));
    assert_eq!(decode_checkpoint("c", &golden("v1/checkpoint.json")), Ok(checkpoint()));
    let token: TokenEntry = serde_json::from_slice(&golden("v1/token.json")).unwrap();
    let (application, run, content) = ("00f1".into(), "00g2".into(), "9f86d081".into());
    assert_eq!(token, TokenEntry { format: 1, application, run, content });
    let by_hash = Stored::ByHash { sha256: "9f86d081".into(), size: 9000, day: None };
    let dated = Stored::ByHash { sha256: "9f86d081".into(), size: 9000, day: Some("2026-11-21".into()) };
    let inline = Stored::Inline(serde_json::json!({"name": "hail"}));
    for (name, stored) in [
        ("v1/body-by-hash.json", by_hash),
        ("v1/body-by-hash-dated.json", dated),
        ("v1/body-inline.json", inline),
    ] {
        assert_eq!(serde_json::from_slice::<Stored>(&golden(name)).unwrap(), stored);
        assert_eq!(serde_json::to_vec(&stored).unwrap(), golden(name));
    }
}

#[test]
fn todays_version_is_written_byte_for_byte() {
    assert_eq!(FORMAT, 1, "a new format needs a new folder of golden files");
    assert_eq!(encode(&entry()).unwrap(), golden("v1/entry.json"));
    assert_eq!(encode_checkpoint(&checkpoint()).unwrap(), golden("v1/checkpoint.json"));
}

#[test]
fn unknown_fields_are_let_pass_and_newer_formats_are_not() {
    let more = br#"{"format":1,"seq":7,"mark":"m","at":1,"events":[],"later":{}}"#;
    assert!(decode::<Event>("e", 7, more).is_ok());
    let newer = decode::<Event>("e", 7, br#"{"format":2}"#);
    assert_eq!(newer, Err(FormatError::Newer { key: "e".into(), found: 2 }));
    let other = decode::<Event>("e", 8, &golden("v1/entry.json"));
    assert!(matches!(other, Err(FormatError::Corrupt { .. })));
}
