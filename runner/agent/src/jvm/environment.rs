//! The job's environment, built from empty.

use crate::credentials::Endpoint;
use crate::errand::Folders;
use crate::runtime::Installed;
use firesteel_core::spark::Properties;
use firesteel_protocol::Common;
use std::collections::BTreeMap;

/// Name of the variable by which processes of a worker are recognised.
pub const MARK: &str = "FIRESTEEL_WORKER";
/// Prefix of properties that become variables of the driver.
const DRIVER_ENV: &str = "spark.emr-serverless.driverEnv.";
/// Prefix of properties that become variables of executors.
const EXECUTOR_ENV: &str = "spark.executorEnv.";

/// Where a job runs.
pub struct Place<'a> {
    /// The worker's id.
    pub worker: &'a str,
    /// Its address.
    pub address: &'a str,
    /// Its folders.
    pub folders: &'a Folders,
    /// Its Spark.
    pub runtime: &'a Installed,
    /// Where its credentials are served.
    pub credentials: &'a Endpoint,
}

/// What every job gets.
pub fn base(place: &Place<'_>, common: &Common) -> BTreeMap<String, String> {
    let (folders, runtime) = (place.folders, place.runtime);
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let java = runtime.java_home.join("bin");
    let python = runtime.python.parent().map(text).unwrap_or_default();
    let mut env: BTreeMap<String, String> = [
        ("PATH", format!("{python}:{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", text(&java))),
        ("HOME", text(&folders.work())),
        ("USER", "hadoop".to_owned()),
        ("SPARK_USER", "hadoop".to_owned()),
        ("HADOOP_USER_NAME", "hadoop".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("TMPDIR", text(&folders.tmp())),
        ("JAVA_HOME", text(&runtime.java_home)),
        ("SPARK_HOME", text(&runtime.spark_home)),
        ("SPARK_CONF_DIR", text(&folders.conf())),
        ("HADOOP_CONF_DIR", text(&folders.conf())),
        ("SPARK_LOCAL_DIRS", text(&folders.local())),
        ("SPARK_LOCAL_IP", place.address.to_owned()),
        ("KUBECONFIG", "/dev/null".to_owned()),
        ("PYTHONUNBUFFERED", "1".to_owned()),
        ("PYSPARK_PYTHON", text(&runtime.python)),
        ("AWS_REGION", common.store.region.clone()),
        ("AWS_DEFAULT_REGION", common.store.region.clone()),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", place.credentials.uri.clone()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", place.credentials.authorization.clone()),
        ("SERVERLESS_EMR_VIRTUAL_CLUSTER_ID", common.application.to_string()),
        ("SERVERLESS_EMR_JOB_ID", common.job_run.to_string()),
        ("PLATFORM_TYPE", "EMR_SERVERLESS".to_owned()),
        (MARK, place.worker.to_owned()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    if let Some(name) = &common.application_name {
        env.insert("SERVERLESS_EMR_APPLICATION_NAME".to_owned(), name.clone());
    }
    if let Some(endpoint) = &common.store.endpoint {
        env.insert("AWS_ENDPOINT_URL_S3".to_owned(), endpoint.clone());
    }
    env
}

/// The driver's variables over [`base`]: the user's own, and the Pythons that follow from them.
///
/// Spark sends the driver's `PYSPARK_PYTHON` to executors, so one that was set for executors only counts here, too.
pub fn driver_variables(env: &mut BTreeMap<String, String>, properties: &Properties) {
    let executors = properties.get(&format!("{EXECUTOR_ENV}PYSPARK_PYTHON")).cloned();
    if let Some(python) = executors {
        env.insert("PYSPARK_DRIVER_PYTHON".to_owned(), env["PYSPARK_PYTHON"].clone());
        env.insert("PYSPARK_PYTHON".to_owned(), python);
    }
    let user = properties.iter().filter_map(|(key, value)| Some((key.strip_prefix(DRIVER_ENV)?, value)));
    let user: BTreeMap<&str, &String> = user.filter(|(name, _)| !name.is_empty() && *name != MARK).collect();
    if user.contains_key("PYSPARK_PYTHON") {
        env.remove("PYSPARK_DRIVER_PYTHON");
    }
    env.extend(user.into_iter().map(|(name, value)| (name.to_owned(), value.clone())));
    if let Some(libraries) = properties.get("spark.driver.extraLibraryPath") {
        env.insert("LD_LIBRARY_PATH".to_owned(), libraries.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> (String, Option<String>) {
        let mut env = BTreeMap::from([("PYSPARK_PYTHON".to_owned(), "runtime".to_owned())]);
        let properties = pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        driver_variables(&mut env, &properties);
        (env["PYSPARK_PYTHON"].clone(), env.get("PYSPARK_DRIVER_PYTHON").cloned())
    }

    #[test]
    fn which_python_drivers_and_executors_get() {
        const DRIVER: &str = "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON";
        const PYTHON: &str = "spark.emr-serverless.driverEnv.PYSPARK_PYTHON";
        const EXECUTOR: &str = "spark.executorEnv.PYSPARK_PYTHON";
        let some = |text: &str| Some(text.to_owned());
        let table = [
            (vec![], ("runtime", None)),
            (vec![(DRIVER, "./e"), (PYTHON, "./e"), (EXECUTOR, "./e")], ("./e", some("./e"))),
            (vec![(DRIVER, "./e"), (EXECUTOR, "./e")], ("./e", some("./e"))),
            (vec![(EXECUTOR, "./e")], ("./e", some("runtime"))),
            (vec![(PYTHON, "./e")], ("./e", None)),
            (vec![(PYTHON, "./d"), (EXECUTOR, "./e")], ("./d", None)),
        ];
        for (pairs, (python, driver)) in table {
            assert_eq!(variables(&pairs), (python.to_owned(), driver), "{pairs:?}");
        }
    }
}
