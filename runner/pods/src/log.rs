//! Changes in order, and watchers that read them from where they stopped.
//!
//! A watch never ends with an error here: Spark 3.5 does not watch again after a 410. Who asks for changes older than
//! the log gets the present objects instead.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use crate::request::{Resource, Scope};

/// A kind of change, as Kubernetes names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Added,
    Modified,
    Deleted,
}

impl Change {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One change.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) version: u64,
    pub(crate) change: Change,
    pub(crate) resource: Resource,
    pub(crate) object: Arc<Value>,
    pub(crate) previous: Option<Arc<Value>>,
}

impl Event {
    /// What a watcher of `scope` sees of it: an object that enters the scope is added, one that leaves it is deleted.
    pub(crate) fn seen_by(&self, scope: &Scope) -> Option<Change> {
        let is_in = scope.matches(self.resource, &self.object);
        let was_in = self.previous.as_ref().is_some_and(|previous| scope.matches(self.resource, previous));
        match (self.change, was_in, is_in) {
            (Change::Deleted, false, false) | (_, false, false) => None,
            (Change::Deleted, ..) | (_, true, false) => Some(Change::Deleted),
            (_, false, true) => Some(Change::Added),
            (_, true, true) => Some(Change::Modified),
        }
    }
}

/// The last changes; older ones are forgotten.
#[derive(Debug, Clone)]
pub(crate) struct EventLog {
    events: VecDeque<Event>,
    limit: usize,
    /// Version of the newest change forgotten; 0 if none is.
    forgotten: u64,
}

impl EventLog {
    pub(crate) fn new(limit: usize) -> Self {
        Self { events: VecDeque::new(), limit, forgotten: 0 }
    }

    pub(crate) fn push(&mut self, event: Event) {
        self.events.push_back(event);
        while self.events.len() > self.limit {
            self.forgotten = self.events.pop_front().map_or(self.forgotten, |event| event.version);
        }
    }

    /// The changes after `version`; `None` if some of them are forgotten.
    pub(crate) fn after(&self, version: u64) -> Option<impl Iterator<Item = &Event>> {
        let first = self.events.partition_point(|event| event.version <= version);
        (version >= self.forgotten).then(|| self.events.range(first..))
    }
}

/// A watcher's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    pub(crate) scope: Scope,
    pub(crate) cursor: Cursor,
}

impl Watch {
    /// A watch of `scope`, from the resource version `from` on or from the present objects on.
    pub fn new(scope: Scope, from: Option<u64>) -> Self {
        Self { scope, cursor: from.map_or(Cursor::Start, Cursor::After) }
    }

    /// How far it has come.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }
}

/// How far a watcher has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// It has seen nothing.
    Start,
    /// It has seen all up to this resource version.
    After(u64),
}
