//! Writing: create, patch and delete, as Spark asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Cluster;
use crate::launch::{Launch, config_maps, launch};
use crate::log::Change;
use crate::object::{EndAsked, Key, Needs, Pod, Stage, Stopping, container};
use crate::patch::Patch;
use crate::refusal::Refusal;
use crate::request::{Deletion, Resource, Scope};
use crate::sighting::pending;
use crate::time::rfc3339;

/// So many different launches are remembered for sharing.
const PROFILES: usize = 8;

impl Cluster {
    pub(super) fn create(
        &mut self,
        resource: Resource,
        namespace: String,
        mut object: Value,
        now: u64,
    ) -> Result<Value, Refusal> {
        let name = self.name_of(&object)?;
        let key = (resource, namespace, name);
        if self.objects.contains_key(&key) {
            return Err(Refusal::already_exists(format!(
                "{} \"{}\" already exists",
                resource.plural(),
                key.2
            )));
        }
        let uid = uid(self.settings.seed, self.made);
        object["kind"] = json!(resource.kind());
        object["apiVersion"] = json!("v1");
        let metadata = &mut object["metadata"];
        metadata["namespace"] = json!(key.1);
        metadata["name"] = json!(key.2);
        metadata["uid"] = json!(uid);
        metadata["creationTimestamp"] = json!(rfc3339(now));
        let pod = match resource {
            Resource::Pods => {
                object["status"] = pending("");
                Some(self.new_pod(&object, uid.clone())?)
            }
            Resource::Claims => {
                object["status"] = json!({"phase": "Bound"});
                None
            }
            Resource::ConfigMaps | Resource::Services => None,
        };
        self.made += 1;
        self.publish(Change::Added, &key, object);
        if pod.is_some() {
            self.pods.insert(uid, key.clone());
        }
        if let Some(entry) = self.objects.get_mut(&key) {
            entry.pod = pod;
        }
        self.get(&key)
    }

    pub(super) fn patch(&mut self, key: &Key, patch: &Patch) -> Result<Value, Refusal> {
        let object = self.get(key)?;
        let patched = patch.apply(&object)?;
        if patched != object {
            self.publish(Change::Modified, key, patched);
        }
        self.get(key)
    }

    pub(super) fn delete(&mut self, key: &Key, deletion: Deletion, now: u64) -> Result<Value, Refusal> {
        let entry = self.entry(key)?;
        let mut object = (*entry.object).clone();
        let running = entry.pod.as_ref().filter(|pod| matches!(pod.stage, Stage::Running { .. }));
        let Some(pod) = running else {
            if key.0 == Resource::Pods {
                mark_deleted(&mut object, 0, now);
            }
            self.publish(Change::Deleted, key, object.clone());
            return Ok(object);
        };
        let asked = deletion.grace_ms.unwrap_or(pod.end.grace_ms);
        if pod.stopping.is_none_or(|stopping| asked < stopping.grace_ms) {
            mark_deleted(&mut object, asked, now);
            self.publish(Change::Modified, key, object);
            if let Some(pod) = self.objects.get_mut(key).and_then(|entry| entry.pod.as_mut()) {
                pod.stopping = Some(Stopping { grace_ms: asked });
            }
        }
        self.get(key)
    }

    pub(super) fn delete_all(&mut self, scope: &Scope, deletion: Deletion, now: u64) -> Value {
        let keys = self.keys_in(scope);
        let items = keys.iter().filter_map(|key| self.delete(key, deletion, now).ok()).collect();
        self.list_of(scope.resource, items)
    }

    /// How the executor of `pod` is started; `None` while a config map it mounts is missing.
    pub(super) fn launch_of(&mut self, pod: &Value) -> Result<Option<Launch>, Refusal> {
        let namespace = pod["metadata"]["namespace"].as_str().unwrap_or("");
        let map =
            |name: &str| self.objects.get(&(Resource::ConfigMaps, namespace.to_owned(), name.to_owned()));
        let complete = config_maps(pod).into_iter().all(|name| map(name).is_some());
        let files = |name: &str| map(name).map(|entry| files(&entry.object)).unwrap_or_default();
        let launch = launch(pod, &self.settings.spark_version, files)?;
        Ok(complete.then(|| self.share(launch)))
    }

    fn new_pod(&mut self, object: &Value, uid: String) -> Result<Pod, Refusal> {
        // Even where a config map is still to come, what the pod itself says must make sense now.
        let checked = launch(object, &self.settings.spark_version, |_| BTreeMap::new())?;
        Ok(Pod {
            number: self.made,
            uid,
            stage: Stage::Pending { reason: String::new() },
            stopping: None,
            launch: self.launch_of(object)?,
            shown_at: None,
            survived: false,
            needs: Needs::of(object, &checked)?,
            container: container(object),
            end: EndAsked::of(object),
        })
    }

    fn share(&mut self, launch: Launch) -> Launch {
        if let Some(known) = self.profiles.iter().find(|known| ***known == *launch.shared) {
            return Launch { shared: Arc::clone(known), pod: launch.pod };
        }
        if self.profiles.len() == PROFILES {
            self.profiles.remove(0);
        }
        self.profiles.push(Arc::clone(&launch.shared));
        launch
    }

    fn name_of(&self, object: &Value) -> Result<String, Refusal> {
        let metadata = &object["metadata"];
        let text = |field: &str| metadata[field].as_str().filter(|text| !text.is_empty());
        let generated = || text("generateName").map(|prefix| format!("{prefix}{:05x}", self.made));
        let name = text("name").map(str::to_owned).or_else(generated);
        let name = name.ok_or_else(|| Refusal::invalid("metadata.name is missing"))?;
        if metadata["labels"].as_object().unwrap_or(&Map::new()).values().all(Value::is_string) {
            Ok(name)
        } else {
            Err(Refusal::invalid("metadata.labels must be a map of strings"))
        }
    }
}

pub(super) fn mark_deleted(object: &mut Value, grace_ms: u64, now: u64) {
    let metadata = &mut object["metadata"];
    if metadata["deletionTimestamp"].is_null() {
        metadata["deletionTimestamp"] = json!(rfc3339(now));
    }
    metadata["deletionGracePeriodSeconds"] = json!(grace_ms.div_ceil(1000));
}

fn files(config_map: &Value) -> BTreeMap<String, String> {
    let data = config_map["data"].as_object();
    let text = |(name, value): (&String, &Value)| value.as_str().map(|text| (name.clone(), text.to_owned()));
    data.map(|data| data.iter().filter_map(text).collect()).unwrap_or_default()
}

/// The `n`th uid after `seed`, in the form of a version 4 UUID (SplitMix64, twice).
fn uid(seed: u64, n: u64) -> String {
    let mix = |step: u64| {
        let mut z = seed.wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let (high, low) = (mix(2 * n + 1), mix(2 * n + 2));
    let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0xfff);
    format!("{a:08x}-{b:04x}-4{c:03x}-{:04x}-{:012x}", (low >> 48) & 0x3fff | 0x8000, low & 0xffff_ffff_ffff)
}
