//! The registry: which applications there are. Each application's own journal says everything else.

use crate::application::{Identity, Settings};
use crate::id::ApplicationId;
use crate::quota::{Amounts, Division, Raise, Wish};
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
    /// What is divided between them.
    #[serde(default)]
    pub division: Division,
}

/// What is asked of the registry.
#[derive(Clone, Debug, PartialEq)]
pub enum RegistryCommand {
    /// CreateApplication.
    Register(Box<Registered>),
    /// The application's journal says TERMINATED.
    Deleted(ApplicationId),
    /// An application asks for more of what is divided.
    Raise(Raise),
    /// What an application uses was admitted before there were grants.
    Cover(ApplicationId, Amounts),
    /// An application has given back what it does not use.
    Lower {
        /// Who.
        application: ApplicationId,
        /// The version that it has seen.
        seen: u64,
        /// What it still holds.
        held: Amounts,
    },
    /// An application waits for nothing any more.
    Withdraw(ApplicationId),
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
    /// An application is granted more.
    GrantRaised {
        /// Who.
        application: ApplicationId,
        /// All that it is granted now.
        amounts: Amounts,
        /// Counts raises.
        version: u64,
    },
    /// An application has given something back.
    GrantLowered {
        /// Who.
        application: ApplicationId,
        /// All that it is granted now.
        amounts: Amounts,
    },
    /// An application waits.
    WishMade {
        /// Who.
        application: ApplicationId,
        /// For what.
        wish: Wish,
    },
    /// An application waits no more.
    WishDropped {
        /// Who.
        application: ApplicationId,
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
            RegistryCommand::Raise(ask) => {
                self.living(&ask.application)?;
                Ok(self.division.raise(ask))
            }
            RegistryCommand::Cover(id, in_use) => {
                self.living(id)?;
                Ok(self.division.cover(id, in_use))
            }
            RegistryCommand::Lower { application, seen, held } => {
                self.division.lower(application, *seen, held)
            }
            RegistryCommand::Withdraw(id) => Ok(self.division.withdraw(id)),
        }
    }

    fn living(&self, id: &ApplicationId) -> Result<(), Refusal> {
        let known = self.applications.get(id).filter(|known| known.deleted.is_none());
        known.map(|_| ()).ok_or(Refusal::NoApplication)
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
                self.division.deleted(id);
            }
            RegistryEvent::GrantRaised { application, amounts, version } => {
                self.division.raised(application, amounts, *version);
            }
            RegistryEvent::GrantLowered { application, amounts } => {
                self.division.lowered(application, amounts);
            }
            RegistryEvent::WishMade { application, wish } => self.division.wished(application, wish),
            RegistryEvent::WishDropped { application } => self.division.dropped(application),
        }
    }

    /// The application that a client token created.
    pub fn by_token(&self, token: &str) -> Option<&Registered> {
        self.tokens.get(token).and_then(|id| self.applications.get(id))
    }
}
