//! Each structure against the model's shape of the same name.

use std::collections::BTreeSet;

use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde_json::{Value, json};

use super::*;
use crate::model::{Kind, Shape, Structure, model};

/// Tells which members a structure's `Deserialize` knows, by asking it.
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

fn structure(name: &str) -> &'static Structure {
    match &model().shape_named(name).expect("the model has the shape").kind {
        Kind::Structure(structure) => structure,
        _ => panic!("{name} is no structure"),
    }
}

/// A value with every member filled, recursion cut after four levels.
fn filled(shape: &Shape, depth: usize) -> Value {
    match &shape.kind {
        Kind::String if !shape.choices.is_empty() => json!(shape.choices[shape.choices.len() - 1]),
        Kind::String => json!(format!("a {}", shape.name)),
        Kind::Integer | Kind::Long => json!(7),
        Kind::Double => json!(0.125),
        Kind::Boolean => json!(true),
        Kind::Timestamp => json!(1_767_323_045.25),
        Kind::List(_) if depth == 0 => json!([]),
        Kind::List(element) => json!([filled(model().shape(*element), depth - 1)]),
        Kind::Map(_, value) => json!({ "key": filled(model().shape(*value), depth) }),
        Kind::Structure(structure) => {
            let member = |m: &crate::model::Member| (m.name.clone(), filled(model().shape(m.shape), depth));
            Value::Object(structure.members.iter().map(member).collect())
        }
    }
}

fn agrees<T: DeserializeOwned + Serialize + Default>(name: &str) {
    let shape = structure(name);
    let mut known = Vec::new();
    T::deserialize(Ask(&mut known)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let modelled: BTreeSet<&str> = shape.members.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(known.iter().copied().collect::<BTreeSet<_>>(), modelled, "members of {name}");

    let full = filled(model().shape_named(name).expect("the shape"), 4);
    let typed: T = serde_json::from_value(full.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(serde_json::to_value(&typed).ok(), Some(full), "a filled {name}");

    let Ok(Value::Object(empty)) = serde_json::to_value(T::default()) else { panic!("{name} is no object") };
    let written: BTreeSet<&str> = empty.keys().map(String::as_str).collect();
    let required: BTreeSet<&str> =
        shape.members.iter().filter(|m| m.required).map(|m| m.name.as_str()).collect();
    assert_eq!(written, required, "what an empty {name} still writes");
}

macro_rules! agree {
    ($($name:ident),* $(,)?) => {
        $(agrees::<$name>(stringify!($name));)*
        const COVERED: &[&str] = &[$(stringify!($name)),*];
    };
}

#[test]
fn every_structure_has_exactly_the_models_members() {
    agree!(
        Application,
        ApplicationSummary,
        AutoStartConfig,
        AutoStopConfig,
        CancelJobRunRequest,
        CancelJobRunResponse,
        CloudWatchLoggingConfiguration,
        Configuration,
        ConfigurationOverrides,
        CreateApplicationRequest,
        CreateApplicationResponse,
        DeleteApplicationRequest,
        DeleteApplicationResponse,
        DiskEncryptionConfiguration,
        FlexExecution,
        GetApplicationRequest,
        GetApplicationResponse,
        GetDashboardForJobRunRequest,
        GetDashboardForJobRunResponse,
        GetJobRunRequest,
        GetJobRunResponse,
        Hive,
        IdentityCenterConfiguration,
        IdentityCenterConfigurationInput,
        ImageConfiguration,
        ImageConfigurationInput,
        InitialCapacityConfig,
        InteractiveConfiguration,
        JobDriver,
        JobLevelCostAllocationConfiguration,
        JobRun,
        JobRunAttemptSummary,
        JobRunExecutionIamPolicy,
        JobRunSummary,
        ListApplicationsRequest,
        ListApplicationsResponse,
        ListJobRunAttemptsRequest,
        ListJobRunAttemptsResponse,
        ListJobRunsRequest,
        ListJobRunsResponse,
        ListTagsForResourceRequest,
        ListTagsForResourceResponse,
        ManagedPersistenceMonitoringConfiguration,
        MaximumAllowedResources,
        MonitoringConfiguration,
        NetworkConfiguration,
        PrometheusMonitoringConfiguration,
        ResourceUtilization,
        RetryPolicy,
        S3MonitoringConfiguration,
        SchedulerConfiguration,
        SparkSubmit,
        StartApplicationRequest,
        StartApplicationResponse,
        StartJobRunRequest,
        StartJobRunResponse,
        StopApplicationRequest,
        StopApplicationResponse,
        TagResourceRequest,
        TagResourceResponse,
        TotalResourceUtilization,
        UntagResourceRequest,
        UntagResourceResponse,
        UpdateApplicationRequest,
        UpdateApplicationResponse,
        WorkerResourceConfig,
        WorkerTypeSpecification,
        WorkerTypeSpecificationInput,
    );
    let is_ours = |name: &str| !name.contains("Session") && !name.contains("ResourceDashboard");
    let left: Vec<&str> = model()
        .structure_names()
        .filter(|name| is_ours(name) && !name.ends_with("Exception") && !COVERED.contains(name))
        .collect();
    assert_eq!(left, Vec::<&str>::new(), "structures of the model without a typed form");
}

#[test]
fn string_enums_are_the_models() {
    let choices = |name: &str| model().shape_named(name).expect("the shape").choices.clone();
    assert_eq!(
        ApplicationState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>(),
        choices("ApplicationState")
    );
    assert_eq!(JobRunState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>(), choices("JobRunState"));
    assert_eq!(JobRunMode::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>(), choices("JobRunMode"));
    assert_eq!(Architecture::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>(), choices("Architecture"));
    assert_eq!(JobRunState::parse("QUEUED"), Some(JobRunState::Queued));
    assert_eq!(JobRunState::parse("queued"), None);
}

#[test]
fn debug_shows_nothing_sensitive() {
    let submit = SparkSubmit { entry_point: "s3://secret/x.py".into(), ..SparkSubmit::default() };
    let properties = [("spark.password".to_owned(), "hunter2".to_owned())].into();
    let configuration = Configuration {
        classification: "spark-defaults".into(),
        properties: Some(properties),
        configurations: None,
    };
    let text = format!(
        "{submit:?} {:?} {configuration:?}",
        Hive { query: "select secret".into(), ..Hive::default() }
    );
    assert!(!text.contains("secret") && !text.contains("hunter2"), "{text}");
    assert!(text.contains("spark.password"), "{text}");
}
