//! The registry's stored forms, byte for byte. Never change a file in `golden/v1`; a new form gets a new one.

use firesteel_core::id::{ApplicationId, HostId};
use firesteel_core::quota::{Amounts, Wish};
use firesteel_core::registry::{Registry, RegistryEvent};
use firesteel_core::time::Millis;

#[allow(clippy::disallowed_methods)] // The rules read no file; their tests do.
fn golden(name: &str) -> String {
    let path = format!("{}/tests/golden/v1/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn events() -> Vec<RegistryEvent> {
    let application = || ApplicationId::new("00f1abcdefgh1234");
    let other = || ApplicationId::new("00f2abcdefgh1234");
    let amounts = |cpu, mib| {
        let mut amounts = Amounts { cpu, ..Amounts::default() };
        amounts.set_heap(&HostId::new("host"), mib);
        amounts
    };
    vec![
        RegistryEvent::GrantRaised { application: application(), amounts: amounts(8, 4_096), version: 1 },
        RegistryEvent::WishMade {
            application: other(),
            wish: Wish { amounts: amounts(8, 4_096), ticket: 1 },
        },
        RegistryEvent::GrantLowered { application: application(), amounts: amounts(4, 0) },
        RegistryEvent::WishDropped { application: other() },
        RegistryEvent::WishMade { application: other(), wish: Wish { amounts: amounts(2, 0), ticket: 2 } },
        RegistryEvent::ApplicationDeleted { id: ApplicationId::new("00f3abcdefgh1234"), at: Millis(1) },
    ]
}

#[test]
fn events_are_written_and_read_as_ever() {
    let lines = golden("registry-events.jsonl");
    let read: Vec<RegistryEvent> =
        lines.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    assert_eq!(read, events());
    let written: Vec<String> =
        events().iter().map(|event| serde_json::to_string(event).expect("JSON")).collect();
    assert_eq!(written.join("\n") + "\n", lines);
}

#[test]
fn the_fold_is_written_and_read_as_ever() {
    let mut registry = Registry::default();
    events().iter().for_each(|event| registry.apply(event));
    assert_eq!(serde_json::to_string(&registry).expect("JSON") + "\n", golden("registry.json"));
    assert_eq!(serde_json::from_str::<Registry>(&golden("registry.json")).ok(), Some(registry));
}

#[test]
fn a_registry_from_before_there_were_grants_is_read() {
    let before = serde_json::from_str::<Registry>(&golden("registry-without-division.json"));
    assert_eq!(before.ok(), Some(Registry::default()));
}
