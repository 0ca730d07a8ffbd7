//! Reading: get, list, and following changes.

use serde_json::{Value, json};

use super::Cluster;
use crate::log::{Change, Cursor, Watch};
use crate::object::{Entry, Key};
use crate::refusal::Refusal;
use crate::request::{Resource, Scope};

impl Cluster {
    /// The events `watch` has not seen yet, one JSON document each, and moves it on. Nothing is sent twice to a watcher
    /// that comes back with the last resource version it saw.
    pub fn follow(&self, watch: &mut Watch) -> Vec<String> {
        let scope = &watch.scope;
        let events = match watch.cursor {
            Cursor::After(version) if version <= self.version => match self.log.after(version) {
                Some(events) => events
                    .filter_map(|event| event.seen_by(scope).map(|change| line(change.name(), &event.object)))
                    .collect(),
                None => self.present(scope, version),
            },
            Cursor::Start | Cursor::After(_) => self.present(scope, 0),
        };
        watch.cursor = Cursor::After(self.version);
        events
    }

    /// A bookmark for `watch`: "you have seen all up to here".
    pub fn bookmark(&self, watch: &Watch) -> String {
        let seen = match watch.cursor {
            Cursor::Start => 0,
            Cursor::After(version) => version,
        };
        let kind = watch.scope.resource.kind();
        line(
            "BOOKMARK",
            &json!({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": seen.to_string()}}),
        )
    }

    pub(super) fn get(&self, key: &Key) -> Result<Value, Refusal> {
        self.entry(key).map(|entry| (*entry.object).clone())
    }

    pub(super) fn entry(&self, key: &Key) -> Result<&Entry, Refusal> {
        let missing = || Refusal::not_found(format!("{} \"{}\" not found", key.0.plural(), key.2));
        self.objects.get(key).ok_or_else(missing)
    }

    pub(super) fn list(&self, scope: &Scope) -> Value {
        let items: Vec<Value> = self.keys_in(scope).iter().filter_map(|key| self.get(key).ok()).collect();
        self.list_of(scope.resource, items)
    }

    pub(super) fn list_of(&self, resource: Resource, items: Vec<Value>) -> Value {
        json!({
            "kind": format!("{}List", resource.kind()), "apiVersion": "v1",
            "metadata": {"resourceVersion": self.version.to_string()}, "items": items,
        })
    }

    pub(super) fn keys_in(&self, scope: &Scope) -> Vec<Key> {
        let inside = self.objects.iter().filter(|(key, entry)| scope.matches(key.0, &entry.object));
        inside.map(|(key, _)| key.clone()).collect()
    }

    /// The objects that changed last after `version`, oldest change first, as if they were new.
    fn present(&self, scope: &Scope, version: u64) -> Vec<String> {
        let inside = self.objects.iter().filter(|(key, entry)| scope.matches(key.0, &entry.object));
        let mut entries: Vec<&Entry> =
            inside.map(|(_, entry)| entry).filter(|entry| entry.version() > version).collect();
        entries.sort_by_key(|entry| entry.version());
        entries.into_iter().map(|entry| line(Change::Added.name(), &entry.object)).collect()
    }
}

fn line(change: &str, object: &Value) -> String {
    json!({"type": change, "object": object}).to_string()
}
