//! An application's settings as the API gives them: typed where the rules read them, normalised and echoed where not.

use firesteel_core::application::{
    Capacity, DEFAULT_AUTO_STOP, DEFAULT_CONCURRENT_RUNS, DEFAULT_QUEUE_TIMEOUT, Patch, Settings,
};
use firesteel_core::release::{self, Release, ReleaseLabel};
use firesteel_core::spark::{classification, owned, precedence};
use firesteel_core::time::MINUTE;
use firesteel_wire::{ApiError, Input, sizes, texts};
use serde_json::{Map, Value, json};

/// Members that are kept as they came.
const ECHOED: [&str; 12] = [
    "architecture",
    "networkConfiguration",
    "imageConfiguration",
    "workerTypeSpecifications",
    "runtimeConfiguration",
    "monitoringConfiguration",
    "diskEncryptionConfiguration",
    "interactiveConfiguration",
    "schedulerConfiguration",
    "identityCenterConfiguration",
    "jobLevelCostAllocationConfiguration",
    "initialCapacity",
];

const AUTO_STOP: &str = "autoStopConfiguration";

/// Runs that an application may let go at once, and minutes that it may let others wait (user guide, "concurrency and
/// queuing").
const SCHEDULER: [(&str, std::ops::RangeInclusive<i64>, i64); 2] = [
    ("maxConcurrentRuns", 1..=1000, DEFAULT_CONCURRENT_RUNS),
    ("queueTimeoutMinutes", 15..=720, DEFAULT_QUEUE_TIMEOUT),
];

/// Settings of a new application.
pub fn new(input: &Input) -> Result<Settings, ApiError> {
    let patch = patch(input, None)?;
    let release = patch.release.ok_or_else(|| ApiError::validation("releaseLabel is missing."))?;
    let mut echo = patch.echo;
    echo.retain(|_, value| !value.is_null());
    echo.entry("architecture").or_insert_with(|| json!("X86_64"));
    let known = release.release().is_some_and(release::Release::scheduler_default_on);
    if known && !echo.contains_key("schedulerConfiguration") {
        echo.insert("schedulerConfiguration".to_owned(), filled(&json!({})));
    }
    Ok(Settings {
        release,
        maximum_capacity: patch.maximum_capacity,
        auto_start: patch.auto_start.unwrap_or(true),
        auto_stop: patch.auto_stop.unwrap_or(Some(DEFAULT_AUTO_STOP)),
        echo,
    })
}

/// What an UpdateApplication changes of an application of this label; none for one that is being created.
pub fn patch(input: &Input, label: Option<&ReleaseLabel>) -> Result<Patch, ApiError> {
    let mut patch = Patch {
        release: input.get("releaseLabel").and_then(Value::as_str).map(known_release).transpose()?,
        auto_start: input.get("autoStartConfiguration").map(enabled),
        auto_stop: input.get("autoStopConfiguration").map(auto_stop),
        ..Patch::default()
    };
    if let Some(value) = input.get("maximumCapacity") {
        let (capacity, normalised) = maximum_capacity(value)?;
        patch.maximum_capacity = Some(capacity);
        patch.echo.insert("maximumCapacity".to_owned(), normalised);
    }
    if let Some(value) = input.get(AUTO_STOP) {
        patch.echo.insert(AUTO_STOP.to_owned(), switched_off(value));
    }
    check_runtime_configuration(&patch, input)?;
    for name in ECHOED {
        if let Some(value) = input.get(name) {
            patch.echo.insert(name.to_owned(), normalised(name, value)?);
        }
    }
    check_scheduler(&patch, label)?;
    Ok(patch)
}

/// Switching it off is allowed where it cannot be on.
fn check_scheduler(patch: &Patch, label: Option<&ReleaseLabel>) -> Result<(), ApiError> {
    let Some(label) = patch.release.as_ref().or(label) else { return Ok(()) };
    let given = patch.echo.get("schedulerConfiguration").is_some_and(|given| !is_empty(given));
    if !given || label.release().is_none_or(Release::schedules) {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "schedulerConfiguration needs release label emr-7.0.0 or later. The application has '{label}'."
    )))
}

/// What no run could have is refused where it is set.
fn check_runtime_configuration(patch: &Patch, input: &Input) -> Result<(), ApiError> {
    let configuration = classification::read(input.get("runtimeConfiguration"));
    let release = patch.release.as_ref().and_then(ReleaseLabel::release);
    let refuse = |error: &dyn std::fmt::Display| ApiError::validation(error.to_string());
    classification::check(&configuration, release).map_err(|error| refuse(&error))?;
    match configuration.get(precedence::SPARK_DEFAULTS).and_then(owned::conflict) {
        Some(conflict) => Err(refuse(&conflict)),
        None => Ok(()),
    }
}

fn known_release(label: &str) -> Result<ReleaseLabel, ApiError> {
    match release::find(label) {
        Some(_) => Ok(ReleaseLabel::new(label)),
        None => Err(ApiError::validation(texts::unsupported_release("SPARK", label))),
    }
}

fn enabled(value: &Value) -> bool {
    value.get("enabled").and_then(Value::as_bool).unwrap_or(true)
}

fn auto_stop(value: &Value) -> Option<i64> {
    let minutes = value.get("idleTimeoutMinutes").and_then(Value::as_i64);
    enabled(value).then(|| minutes.map_or(DEFAULT_AUTO_STOP, |minutes| minutes * MINUTE))
}

/// The minutes are given back while auto-stop is off, too: declarative tools send them with it and compare.
fn switched_off(value: &Value) -> Value {
    match auto_stop(value) {
        Some(_) => Value::Null,
        None => {
            let minutes = value.get("idleTimeoutMinutes").and_then(Value::as_i64);
            json!({ "enabled": false, "idleTimeoutMinutes": minutes.unwrap_or(DEFAULT_AUTO_STOP / MINUTE) })
        }
    }
}

fn maximum_capacity(value: &Value) -> Result<(Capacity, Value), ApiError> {
    let member = |name: &str| value.get(name).and_then(Value::as_str);
    let cpu = member("cpu").and_then(sizes::parse_vcpu).ok_or_else(|| unreadable("maximumCapacity.cpu"))?;
    let memory = member("memory").and_then(sizes::parse_memory_gb);
    let memory = memory.ok_or_else(|| unreadable("maximumCapacity.memory"))?;
    let mut normalised = json!({ "cpu": sizes::print_vcpu(cpu), "memory": sizes::print_gb(memory) });
    let disk = match member("disk") {
        None => None,
        Some(text) => {
            let disk = sizes::parse_disk_gb(text).ok_or_else(|| unreadable("maximumCapacity.disk"))?;
            normalised["disk"] = json!(sizes::print_gb(disk));
            Some(small(disk))
        }
    };
    Ok((Capacity { cpu: small(cpu), memory: small(memory), disk }, normalised))
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn unreadable(member: &str) -> ApiError {
    ApiError::validation(format!("{member} cannot be read as a size."))
}

/// An empty structure removes an image or a disk key; sizes are written as answers show them.
fn normalised(name: &str, value: &Value) -> Result<Value, ApiError> {
    match name {
        "initialCapacity" => initial_capacity(value),
        "schedulerConfiguration" => scheduler(value),
        "imageConfiguration" if !has_image(value) => Ok(Value::Null),
        "workerTypeSpecifications" => Ok(images(value)),
        "diskEncryptionConfiguration" if is_empty(value) => Ok(Value::Null),
        "interactiveConfiguration" => Ok(interactive(value)),
        _ => Ok(value.clone()),
    }
}

/// Whatever else is said of an image: without its URI there is none, and no answer could show it.
fn has_image(value: &Value) -> bool {
    value.get("imageUri").and_then(Value::as_str).is_some_and(|uri| !uri.is_empty())
}

/// The worker types that have an image of their own.
fn images(value: &Value) -> Value {
    let types = value.as_object().into_iter().flatten();
    let with_image = types.filter(|(_, kind)| kind.get("imageConfiguration").is_some_and(has_image));
    let with_image: Map<String, Value> =
        with_image.map(|(name, kind)| (name.clone(), kind.clone())).collect();
    if with_image.is_empty() { Value::Null } else { Value::Object(with_image) }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_none_or(|members| members.values().all(|member| member.as_str() == Some("")))
}

/// `{}` switches the scheduler off; one member given brings the other's default.
fn scheduler(value: &Value) -> Result<Value, ApiError> {
    if is_empty(value) {
        return Ok(json!({}));
    }
    for (name, range, _) in SCHEDULER {
        let given = value.get(name).and_then(Value::as_i64);
        if given.is_some_and(|given| !range.contains(&given)) {
            let (least, most) = range.into_inner();
            let text = format!("schedulerConfiguration.{name} must be between {least} and {most}.");
            return Err(ApiError::validation(text));
        }
    }
    Ok(filled(value))
}

fn filled(value: &Value) -> Value {
    let member = |(name, _, default): (&str, _, i64)| {
        (name.to_owned(), json!(value.get(name).and_then(Value::as_i64).unwrap_or(default)))
    };
    Value::Object(SCHEDULER.into_iter().map(member).collect())
}

/// Members left out are false.
fn interactive(value: &Value) -> Value {
    let member = |name: &str| value.get(name).and_then(Value::as_bool).unwrap_or(false);
    json!({
        "studioEnabled": member("studioEnabled"),
        "livyEndpointEnabled": member("livyEndpointEnabled"),
        "sessionEnabled": member("sessionEnabled"),
    })
}

fn initial_capacity(value: &Value) -> Result<Value, ApiError> {
    let mut pools = Map::new();
    for (kind, pool) in value.as_object().into_iter().flatten() {
        let mut pool = pool.clone();
        if let Some(worker) = pool.get_mut("workerConfiguration").and_then(Value::as_object_mut) {
            for (member, text) in worker.iter_mut() {
                *text = size_text(kind, member, text)?;
            }
        }
        pools.insert(kind.clone(), pool);
    }
    Ok(Value::Object(pools))
}

fn size_text(kind: &str, member: &str, text: &Value) -> Result<Value, ApiError> {
    let given = text.as_str().unwrap_or_default();
    let normalised = match member {
        "cpu" => sizes::parse_vcpu(given).map(sizes::print_vcpu),
        "memory" => sizes::parse_memory_gb(given).map(sizes::print_gb),
        "disk" => sizes::parse_disk_gb(given).map(sizes::print_gb),
        _ => Some(given.to_owned()),
    };
    let path = || format!("initialCapacity.{kind}.workerConfiguration.{member}");
    normalised.map(Value::String).ok_or_else(|| unreadable(&path()))
}
