//! The registry: which applications there are. Each application's own journal says everything else.

use crate::application::{Identity, Settings};
use crate::id::ApplicationId;
use crate::refusal::Refusal;
use crate::time::Millis;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An application as it was created; its journal's first entry is derived from this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Registered {
    /// Who.
    pub identity: Identity,
    /// What.
    pub settings: Settings,
    /// Tags at creation.
    pub tags: BTreeMap<String, String>,
    /// Idempotency token of the request.
    pub token: String,
    /// Hash of its content.
    pub content: String,
    /// When it was deleted: its journal is then closed.
    pub deleted: Option<Millis>,
}

/// The fold of the registry's journal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Registry {
    /// All applications, deleted ones too.
    pub applications: OrdMap<ApplicationId, Registered>,
    /// Client token → application.
    pub tokens: OrdMap<String, ApplicationId>,
}

/// What is asked of the registry.
#[derive(Clone, Debug, PartialEq)]
pub enum RegistryCommand {
    /// CreateApplication.
    Register(Box<Registered>),
    /// The application's journal says TERMINATED.
    Deleted(ApplicationId),
}

/// What was decided. The names are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RegistryEvent {
    /// There is a new application.
    ApplicationRegistered {
        /// It.
        application: Box<Registered>,
    },
    /// An application is gone.
    ApplicationDeleted {
        /// Which.
        id: ApplicationId,
        /// When.
        at: Millis,
    },
}

impl Registry {
    /// Decides one command. A repeated creation brings about nothing: the caller finds it by its token.
    pub fn decide(&self, command: &RegistryCommand, now: Millis) -> Result<Vec<RegistryEvent>, Refusal> {
        match command {
            RegistryCommand::Register(new) => match self.by_token(&new.token) {
                Some(known) if known.content == new.content => Ok(Vec::new()),
                Some(_) => Err(Refusal::TokenConflict),
                None => Ok(vec![RegistryEvent::ApplicationRegistered { application: new.clone() }]),
            },
            RegistryCommand::Deleted(id) => match self.applications.get(id) {
                Some(known) if known.deleted.is_none() => {
                    Ok(vec![RegistryEvent::ApplicationDeleted { id: id.clone(), at: now }])
                }
                Some(_) => Ok(Vec::new()),
                None => Err(Refusal::NoApplication),
            },
        }
    }

    /// Folds one event in.
    pub fn apply(&mut self, event: &RegistryEvent) {
        match event {
            RegistryEvent::ApplicationRegistered { application } => {
                let id = application.identity.id.clone();
                self.tokens.insert(application.token.clone(), id.clone());
                self.applications.insert(id, (**application).clone());
            }
            RegistryEvent::ApplicationDeleted { id, at } => {
                if let Some(known) = self.applications.get_mut(id) {
                    known.deleted = Some(*at);
                }
            }
        }
    }

    /// The application that a client token created.
    pub fn by_token(&self, token: &str) -> Option<&Registered> {
        self.tokens.get(token).and_then(|id| self.applications.get(id))
    }
}
