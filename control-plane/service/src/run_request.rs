//! What a StartJobRun request asks of Spark: its configuration merged with the application's, checked and sized.
//!
//! Precedence and merge granularity: user guide, "default-configs" (facts page §3.2).

use firesteel_core::application::Settings;
use firesteel_core::job_run::Needs;
use firesteel_core::release::Release;
use firesteel_core::spark::{
    ClassificationError, Configuration, classification, monitoring, owned, parameters, precedence, sizes,
};
use firesteel_wire::{ApiError, Input, texts};
use serde_json::{Map, Value};

/// Members of the request that GetJobRun gives back.
const ECHOED: [&str; 5] =
    ["jobDriver", "configurationOverrides", "executionIamPolicy", "retryPolicy", "flexExecution"];

/// What was read.
pub struct Asked {
    /// Members to give back.
    pub echo: Map<String, Value>,
    /// Merged configuration.
    pub configuration: Configuration,
    /// Merged log destination.
    pub log_uri: Option<String>,
    /// Sizes.
    pub needs: Needs,
}

/// Reads a request; what cannot run is refused here, before anything is written.
pub fn read(settings: &Settings, input: &Input) -> Result<Asked, ApiError> {
    let driver = input.get("jobDriver").ok_or_else(|| ApiError::validation(texts::job_driver_missing()))?;
    let Some(submit) = driver.get("sparkSubmit") else {
        return Err(ApiError::validation("Hive job runs are not supported: jobDriver must be sparkSubmit."));
    };
    let overrides = input.get("configurationOverrides");
    let of_run = overrides.and_then(|overrides| overrides.get("applicationConfiguration"));
    let configuration = merged(settings, settings.echo.get("runtimeConfiguration"), of_run)?;
    let parameters = submit.get("sparkSubmitParameters").and_then(Value::as_str).unwrap_or_default();
    let needs = needs(settings, &configuration, parameters)?;
    let of_run = overrides.and_then(|overrides| overrides.get("monitoringConfiguration"));
    Ok(Asked {
        echo: ECHOED
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), input.get(*name)?.clone())))
            .collect(),
        configuration,
        log_uri: log_uri(settings.echo.get("monitoringConfiguration"), of_run)?,
        needs,
    })
}

fn merged(
    settings: &Settings,
    of_application: Option<&Value>,
    of_run: Option<&Value>,
) -> Result<Configuration, ApiError> {
    let release = settings.release.release();
    let per_property = release.is_some_and(Release::per_property_merge);
    let of_run = classification::read(of_run);
    let refuse = |error: ClassificationError| ApiError::validation(error.to_string());
    classification::check(&of_run, release).map_err(refuse)?;
    let merged = classification::merge(classification::read(of_application), of_run, per_property);
    classification::check(&merged, release).map_err(refuse)?;
    Ok(merged)
}

fn needs(settings: &Settings, configuration: &Configuration, parameters: &str) -> Result<Needs, ApiError> {
    let refuse = |error: &dyn std::fmt::Display| ApiError::validation(error.to_string());
    let submit = parameters::parse(parameters).map_err(|error| refuse(&error))?;
    if let Some(conflict) = configuration.get(precedence::SPARK_DEFAULTS).and_then(owned::conflict) {
        return Err(refuse(&conflict));
    }
    let most = settings.release.release().and_then(|release| release.dynamic_allocation_max_default());
    let conf = precedence::effective(configuration, &submit, most);
    sizes::sizes(&conf).map(|sizes| sizes.needs).map_err(|error| refuse(&error))
}

/// Where the logs go in S3, if anywhere.
fn log_uri(of_application: Option<&Value>, of_run: Option<&Value>) -> Result<Option<String>, ApiError> {
    let merged = monitoring::merge(of_application, of_run);
    let Some(uri) = monitoring::log_uri(&merged) else { return Ok(None) };
    let bucket = uri.strip_prefix("s3://").map(|path| path.split('/').next().unwrap_or_default());
    match bucket {
        Some(bucket) if !bucket.is_empty() => Ok(Some(uri.to_owned())),
        _ => Err(ApiError::validation(format!(
            "monitoringConfiguration.s3MonitoringConfiguration.logUri: '{uri}' is not an S3 URI of the form s3://bucket/prefix/"
        ))),
    }
}
