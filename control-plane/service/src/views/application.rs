//! An application as GetApplication and ListApplications show it.

use crate::operations::arn;
use crate::ports::Config;
use firesteel_core::application::{Application, DEFAULT_AUTO_STOP, Identity, Settings};
use firesteel_core::time::MINUTE;
use firesteel_wire::shapes::Timestamp;
use serde_json::{Map, Value, json};

/// The full form. None before the application's first event.
pub fn full(config: &Config, app: &Application) -> Option<Value> {
    let (identity, settings) = (app.identity.as_ref()?, app.settings.as_ref()?);
    let mut members = common(config, app, identity, settings);
    members.insert("applicationId".to_owned(), json!(identity.id));
    members.insert("autoStartConfiguration".to_owned(), json!({ "enabled": settings.auto_start }));
    members.insert("autoStopConfiguration".to_owned(), auto_stop(settings));
    members.extend(settings.echo.clone());
    // Off is shown as on releases that have no scheduler: declarative tools take an empty one for one that is on.
    if settings.scheduler().is_none() {
        members.remove("schedulerConfiguration");
    }
    if !app.tags.is_empty() {
        members.insert("tags".to_owned(), json!(app.tags));
    }
    Some(Value::Object(members))
}

/// The summary: no tags, no configuration.
pub fn summary(config: &Config, app: &Application) -> Option<Value> {
    let (identity, settings) = (app.identity.as_ref()?, app.settings.as_ref()?);
    let mut members = common(config, app, identity, settings);
    members.insert("id".to_owned(), json!(identity.id));
    Some(Value::Object(members))
}

fn common(
    config: &Config,
    app: &Application,
    identity: &Identity,
    settings: &Settings,
) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("arn", json!(arn::application(config, &identity.id)));
    put("releaseLabel", json!(settings.release));
    put("type", json!("Spark"));
    put("state", json!(app.state));
    put("stateDetails", json!(app.state_details));
    put("architecture", settings.echo.get("architecture").cloned().unwrap_or(json!(identity.architecture)));
    put("createdAt", json!(Timestamp(identity.created.0)));
    put("updatedAt", json!(Timestamp(app.updated.0)));
    if let Some(name) = &identity.name {
        put("name", json!(name));
    }
    members
}

fn auto_stop(settings: &Settings) -> Value {
    match settings.auto_stop {
        Some(limit) => json!({ "enabled": true, "idleTimeoutMinutes": limit / MINUTE }),
        None => json!({ "enabled": false, "idleTimeoutMinutes": DEFAULT_AUTO_STOP / MINUTE }),
    }
}
