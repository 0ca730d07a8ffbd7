//! Every structure: each member and each value of an enum survives our typed form, and nothing is written that the model does not know.

use crate::published::Published;
use firesteel_wire::shapes::*;
use serde::Serialize;
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// All that is wrong with our typed structures.
pub fn complaints(model: &Published) -> Vec<String> {
    let mut found = Vec::new();
    for (name, check) in TYPED {
        match model.kind(name) {
            "structure" => found.extend(check(model, name).into_iter().map(|c| format!("{name}: {c}"))),
            _ => found.push(format!("{name}: the model has no such structure")),
        }
    }
    for (name, shape) in model.shapes() {
        let typed = TYPED.iter().any(|(typed, _)| *typed == name);
        if shape["type"] == "structure" && shape["exception"] != true && !typed {
            found.push(format!("{name}: we have no typed form of it"));
        }
    }
    for (name, ours) in enums() {
        if ours != model.choices(name) {
            found.push(format!("{name}: {ours:?} instead of {:?}", model.choices(name)));
        }
    }
    found
}

/// Our enums with all their values, in order.
fn enums() -> [(&'static str, Vec<&'static str>); 6] {
    [
        ("ApplicationState", ApplicationState::ALL.iter().map(|value| value.as_str()).collect()),
        ("Architecture", Architecture::ALL.iter().map(|value| value.as_str()).collect()),
        ("JobRunMode", JobRunMode::ALL.iter().map(|value| value.as_str()).collect()),
        ("JobRunState", JobRunState::ALL.iter().map(|value| value.as_str()).collect()),
        ("ResourceType", ResourceType::ALL.iter().map(|value| value.as_str()).collect()),
        ("SessionState", SessionState::ALL.iter().map(|value| value.as_str()).collect()),
    ]
}

type Check = fn(&Published, &str) -> Vec<String>;

macro_rules! typed {
    ($($name:ident)*) => { const TYPED: &[(&str, Check)] = &[$((stringify!($name), check::<$name>)),*]; };
}

typed! {
    Application ApplicationSummary AutoStartConfig AutoStopConfig CancelJobRunRequest CancelJobRunResponse
    CloudWatchLoggingConfiguration Configuration ConfigurationOverrides CreateApplicationRequest
    CreateApplicationResponse DeleteApplicationRequest DeleteApplicationResponse DiskEncryptionConfiguration
    FlexExecution GetApplicationRequest GetApplicationResponse GetDashboardForJobRunRequest
    GetDashboardForJobRunResponse GetJobRunRequest GetJobRunResponse GetResourceDashboardRequest
    GetResourceDashboardResponse GetSessionEndpointRequest GetSessionEndpointResponse GetSessionRequest
    GetSessionResponse Hive IdentityCenterConfiguration IdentityCenterConfigurationInput ImageConfiguration
    ImageConfigurationInput InitialCapacityConfig InteractiveConfiguration JobDriver
    JobLevelCostAllocationConfiguration JobRun JobRunAttemptSummary JobRunExecutionIamPolicy JobRunSummary
    ListApplicationsRequest ListApplicationsResponse ListJobRunAttemptsRequest ListJobRunAttemptsResponse
    ListJobRunsRequest ListJobRunsResponse ListSessionsRequest ListSessionsResponse ListTagsForResourceRequest
    ListTagsForResourceResponse ManagedPersistenceMonitoringConfiguration MaximumAllowedResources
    MonitoringConfiguration NetworkConfiguration PrometheusMonitoringConfiguration ResourceUtilization RetryPolicy
    S3MonitoringConfiguration SchedulerConfiguration Session SessionConfigurationOverrides SessionSummary
    SparkSubmit StartApplicationRequest StartApplicationResponse StartJobRunRequest StartJobRunResponse
    StartSessionRequest StartSessionResponse StopApplicationRequest StopApplicationResponse TagResourceRequest
    TagResourceResponse TerminateSessionRequest TerminateSessionResponse TotalResourceUtilization
    UntagResourceRequest UntagResourceResponse UpdateApplicationRequest UpdateApplicationResponse
    WorkerResourceConfig WorkerTypeSpecification WorkerTypeSpecificationInput
}

fn check<T: DeserializeOwned + Serialize + Default>(model: &Published, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let members = model.members(name);
    let theirs: BTreeSet<&str> = members.iter().map(|m| m.name).collect();
    let ours = known_to::<T>();
    found.extend(theirs.difference(&ours).map(|member| format!("{member} is missing")));
    found.extend(ours.difference(&theirs).map(|member| format!("{member} is not in the model")));

    let required: BTreeSet<&str> = members.iter().filter(|m| m.required).map(|m| m.name).collect();
    let written = members_of(&serde_json::to_value(T::default()).unwrap_or_default());
    if written.iter().map(String::as_str).ne(required.iter().copied()) {
        found.push(format!("an empty one writes {written:?}, required are {required:?}"));
    }
    for choice in 0..longest_enum(model) {
        let full = filled(model, name, choice, 4);
        let mut given = full.clone();
        given["aMemberOfTomorrow"] = json!({});
        let back =
            serde_json::from_value::<T>(given).map(|typed| serde_json::to_value(&typed).unwrap_or_default());
        match back {
            Ok(back) if back == full => {}
            Ok(back) => found.push(format!("{full} comes back as {back}")),
            Err(error) => found.push(format!("choice {choice} of its enums: {error}")),
        }
    }
    found
}

fn members_of(value: &Value) -> BTreeSet<String> {
    value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

fn longest_enum(model: &Published) -> usize {
    model.shapes().map(|(name, _)| model.choices(name).len()).max().unwrap_or(1)
}

/// A value with every member filled, lists and structures inside themselves cut after some levels.
fn filled(model: &Published, shape: &str, choice: usize, depth: usize) -> Value {
    let part = |which: &str| crate::published::text(&model.shape(shape)[which]["shape"]).to_owned();
    let choices = model.choices(shape);
    match model.kind(shape) {
        "string" if !choices.is_empty() => json!(choices[choice % choices.len()]),
        "string" => json!(format!("a {shape}")),
        "integer" | "long" => json!(7),
        "double" | "float" => json!(0.125),
        "boolean" => json!(true),
        "timestamp" => json!(1_767_323_045.25),
        "list" if depth == 0 => json!([]),
        "list" => json!([filled(model, &part("member"), choice, depth - 1)]),
        "map" => json!({ "key": filled(model, &part("value"), choice, depth) }),
        _ => {
            let member =
                |m: crate::published::Member<'_>| (m.name.to_owned(), filled(model, m.shape, choice, depth));
            Value::Object(model.members(shape).into_iter().map(member).collect())
        }
    }
}

/// Which members a structure's `Deserialize` knows, by asking it.
fn known_to<T: DeserializeOwned>() -> BTreeSet<&'static str> {
    let mut known = Vec::new();
    let asked = T::deserialize(Ask(&mut known));
    assert!(asked.is_ok(), "a structure is made of nothing");
    known.into_iter().collect()
}

struct Ask<'a>(&'a mut Vec<&'static str>);

impl<'de> Deserializer<'de> for Ask<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("only structures are asked"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.extend(fields);
        visitor.visit_map(serde::de::value::MapDeserializer::new(std::iter::empty::<(&str, &str)>()))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
