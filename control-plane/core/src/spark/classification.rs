//! Configuration by classification: which ones there are, what may stand in them, and how a run's lie over its application's.
//!
//! Source: EMR user guide, default-configs (precedence, merge, removal), log4j2, secrets-manager; release page of
//! emr-spark-8.1.0 (merge by property).

use super::{Configuration, Properties};
use crate::release::Release;
use serde_json::Value;

/// Classification of the driver's `log4j2.properties`.
pub const DRIVER_LOG4J: &str = "spark-driver-log4j2";
/// Classification of the executors' `log4j2.properties`.
pub const EXECUTOR_LOG4J: &str = "spark-executor-log4j2";
/// Classification of Hadoop's `core-site.xml`.
pub const CORE_SITE: &str = "core-site";
/// Classification of EMR's own file system on S3.
pub const EMRFS_SITE: &str = "emrfs-site";
/// Classification of `hive-site.xml`.
pub const HIVE_SITE: &str = "hive-site";

/// Every classification of a Spark application.
const KNOWN: [&str; 7] = [
    super::precedence::SPARK_DEFAULTS,
    "spark",
    DRIVER_LOG4J,
    EXECUTOR_LOG4J,
    CORE_SITE,
    EMRFS_SITE,
    HIVE_SITE,
];

/// Keys of the log4j2 classifications that nobody may change: logs would not be found any more.
const PROTECTED: [&str; 6] = [
    "rootLogger.appenderRef.stdout.ref",
    "appender.console.type",
    "appender.console.name",
    "appender.console.target",
    "appender.console.layout.type",
    "appender.console.layout.pattern",
];

/// How EMR marks a value that is the name of a secret.
const SECRET: &str = "EMR.secret@";

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassificationError {
    /// No such classification.
    #[error("Classification '{name}' is not supported. {hint}")]
    Unknown {
        /// As the user wrote it.
        name: String,
        /// What to use.
        hint: String,
    },
    /// The release is older than the classification.
    #[error("Classification '{name}' is supported from emr-6.8.0 on, and this application is on {label}.")]
    TooOld {
        /// The classification.
        name: String,
        /// The application's release label.
        label: &'static str,
    },
    /// A property that nobody may set.
    #[error("Classification '{name}': property '{key}' cannot be changed: the service finds the logs by it.")]
    Protected {
        /// The classification.
        name: String,
        /// The property.
        key: String,
    },
    /// A property of a classification that has a fixed set of them.
    #[error("Classification '{name}' has no property '{key}'; it has dynamicAllocationOptimization.")]
    NoSuchProperty {
        /// The classification.
        name: String,
        /// The property.
        key: String,
    },
    /// A value that names a secret.
    #[error("{name}: property '{key}': {SECRET} cannot be resolved: there is no Secrets Manager here.")]
    Secret {
        /// The classification, or `sparkSubmitParameters`.
        name: String,
        /// The property.
        key: String,
    },
}

/// Reads a list of the API's `Configuration` values; nested ones count like those beside them.
pub fn read(list: Option<&Value>) -> Configuration {
    let mut found = Configuration::new();
    for entry in list.and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = entry.get("classification").and_then(Value::as_str) else { continue };
        let properties = entry.get("properties").and_then(Value::as_object).into_iter().flatten();
        let properties =
            properties.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        found.entry(name.to_owned()).or_default().extend(properties);
        for (name, properties) in read(entry.get("configurations")) {
            found.entry(name).or_default().extend(properties);
        }
    }
    found
}

/// The run's configuration over its application's.
///
/// A classification of the run stands in place of the application's whole one; from emr-spark-8.1.0 on (`per_property`)
/// it wins property by property. One without properties removes the application's, in either case.
pub fn merge(of_application: Configuration, of_run: Configuration, per_property: bool) -> Configuration {
    let mut merged = of_application;
    for (name, properties) in of_run {
        if properties.is_empty() {
            merged.remove(&name);
        } else if per_property {
            merged.entry(name).or_default().extend(properties);
        } else {
            merged.insert(name, properties);
        }
    }
    merged
}

/// Refuses what no run of this release can have. Without a release nothing is said about its age.
pub fn check(configuration: &Configuration, release: Option<&Release>) -> Result<(), ClassificationError> {
    configuration.iter().try_for_each(|(name, properties)| {
        check_name(name, release)?;
        check_properties(name, properties)?;
        secrets(name, properties)
    })
}

/// Refuses values that name secrets; `place` is the classification, or `sparkSubmitParameters`.
pub fn secrets(place: &str, properties: &Properties) -> Result<(), ClassificationError> {
    match properties.iter().find(|(_, value)| value.contains(SECRET)) {
        Some((key, _)) => Err(ClassificationError::Secret { name: place.to_owned(), key: key.clone() }),
        None => Ok(()),
    }
}

fn check_name(name: &str, release: Option<&Release>) -> Result<(), ClassificationError> {
    if !KNOWN.contains(&name) {
        return Err(ClassificationError::Unknown { name: name.to_owned(), hint: hint(name) });
    }
    match release {
        Some(release) if is_log4j(name) && !release.log4j2_classifications() => {
            Err(ClassificationError::TooOld { name: name.to_owned(), label: release.label })
        }
        _ => Ok(()),
    }
}

fn is_log4j(name: &str) -> bool {
    matches!(name, DRIVER_LOG4J | EXECUTOR_LOG4J)
}

fn hint(name: &str) -> String {
    match name {
        "spark-env" | "hadoop-env" | "export" => {
            "Set environment variables with spark.emr-serverless.driverEnv.NAME and spark.executorEnv.NAME in spark-defaults."
                .to_owned()
        }
        "tez-site" => "It belongs to HIVE applications.".to_owned(),
        _ => format!("Spark applications have {}.", KNOWN.join(", ")),
    }
}

fn check_properties(name: &str, properties: &Properties) -> Result<(), ClassificationError> {
    let name = name.to_owned();
    let first = |wrong: &dyn Fn(&str) -> bool| properties.keys().find(|key| wrong(key)).cloned();
    match name.as_str() {
        DRIVER_LOG4J | EXECUTOR_LOG4J => match first(&|key| PROTECTED.contains(&key.trim())) {
            Some(key) => Err(ClassificationError::Protected { name, key }),
            None => Ok(()),
        },
        "spark" => match first(&|key| key != "dynamicAllocationOptimization") {
            Some(key) => Err(ClassificationError::NoSuchProperty { name, key }),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::find;
    use proptest::prelude::*;
    use serde_json::json;

    fn of(list: Value) -> Configuration {
        read(Some(&list))
    }

    fn one(name: &str, key: &str, value: &str) -> Configuration {
        let properties = Properties::from([(key.to_owned(), value.to_owned())]);
        Configuration::from([(name.to_owned(), properties)])
    }

    #[test]
    fn lists_are_read_with_what_is_nested_in_them() {
        let read = of(json!([
            {"classification": "spark-defaults", "properties": {"a": "1"},
             "configurations": [{"classification": "hive-site", "properties": {"h": "2"}},
                                {"classification": "spark-defaults", "properties": {"b": "3"}}]},
            {"classification": "core-site"},
        ]));
        assert_eq!(
            read["spark-defaults"],
            Properties::from([("a".into(), "1".into()), ("b".into(), "3".into())])
        );
        assert_eq!(read["hive-site"]["h"], "2");
        assert!(read["core-site"].is_empty());
        assert_eq!(super::read(None), Configuration::new());
    }

    #[test]
    fn a_run_replaces_a_classification_or_wins_by_property_or_removes_it() {
        let application = || {
            of(json!([
                {"classification": "spark-defaults", "properties": {"a": "1", "b": "1"}},
                {"classification": "hive-site", "properties": {"h": "1"}},
            ]))
        };
        let run = || {
            of(json!([
                {"classification": "spark-defaults", "properties": {"b": "2"}},
                {"classification": "hive-site", "properties": {}},
            ]))
        };
        assert_eq!(merge(application(), run(), false), one("spark-defaults", "b", "2"));
        let merged = merge(application(), run(), true);
        let both = Properties::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        assert_eq!(merged, Configuration::from([("spark-defaults".to_owned(), both)]));
    }

    #[test]
    fn what_is_refused_and_in_which_words() {
        let table = [
            (
                one("spark-log4j", "a", "b"),
                "emr-7.13.0",
                "Classification 'spark-log4j' is not supported. Spark applications have spark-defaults, spark,",
            ),
            (
                one("spark-env", "a", "b"),
                "emr-7.13.0",
                "Classification 'spark-env' is not supported. Set environment variables with spark.emr-serverless.driverEnv.NAME",
            ),
            (
                one("tez-site", "a", "b"),
                "emr-7.13.0",
                "Classification 'tez-site' is not supported. It belongs to HIVE",
            ),
            (
                one(DRIVER_LOG4J, "rootLogger.level", "debug"),
                "emr-6.7.0",
                "Classification 'spark-driver-log4j2' is supported from emr-6.8.0 on, and this application is on emr-6.7.0.",
            ),
            (
                one(EXECUTOR_LOG4J, "appender.console.target", "SYSTEM_OUT"),
                "emr-6.8.0",
                "Classification 'spark-executor-log4j2': property 'appender.console.target' cannot be changed",
            ),
            (
                one("spark", "maximizeResourceAllocation", "true"),
                "emr-7.13.0",
                "Classification 'spark' has no property 'maximizeResourceAllocation'",
            ),
            (
                one("hive-site", "javax.jdo.option.ConnectionPassword", "EMR.secret@db"),
                "emr-7.13.0",
                "hive-site: property 'javax.jdo.option.ConnectionPassword': EMR.secret@ cannot be resolved",
            ),
        ];
        for (configuration, label, words) in table {
            let said = check(&configuration, find(label)).unwrap_err().to_string();
            assert!(said.starts_with(words), "{said}");
        }
    }

    #[test]
    fn what_every_release_takes() {
        for name in KNOWN.iter().filter(|name| !is_log4j(name)) {
            let key = if *name == "spark" { "dynamicAllocationOptimization" } else { "a" };
            assert_eq!(check(&one(name, key, "true"), find("emr-6.6.0")), Ok(()), "{name}");
        }
        assert_eq!(check(&one(DRIVER_LOG4J, "rootLogger.level", "debug"), find("emr-6.8.0")), Ok(()));
        assert_eq!(check(&one(DRIVER_LOG4J, "rootLogger.level", "debug"), None), Ok(()));
    }

    fn any() -> impl Strategy<Value = Configuration> {
        let properties = proptest::collection::btree_map("[a-c]", "[0-9]", 0..3);
        proptest::collection::btree_map("[x-z]", properties, 0..3)
    }

    proptest! {
        #[test]
        fn every_merged_value_is_one_of_the_two_and_the_runs_wins(application in any(), run in any(), per_property: bool) {
            let merged = merge(application.clone(), run.clone(), per_property);
            for (name, properties) in &merged {
                for (key, value) in properties {
                    let of_run = run.get(name).and_then(|found| found.get(key));
                    let of_application = application.get(name).and_then(|found| found.get(key));
                    prop_assert_eq!(Some(value), of_run.or(of_application));
                }
            }
            for (name, properties) in &run {
                prop_assert_eq!(merged.contains_key(name), !properties.is_empty());
                prop_assert!(per_property || properties.is_empty() || merged.get(name) == Some(properties));
            }
            for (name, properties) in application.iter().filter(|(name, _)| !run.contains_key(*name)) {
                prop_assert_eq!(merged.get(name), Some(properties));
            }
        }
    }
}
