//! Which value of a Spark property counts.
//!
//! Source: EMR user guide, jobs-spark: what the service sets > `sparkSubmitParameters` > the run's
//! applicationConfiguration > the application's runtimeConfiguration > EMR's defaults > Spark's own. Run and
//! application are merged before they come here, as one `Configuration`.

use super::{Configuration, Properties, SparkSubmit};

/// EMR's classification of Spark properties.
pub const SPARK_DEFAULTS: &str = "spark-defaults";

/// EMR's default properties (user guide, jobs-spark, "Default Spark properties"). `most_executors` is the release's
/// limit of dynamic allocation (`Release::dynamic_allocation_max_default`), none for infinity.
pub fn emr_defaults(most_executors: Option<u32>) -> Properties {
    let mut defaults: Properties = [
        ("spark.driver.cores", "4"),
        ("spark.driver.memory", "14G"),
        ("spark.executor.cores", "4"),
        ("spark.executor.memory", "14G"),
        ("spark.executor.instances", "3"),
        ("spark.dynamicAllocation.enabled", "true"),
        ("spark.dynamicAllocation.initialExecutors", "3"),
        ("spark.dynamicAllocation.minExecutors", "0"),
        ("spark.dynamicAllocation.executorIdleTimeout", "60s"),
        ("spark.emr-serverless.driver.disk", "20G"),
        ("spark.emr-serverless.executor.disk", "20G"),
        ("spark.emr-serverless.driver.disk.type", "Standard"),
        ("spark.emr-serverless.executor.disk.type", "Standard"),
        ("spark.emr-serverless.memoryOverheadFactor", "0.1"),
        ("spark.emr-serverless.allocation.batch.size", "20"),
        ("spark.authenticate", "true"),
        ("spark.network.crypto.enabled", "false"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    let most = most_executors.map_or("infinity".to_owned(), |most| most.to_string());
    defaults.insert("spark.dynamicAllocation.maxExecutors".to_owned(), most);
    defaults
}

/// Lays layers over each other, the lowest first: a later layer's value counts.
pub fn merge<'a>(layers: impl IntoIterator<Item = &'a Properties>) -> Properties {
    layers.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// What the user and EMR's defaults say together: everything but what the service sets last.
///
/// A 32 vCPU worker for which no memory was said gets 109G, as EMR gives it.
pub fn effective(
    configuration: &Configuration,
    submit: &SparkSubmit,
    most_executors: Option<u32>,
) -> Properties {
    let none = Properties::new();
    let classified = configuration.get(SPARK_DEFAULTS).unwrap_or(&none);
    let user = merge([classified, &submit.conf]);
    let mut all = merge([&emr_defaults(most_executors), &user]);
    for role in ["driver", "executor"] {
        let memory = format!("spark.{role}.memory");
        let large = user.get(&format!("spark.{role}.cores")).is_some_and(|cores| cores.trim() == "32");
        if large && !user.contains_key(&memory) {
            all.insert(memory, "109G".to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spark::parameters::parse;

    #[test]
    fn the_submit_parameters_win_over_the_configuration_and_that_over_the_defaults() {
        let classified = [("spark.executor.memory", "6g"), ("spark.executor.cores", "2")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()));
        let configuration = Configuration::from([(SPARK_DEFAULTS.to_owned(), Properties::from(classified))]);
        let all = effective(&configuration, &parse("--executor-cores 1").unwrap(), None);
        assert_eq!(all["spark.executor.cores"], "1");
        assert_eq!(all["spark.executor.memory"], "6g");
        assert_eq!(all["spark.driver.memory"], "14G");
        assert_eq!(all["spark.dynamicAllocation.maxExecutors"], "infinity");
        assert_eq!(emr_defaults(Some(100))["spark.dynamicAllocation.maxExecutors"], "100");
    }

    #[test]
    fn the_largest_worker_gets_its_own_memory() {
        let all = effective(&Configuration::new(), &parse("--executor-cores 32").unwrap(), None);
        assert_eq!(
            (all["spark.executor.memory"].as_str(), all["spark.driver.memory"].as_str()),
            ("109G", "14G")
        );
    }
}
