//! The rules behind the journal's port: an application's and the registry's.

use firesteel_core::application::Application;
use firesteel_core::command::Command;
use firesteel_core::decide;
use firesteel_core::event::Event;
use firesteel_core::refusal::Refusal;
use firesteel_core::registry::{Registry, RegistryCommand, RegistryEvent};
use firesteel_core::time::Millis;
use firesteel_journal::Fold;
use serde::{Deserialize, Serialize};

/// An application as a journal folds it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApplicationLedger(pub Application);

impl Fold for ApplicationLedger {
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(&self, command: &Command, now: i64) -> Result<Vec<Event>, Refusal> {
        decide::decide(&self.0, command, Millis(now))
    }

    fn apply(&mut self, event: &Event) {
        self.0.apply(event);
    }
}

/// The registry as a journal folds it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RegistryLedger(pub Registry);

impl Fold for RegistryLedger {
    type Command = RegistryCommand;
    type Event = RegistryEvent;
    type Refusal = Refusal;

    fn decide(&self, command: &RegistryCommand, now: i64) -> Result<Vec<RegistryEvent>, Refusal> {
        self.0.decide(command, Millis(now))
    }

    fn apply(&mut self, event: &RegistryEvent) {
        self.0.apply(event);
    }
}
