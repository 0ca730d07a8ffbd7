//! Command lines of JVMs, without a shell and without Spark's launcher.

use crate::runtime::Installed;
use firesteel_core::spark::Properties;
use std::collections::BTreeMap;
use std::path::Path;

/// A process to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Program, then its arguments.
    pub line: Vec<String>,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
}

/// A heap as it is given, and as it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heap {
    /// Asked, MiB.
    pub asked_mib: u64,
    /// Given, MiB.
    pub given_mib: u64,
}

/// Where heaps begin, MiB: small, so that sizes that nobody fills cost nothing.
const FIRST_MIB: u64 = 128;

impl Heap {
    /// As much as was asked, but no more than the host gives.
    pub fn new(asked_mib: u64, host_mib: u64) -> Self {
        Self { asked_mib, given_mib: asked_mib.min(host_mib.max(FIRST_MIB)) }
    }

    /// A line for the user, if the heap was cut.
    pub fn note(self) -> Option<String> {
        let Self { asked_mib, given_mib } = self;
        (given_mib < asked_mib).then(|| {
            format!("the heap is {given_mib} MiB: asked {asked_mib} MiB, this host gives {given_mib} MiB")
        })
    }

    /// `-Xms`, MiB.
    pub fn first_mib(self) -> u64 {
        FIRST_MIB.min(self.given_mib)
    }

    fn options(self) -> [String; 2] {
        [format!("-Xms{}m", self.first_mib()), format!("-Xmx{}m", self.given_mib)]
    }
}

/// The driver: `SparkSubmit` itself, with `primary` (script or jar) and its arguments.
pub fn driver(
    runtime: &Installed,
    conf: &Path,
    scratch: &Path,
    properties: &Properties,
    heap: Heap,
    submit: &[String],
) -> Result<Vec<String>, String> {
    let extra = |key: &str| properties.get(key).map(String::as_str).unwrap_or_default();
    let mut line = vec![runtime.java.to_string_lossy().into_owned()];
    line.extend(runtime.driver_options.iter().cloned());
    line.extend(heap.options());
    line.extend(common_options(conf, scratch));
    for key in ["spark.driver.defaultJavaOptions", "spark.driver.extraJavaOptions"] {
        line.extend(shell_words::split(extra(key)).map_err(|error| format!("{key}: {error}"))?);
    }
    let class_path = [extra("spark.driver.extraClassPath"), &runtime.jars(), &conf.to_string_lossy()]
        .into_iter()
        .filter(|entry| !entry.is_empty())
        .collect::<Vec<_>>()
        .join(":");
    line.extend(["-cp".to_owned(), class_path, "org.apache.spark.deploy.SparkSubmit".to_owned()]);
    line.extend([
        "--properties-file".to_owned(),
        conf.join("spark-defaults.conf").to_string_lossy().into_owned(),
    ]);
    line.extend(submit.iter().cloned());
    Ok(line)
}

/// Options of an executor's JVM that come before Spark's own.
pub fn executor_options(runtime: &Installed, conf: &Path, scratch: &Path) -> Vec<String> {
    runtime.executor_options.iter().cloned().chain(common_options(conf, scratch)).collect()
}

fn common_options(conf: &Path, scratch: &Path) -> [String; 3] {
    [
        "-XX:-UsePerfData".to_owned(),
        format!("-Djava.io.tmpdir={}", scratch.display()),
        format!("-Dlog4j2.configurationFile=file:{}", conf.join("log4j2.properties").display()),
    ]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn runtime() -> Installed {
        Installed {
            spark_home: "/r/spark".into(),
            spark_version: "3.5.6".into(),
            python: "/r/python/bin/python3".into(),
            java_home: "/jdk".into(),
            java: "/jdk/bin/java".into(),
            defaults: BTreeMap::new(),
            driver_options: vec!["-XX:SharedArchiveFile=/r/driver.jsa".into()],
            executor_options: Vec::new(),
        }
    }

    fn line(pairs: &[(&str, &str)], submit: &[&str]) -> Result<Vec<String>, String> {
        let properties = pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        let submit: Vec<String> = submit.iter().map(|word| word.to_string()).collect();
        driver(
            &runtime(),
            Path::new("/w/conf"),
            Path::new("/w/tmp"),
            &properties,
            Heap::new(14_336, 3_072),
            &submit,
        )
    }

    #[test]
    fn the_jars_come_before_the_configuration_folder() {
        let line = line(&[], &["/w/main.py", "a b"]).unwrap();
        let at = |word: &str| line.iter().position(|found| found == word).unwrap();
        assert_eq!(line[at("-cp") + 1], "/r/spark/jars/*:/w/conf");
        assert!(line.contains(&"-Xmx3072m".to_owned()) && line.contains(&"-Xms128m".to_owned()));
        assert_eq!(line[line.len() - 2..], ["/w/main.py", "a b"]);
        assert!(at("-XX:SharedArchiveFile=/r/driver.jsa") < at("-cp"));
    }

    #[test]
    fn the_users_options_and_class_path_are_heeded() {
        let pairs = [
            ("spark.driver.extraClassPath", "./x.jar"),
            ("spark.driver.extraJavaOptions", "-Da='b c' -XX:+UseSerialGC"),
        ];
        let found = line(&pairs, &[]).unwrap();
        assert!(found.contains(&"./x.jar:/r/spark/jars/*:/w/conf".to_owned()));
        assert!(found.contains(&"-Da=b c".to_owned()));
        assert!(line(&[("spark.driver.extraJavaOptions", "-Da='b")], &[]).is_err());
    }

    #[test]
    fn a_heap_that_was_cut_says_so() {
        assert_eq!(Heap::new(1_024, 3_072).note(), None);
        let note = Heap::new(14_336, 3_072).note().unwrap();
        assert_eq!(note, "the heap is 3072 MiB: asked 14336 MiB, this host gives 3072 MiB");
    }
}
