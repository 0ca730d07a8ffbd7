//! The driver's properties, lowest first: the runtime's, ours, EMR's defaults, the user's, the service's.

use crate::staging::Lists;
use firesteel_core::spark::precedence::{effective, merge};
use firesteel_core::spark::{
    Configuration, OwnedProperty, ParameterError, Properties, SizesError, SparkSubmit, classification, emrfs,
    memory, owned, parameters, sizes,
};
use firesteel_protocol::{DriverAssignment, ObjectStore};
use std::path::{Path, PathBuf};

/// What the user gave, read and checked.
#[derive(Clone, Debug)]
pub struct Given {
    /// `sparkSubmitParameters`.
    pub submit: SparkSubmit,
    /// The user's and EMR's properties together.
    pub effective: Properties,
    /// What the user says of Hadoop by classification or to EMRFS, as properties of Spark.
    pub hadoop: Properties,
    /// Settings of EMRFS that have no counterpart.
    pub meaningless: Vec<String>,
}

/// Why the configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfError {
    /// `sparkSubmitParameters` is wrong.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// A property that the service owns.
    #[error("{0}")]
    Owned(#[from] OwnedProperty),
    /// A size is wrong.
    #[error(transparent)]
    Sizes(#[from] SizesError),
}

/// Facts of this worker and run that the service's own properties are made of.
#[derive(Clone, Debug)]
pub struct Bound<'a> {
    /// The runtime's defaults.
    pub runtime: &'a Properties,
    /// The store.
    pub store: &'a ObjectStore,
    /// The worker's address.
    pub address: &'a str,
    /// `http://127.0.0.1:<port>` of the loopback pod API.
    pub pod_api: &'a str,
    /// Its bearer token.
    pub pod_token: &'a str,
    /// The run's S3 tmp prefix with a trailing slash.
    pub tmp: Option<&'a str>,
    /// Where Spark writes event logs, if they are wanted: a folder from which they are shipped.
    pub event_logs: Option<PathBuf>,
    /// The run's id.
    pub run: &'a str,
    /// The run's name.
    pub name: Option<&'a str>,
    /// The job's folder.
    pub work: &'a Path,
    /// Where on the worker's address the control plane looks for the Spark UI.
    pub ui_port: Option<u16>,
}

/// The driver's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Final {
    /// Everything for `spark-defaults.conf`.
    pub properties: Properties,
    /// Heap asked for the driver, MiB.
    pub heap_mib: u64,
}

impl Given {
    /// Reads what an assignment says. `extra` is the content of `--properties-file`, `most_executors` the release's limit.
    pub fn read(
        assignment: &DriverAssignment,
        extra: &Properties,
        most_executors: Option<u32>,
    ) -> Result<Self, ConfError> {
        let mut submit = parameters::parse(&assignment.spark_submit_parameters)?;
        submit.conf = merge([extra, &submit.conf]);
        let effective = effective(&assignment.configuration, &submit, most_executors);
        match owned::conflict(&effective) {
            Some(refused) => Err(refused.into()),
            None => Ok(Self::new(&assignment.configuration, submit, effective)),
        }
    }

    fn new(configuration: &Configuration, submit: SparkSubmit, mut effective: Properties) -> Self {
        let none = Properties::new();
        let site = |name: &str| configuration.get(name).unwrap_or(&none);
        let mut emrfs = site(classification::EMRFS_SITE).clone();
        emrfs.extend(effective.iter().filter_map(|(key, value)| {
            let own = key.strip_prefix(HADOOP)?;
            (own.starts_with("fs.s3.") && own != "fs.s3.impl").then(|| (own.to_owned(), value.clone()))
        }));
        let (s3a, meaningless) = emrfs::to_s3a(&emrfs);
        // EMR's own class, which jobs name to have EMRFS back, is nowhere else.
        effective.retain(|key, value| !(key.starts_with(HADOOP) && value.trim() == EMRFS_CLASS));
        let hadoop = merge([site(classification::CORE_SITE), &s3a]).into_iter();
        let hadoop = hadoop.filter(|(_, value)| value.trim() != EMRFS_CLASS);
        let hadoop = hadoop.map(|(key, value)| (format!("{HADOOP}{key}"), value)).collect();
        Self { submit, effective, hadoop, meaningless }
    }
}

/// Properties of Spark that are Hadoop's.
const HADOOP: &str = "spark.hadoop.";
/// EMR's own file system.
const EMRFS_CLASS: &str = "com.amazon.ws.emr.hadoop.fs.EmrFileSystem";

/// The files that the configuration and the entry point name.
pub fn lists(entry_point: &str, effective: &Properties) -> Lists {
    let list = |key: &str| {
        let text = effective.get(key).map(String::as_str).unwrap_or_default();
        text.split(',').map(str::trim).filter(|uri| !uri.is_empty()).map(str::to_owned).collect()
    };
    Lists {
        entry_point: entry_point.to_owned(),
        jars: list("spark.jars"),
        py_files: list("spark.submit.pyFiles"),
        files: list("spark.files"),
        archives: list("spark.archives"),
    }
}

/// The final configuration of a driver whose files are staged.
pub fn driver(given: &Given, staged: &Lists, bound: &Bound<'_>) -> Result<Final, ConfError> {
    let below = merge([&ours(bound, &given.effective)?, bound.runtime, &store(bound), &given.hadoop]);
    let properties =
        merge([&below, &given.effective, &with_staged(staged), &service(bound, &given.effective)]);
    let heap = given.effective.get("spark.driver.memory").map(String::as_str).unwrap_or("14G");
    let heap_mib = memory::mib(heap)
        .map_err(|source| SizesError::Text { key: "spark.driver.memory".to_owned(), source })?;
    Ok(Final { properties, heap_mib })
}

fn of<const N: usize>(pairs: [(&str, String); N]) -> Properties {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Defaults of ours that a user may change.
fn ours(bound: &Bound<'_>, effective: &Properties) -> Result<Properties, ConfError> {
    let yes = || "true".to_owned();
    let mut ours = of([
        ("spark.ui.enabled", yes()),
        ("spark.scheduler.minRegisteredResourcesRatio", "0".to_owned()),
        ("spark.dynamicAllocation.shuffleTracking.enabled", "false".to_owned()),
        ("spark.decommission.enabled", yes()),
        ("spark.storage.decommission.enabled", yes()),
        ("spark.storage.decommission.shuffleBlocks.enabled", yes()),
        ("spark.storage.decommission.rddBlocks.enabled", yes()),
        ("spark.storage.decommission.replicationReattemptInterval", "1s".to_owned()),
        ("spark.sql.warehouse.dir", format!("file://{}/spark-warehouse", bound.work.display())),
        // Executors get this from the driver, and each may write to its own worker's folder only.
        ("spark.hadoop.fs.s3a.buffer.dir", "${env.SPARK_LOCAL_DIRS}/s3a".to_owned()),
        ("spark.executor.memoryOverheadFactor", sizes::overhead_factor(effective, "executor")?.to_string()),
        ("spark.driver.memoryOverheadFactor", sizes::overhead_factor(effective, "driver")?.to_string()),
    ]);
    if let Some(tmp) = bound.tmp {
        ours.insert("spark.storage.decommission.fallbackStorage.path".to_owned(), format!("{tmp}fallback/"));
    }
    if let Some(name) = bound.name {
        ours.insert("spark.app.name".to_owned(), name.to_owned());
    }
    if let Some(folder) = &bound.event_logs {
        ours.extend(of([
            ("spark.eventLog.enabled", yes()),
            ("spark.eventLog.dir", format!("file://{}", folder.display())),
            ("spark.eventLog.rolling.enabled", yes()),
            // A file that has grown is shipped whole.
            ("spark.eventLog.rolling.maxFileSize", "16m".to_owned()),
        ]));
    }
    Ok(ours)
}

fn store(bound: &Bound<'_>) -> Properties {
    let mut store = of([
        ("spark.hadoop.fs.s3a.endpoint.region", bound.store.region.clone()),
        ("spark.hadoop.fs.s3a.path.style.access", bound.store.path_style.to_string()),
    ]);
    if let Some(endpoint) = &bound.store.endpoint {
        store.insert("spark.hadoop.fs.s3a.endpoint".to_owned(), endpoint.clone());
        store.insert(
            "spark.hadoop.fs.s3a.connection.ssl.enabled".to_owned(),
            endpoint.starts_with("https").to_string(),
        );
    }
    store
}

/// The file lists with their local places; a list that was empty stays unset.
fn with_staged(staged: &Lists) -> Properties {
    let lists = [
        ("spark.jars", &staged.jars),
        ("spark.submit.pyFiles", &staged.py_files),
        ("spark.files", &staged.files),
        ("spark.archives", &staged.archives),
    ];
    lists
        .into_iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(key, list)| (key.to_owned(), list.join(",")))
        .collect()
}

/// Names each context of a driver: the first after the run, later ones `<run>-2`, … (runner/jvm).
const CONTEXT_IDS: &str = "io.firesteel.spark.ContextIds";

/// What the service sets last (design §4, §5; the tuned set was measured against stock Spark). Spark 4.1 wants the
/// batch delay above 100 ms.
fn service(bound: &Bound<'_>, effective: &Properties) -> Properties {
    let batch = effective.get("spark.emr-serverless.allocation.batch.size").cloned();
    let listeners = effective.get("spark.extraListeners").filter(|listeners| !listeners.trim().is_empty());
    let listeners = listeners.map_or(CONTEXT_IDS.to_owned(), |others| format!("{others},{CONTEXT_IDS}"));
    let mut service = of([
        ("spark.app.id", bound.run.to_owned()),
        ("spark.firesteel.jobRunId", bound.run.to_owned()),
        ("spark.extraListeners", listeners),
        ("spark.master", format!("k8s://{}", bound.pod_api)),
        ("spark.submit.deployMode", "client".to_owned()),
        ("spark.driver.host", bound.address.to_owned()),
        ("spark.driver.bindAddress", bound.address.to_owned()),
        ("spark.authenticate", "true".to_owned()),
        ("spark.shuffle.service.enabled", "false".to_owned()),
        // It listens on SPARK_LOCAL_IP, the worker's own address; whoever may look may not kill.
        ("spark.ui.port", bound.ui_port.unwrap_or(0).to_string()),
        ("spark.ui.killEnabled", "false".to_owned()),
        ("spark.kubernetes.namespace", "firesteel".to_owned()),
        ("spark.kubernetes.container.image", "firesteel".to_owned()),
        ("spark.kubernetes.authenticate.oauthToken", bound.pod_token.to_owned()),
        ("spark.kubernetes.allocation.batch.size", batch.unwrap_or_else(|| "20".to_owned())),
        // Spark 4 wants more than 100 ms.
        ("spark.kubernetes.allocation.batch.delay", "101ms".to_owned()),
        ("spark.kubernetes.executor.eventProcessingInterval", "50ms".to_owned()),
        ("spark.kubernetes.executor.disableConfigMap", "true".to_owned()),
        ("spark.kubernetes.driver.service.deleteOnTermination", "false".to_owned()),
        ("spark.kubernetes.driver.ownPersistentVolumeClaim", "false".to_owned()),
    ]);
    let most = "spark.dynamicAllocation.maxExecutors";
    if effective.get(most).is_some_and(|value| value.trim() == "infinity") {
        // EMR's word, which Spark does not read.
        service.insert(most.to_owned(), i32::MAX.to_string());
    }
    for (key, value) in effective {
        // EMR's samples use both spellings; Spark knows one.
        if let Some(name) = key.strip_prefix("spark.emr-serverless.executorEnv.") {
            service.insert(format!("spark.executorEnv.{name}"), value.clone());
        }
    }
    if let Some(factor) = effective.get("spark.emr-serverless.memoryOverheadFactor") {
        service.insert("spark.kubernetes.memoryOverheadFactor".to_owned(), factor.clone());
    }
    service
}

/// Reads a properties file as far as `--properties-file` needs it: `key value`, `key=value`, `key: value`, comments.
pub fn read_properties_file(text: &str) -> Properties {
    let joined = text.replace("\r\n", "\n").replace("\\\n", "");
    let lines =
        joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '!']));
    lines
        .map(|line| {
            let end = line
                .find(|letter: char| letter.is_whitespace() || matches!(letter, '=' | ':'))
                .unwrap_or(line.len());
            let (key, rest) = line.split_at(end);
            let rest = rest.trim_start();
            let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
            (key.to_owned(), value.trim().to_owned())
        })
        .collect()
}

/// Classifications whose properties become Hadoop XML files.
pub(super) fn site_files(configuration: &Configuration) -> impl Iterator<Item = (&'static str, &Properties)> {
    [("hive-site", "hive-site.xml"), ("core-site", "core-site.xml")]
        .into_iter()
        .filter_map(|(class, file)| configuration.get(class).map(|properties| (file, properties)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_core::spark::Configuration;

    fn given(parameters: &str, classified: &[(&str, &str)]) -> Result<Given, ConfError> {
        let properties = classified.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let configuration = Configuration::from([("spark-defaults".to_owned(), properties)]);
        let submit = parameters::parse(parameters)?;
        let effective = effective(&configuration, &submit, None);
        match owned::conflict(&effective) {
            Some(refused) => Err(refused.into()),
            None => Ok(Given::new(&configuration, submit, effective)),
        }
    }

    fn finished(given: &Given, staged: &Lists) -> Final {
        let runtime = of([("spark.hadoop.fs.s3a.committer.name", "magic".to_owned())]);
        let store = ObjectStore {
            endpoint: Some("http://127.0.0.1:9400".into()),
            region: "eu-west-1".into(),
            path_style: true,
        };
        let bound = Bound {
            runtime: &runtime,
            store: &store,
            address: "127.0.0.2",
            pod_api: "http://127.0.0.1:7777",
            pod_token: "tok",
            tmp: Some("s3://b/tmp/run/"),
            event_logs: None,
            run: "00run",
            name: Some("hail"),
            work: Path::new("/w/work"),
            ui_port: Some(4041),
        };
        driver(given, staged, &bound).unwrap()
    }

    #[test]
    fn contexts_are_named_after_the_run_beside_the_users_own_listeners() {
        let alone = finished(&given("", &[]).unwrap(), &Lists::default()).properties;
        assert_eq!(alone["spark.app.id"], "00run");
        assert_eq!(alone["spark.extraListeners"], CONTEXT_IDS);
        let others = given("--conf spark.extraListeners=a.B", &[]).unwrap();
        let both = finished(&others, &Lists::default()).properties;
        assert_eq!(both["spark.extraListeners"], format!("a.B,{CONTEXT_IDS}"));
    }

    #[test]
    fn every_layer_has_its_say() {
        let given = given(
            "--executor-memory 2g --conf spark.hadoop.fs.s3a.committer.name=directory --conf spark.emr-serverless.executorEnv.A=b",
            &[
                ("spark.executor.memory", "3g"),
                ("spark.decommission.enabled", "false"),
                ("spark.ui.enabled", "false"),
                ("spark.ui.port", "4040"),
            ],
        )
        .unwrap();
        let conf = finished(&given, &Lists::default());
        let value = |key: &str| conf.properties.get(key).map(String::as_str);
        assert_eq!(value("spark.executor.memory"), Some("2g"));
        assert_eq!(value("spark.driver.memory"), Some("14G"));
        assert_eq!(value("spark.decommission.enabled"), Some("false"));
        assert_eq!(value("spark.ui.enabled"), Some("false"));
        assert_eq!(value("spark.ui.port"), Some("4041"), "where the control plane looks for it");
        assert_eq!(value("spark.hadoop.fs.s3a.committer.name"), Some("directory"));
        assert_eq!(value("spark.hadoop.fs.s3a.endpoint.region"), Some("eu-west-1"));
        assert_eq!(value("spark.master"), Some("k8s://http://127.0.0.1:7777"));
        assert_eq!(
            value("spark.storage.decommission.fallbackStorage.path"),
            Some("s3://b/tmp/run/fallback/")
        );
        assert_eq!(value("spark.app.name"), Some("hail"));
        assert_eq!(value("spark.executor.memoryOverheadFactor"), Some("0.1"));
        assert_eq!(value("spark.dynamicAllocation.maxExecutors"), Some("2147483647"));
        assert_eq!(value("spark.executorEnv.A"), Some("b"));
        assert_eq!(conf.heap_mib, 14_336);
    }

    #[test]
    fn what_is_said_of_hadoop_lies_over_our_defaults_and_under_sparks_own() {
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect::<Properties>()
        };
        let configuration = Configuration::from([
            (
                "core-site".to_owned(),
                pairs(&[("fs.s3a.committer.name", "directory"), ("fs.s3.impl", EMRFS_CLASS)]),
            ),
            ("emrfs-site".to_owned(), pairs(&[("fs.s3.maxConnections", "7"), ("fs.s3.consistent", "true")])),
        ]);
        let submit = parameters::parse(
            "--conf spark.hadoop.fs.s3.threadpool.size=3 --conf spark.hadoop.fs.s3.impl=com.amazon.ws.emr.hadoop.fs.EmrFileSystem",
        );
        let submit = submit.unwrap();
        let effective = effective(&configuration, &submit, None);
        let given = Given::new(&configuration, submit, effective);
        assert_eq!(given.meaningless, ["fs.s3.consistent"]);
        let conf = finished(&given, &Lists::default()).properties;
        assert_eq!(conf["spark.hadoop.fs.s3a.committer.name"], "directory");
        assert_eq!(conf["spark.hadoop.fs.s3a.connection.maximum"], "7");
        assert_eq!(conf["spark.hadoop.fs.s3a.threads.max"], "3");
        assert_eq!(conf.get("spark.hadoop.fs.s3.impl"), None);
    }

    #[test]
    fn staged_files_replace_the_lists_that_named_them() {
        let given = given("--jars s3://b/x.jar --archives s3://b/e.tgz#environment", &[]).unwrap();
        assert_eq!(lists("s3://b/a.py", &given.effective).archives, ["s3://b/e.tgz#environment"]);
        let staged = Lists { jars: vec!["/w/x.jar".into()], ..Lists::default() };
        let conf = finished(&given, &staged);
        assert_eq!(conf.properties["spark.jars"], "/w/x.jar");
        assert!(!conf.properties.contains_key("spark.files"));
    }

    #[test]
    fn what_the_service_owns_is_refused_in_the_classification_too() {
        let error = given("", &[("spark.master", "local")]).unwrap_err().to_string();
        assert!(error.starts_with("spark.master cannot be set"), "{error}");
    }

    #[test]
    fn properties_files_are_read() {
        let read = read_properties_file("# c\nspark.a 1\nspark.b=2 3\r\nspark.c: x\\\ny\n\n");
        assert_eq!(read, of([("spark.a", "1".into()), ("spark.b", "2 3".into()), ("spark.c", "xy".into())]));
    }
}
