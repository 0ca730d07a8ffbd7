//! CreateApplication: registered first; the application's own first entry is derived from that.

use super::tags::checked;
use super::{Service, arn, json, refuse, settings, text};
use crate::applications::now;
use firesteel_core::application::Identity;
use firesteel_core::id::{self, ApplicationId};
use firesteel_core::registry::Registered;
use firesteel_wire::shapes::CreateApplicationResponse;
use firesteel_wire::{ApiError, Input, texts};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

impl Service {
    pub(super) async fn create_application(&self, input: Input) -> Result<String, ApiError> {
        check_kind(&input)?;
        let created = now(&self.parts);
        let identity = Identity {
            id: ApplicationId::new(id::mint(created, self.parts.world.chance())),
            name: input.get("name").and_then(Value::as_str).map(str::to_owned),
            architecture: input.get("architecture").and_then(Value::as_str).unwrap_or("X86_64").to_owned(),
            created,
        };
        let new = Registered {
            settings: settings::new(&input)?,
            tags: checked(tags_of(&input))?,
            token: text(&input, "clientToken").to_owned(),
            content: content(&input),
            identity,
            deleted: None,
        };
        let id = new.identity.id.clone();
        let registered = self
            .applications
            .register(new)
            .await
            .map_err(|error| refuse::submission(&id, error, |_| None))?;
        let identity = registered.identity;
        if registered.deleted.is_none() {
            self.home_of(identity.id.as_str()).await?;
        }
        json(&CreateApplicationResponse {
            arn: arn::application(&self.parts.config, &identity.id),
            application_id: identity.id.to_string(),
            name: identity.name,
        })
    }
}

fn check_kind(input: &Input) -> Result<(), ApiError> {
    let kind = text(input, "type");
    match kind.to_ascii_uppercase().as_str() {
        "SPARK" => Ok(()),
        "HIVE" => Err(ApiError::validation(texts::unsupported_release("HIVE", text(input, "releaseLabel")))),
        _ => Err(ApiError::validation(texts::unsupported_engine(kind))),
    }
}

/// The `tags` member.
pub(super) fn tags_of(input: &Input) -> BTreeMap<String, String> {
    let tags = input.get("tags").and_then(Value::as_object).into_iter().flatten();
    tags.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Hash of a request without its token: members in order of their names.
pub(super) fn content(input: &Input) -> String {
    let mut members: BTreeMap<&String, &Value> = input.iter().collect();
    members.remove(&"clientToken".to_owned());
    let text = serde_json::to_vec(&members).unwrap_or_default();
    hex::encode(Sha256::digest(text))
}
