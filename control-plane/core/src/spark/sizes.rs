//! How large a run's workers are and how many it may want, from its effective configuration.
//!
//! Source: EMR user guide, app-behavior (sizes, overhead) and jobs-spark (defaults, executor target); Spark's
//! `Utils.getDynamicAllocationInitialExecutors`.

use super::Properties;
use super::memory::{self, SizeText};
use crate::job_run::{Needs, ShuffleDisks};
use crate::size::{self, Size, SizeError};

/// What a run's workers are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSizes {
    /// What is admitted; an executor's heap and size are those of the default profile.
    pub needs: Needs,
    /// Executors that Spark asks for at its start.
    pub initial_executors: u32,
    /// The most that it may ever want; none if there is no limit.
    pub max_executors: Option<u32>,
}

/// Why no sizes follow from a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizesError {
    /// A property is not a whole number.
    #[error("{key}: {value:?} is not a whole number")]
    Number {
        /// The property.
        key: String,
        /// Its value.
        value: String,
    },
    /// A property is not a factor.
    #[error("{key}: {value:?} is not a factor between 0 and 100")]
    Factor {
        /// The property.
        key: String,
        /// Its value.
        value: String,
    },
    /// A property is not a size.
    #[error("{key}: {source}")]
    Text {
        /// The property.
        key: String,
        /// What is wrong.
        source: SizeText,
    },
    /// No worker has this size.
    #[error("{role}: {source}")]
    Size {
        /// `driver` or `executor`.
        role: &'static str,
        /// What is wrong.
        source: SizeError,
    },
}

/// The sizes that `conf` (see `precedence::effective`) asks for.
pub fn sizes(conf: &Properties) -> Result<RunSizes, SizesError> {
    let (driver, driver_heap_mib) = worker(conf, "driver", 0)?;
    let (executor, executor_heap_mib) = worker(conf, "executor", beside_the_heap_mib(conf)?)?;
    let (initial_executors, max_executors) = executors(conf)?;
    let wants_executors = initial_executors > 0 || max_executors != Some(0);
    let shuffle_disks = ShuffleDisks {
        driver: has_shuffle_disk(conf, "driver"),
        executors: has_shuffle_disk(conf, "executor"),
    };
    let needs =
        Needs { driver, driver_heap_mib, executor, executor_heap_mib, wants_executors, shuffle_disks };
    Ok(RunSizes { needs, initial_executors, max_executors })
}

/// Memory overhead of a `driver` or `executor` with this heap, MiB.
pub fn overhead_mib(conf: &Properties, role: &str, heap_mib: u64) -> Result<u64, SizesError> {
    if let Some(fixed) = size_text(conf, &format!("spark.{role}.memoryOverhead"), memory::mib)? {
        return Ok(fixed);
    }
    Ok(size::overhead_mib(heap_mib, overhead_factor(conf, role)?))
}

/// The factor by which the overhead of a `driver` or `executor` follows from its heap.
pub fn overhead_factor(conf: &Properties, role: &str) -> Result<f64, SizesError> {
    let own = format!("spark.{role}.memoryOverheadFactor");
    let shared = "spark.emr-serverless.memoryOverheadFactor".to_owned();
    for key in [own, shared] {
        if let Some(value) = conf.get(&key) {
            let factor = value.trim().parse::<f64>().ok().filter(|factor| (0.0..=100.0).contains(factor));
            return factor.ok_or_else(|| SizesError::Factor { key, value: value.clone() });
        }
    }
    Ok(0.1)
}

fn worker(conf: &Properties, role: &'static str, beside_mib: u64) -> Result<(Size, u64), SizesError> {
    let cores = number(conf, &format!("spark.{role}.cores"))?.unwrap_or(4);
    let heap = size_text(conf, &format!("spark.{role}.memory"), memory::mib)?.unwrap_or(14 * 1024);
    let disk = size_text(conf, &format!("spark.emr-serverless.{role}.disk"), memory::gb)?;
    let memory = heap.saturating_add(overhead_mib(conf, role, heap)?).saturating_add(beside_mib);
    let size = size::check_disk(disk.unwrap_or(size::DEFAULT_DISK), has_shuffle_disk(conf, role))
        .and_then(|disk| size::worker_for(cores, memory, disk))
        .map_err(|source| SizesError::Size { role, source })?;
    Ok((size, heap))
}

fn has_shuffle_disk(conf: &Properties, role: &str) -> bool {
    let kind = conf.get(&format!("spark.emr-serverless.{role}.disk.type"));
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("shuffle_optimized"))
}

fn beside_the_heap_mib(conf: &Properties) -> Result<u64, SizesError> {
    let python = size_text(conf, "spark.executor.pyspark.memory", memory::mib)?.unwrap_or(0);
    let off_heap = if is_true(conf, "spark.memory.offHeap.enabled") {
        let bytes =
            |text: &str| memory::mib(&if ends_in_digit(text) { format!("{text}b") } else { text.to_owned() });
        size_text(conf, "spark.memory.offHeap.size", bytes)?.unwrap_or(0)
    } else {
        0
    };
    Ok(python + off_heap)
}

fn ends_in_digit(text: &str) -> bool {
    text.trim_end().ends_with(|letter: char| letter.is_ascii_digit())
}

fn executors(conf: &Properties) -> Result<(u32, Option<u32>), SizesError> {
    let instances = number(conf, "spark.executor.instances")?;
    if !is_true(conf, "spark.dynamicAllocation.enabled") {
        let instances = instances.unwrap_or(2);
        return Ok((instances, Some(instances)));
    }
    let least = number(conf, "spark.dynamicAllocation.minExecutors")?.unwrap_or(0);
    let first = number(conf, "spark.dynamicAllocation.initialExecutors")?.unwrap_or(0);
    let most = match conf.get("spark.dynamicAllocation.maxExecutors").map(|value| value.trim()) {
        None | Some("infinity") => None,
        Some(_) => {
            number(conf, "spark.dynamicAllocation.maxExecutors")?.filter(|most| *most < i32::MAX as u32)
        }
    };
    let initial = least.max(first).max(instances.unwrap_or(0));
    Ok((most.map_or(initial, |most| initial.min(most)), most))
}

fn is_true(conf: &Properties, key: &str) -> bool {
    conf.get(key).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
}

fn number(conf: &Properties, key: &str) -> Result<Option<u32>, SizesError> {
    let parse = |value: &String| {
        value.trim().parse().map_err(|_| SizesError::Number { key: key.to_owned(), value: value.clone() })
    };
    conf.get(key).map(parse).transpose()
}

fn size_text<T>(
    conf: &Properties,
    key: &str,
    read: impl Fn(&str) -> Result<T, SizeText>,
) -> Result<Option<T>, SizesError> {
    conf.get(key)
        .map(|value| read(value).map_err(|source| SizesError::Text { key: key.to_owned(), source }))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spark::Configuration;
    use crate::spark::parameters::parse;
    use crate::spark::precedence::effective;

    fn of(parameters: &str) -> Result<RunSizes, SizesError> {
        sizes(&effective(&Configuration::new(), &parse(parameters).unwrap(), None))
    }

    #[test]
    fn emrs_defaults() {
        let size = Size { cpu: 4, memory: 16, disk: 20 };
        let needs = Needs {
            driver: size,
            driver_heap_mib: 14_336,
            executor: size,
            executor_heap_mib: 14_336,
            wants_executors: true,
            shuffle_disks: ShuffleDisks::default(),
        };
        assert_eq!(of(""), Ok(RunSizes { needs, initial_executors: 3, max_executors: None }));
    }

    #[test]
    fn cores_memory_overhead_and_disk() {
        let run = of("--driver-cores 1 --driver-memory 4g --executor-cores 2 --executor-memory 4G
            --conf spark.emr-serverless.executor.disk=50G --conf spark.executor.memoryOverhead=3g")
        .unwrap();
        assert_eq!(run.needs.driver, Size { cpu: 1, memory: 5, disk: 20 });
        assert_eq!(run.needs.executor, Size { cpu: 2, memory: 7, disk: 50 });
        let run = of("--executor-cores 1 --executor-memory 2g --conf spark.executor.memoryOverheadFactor=0.5
            --conf spark.executor.pyspark.memory=1g --conf spark.memory.offHeap.enabled=true
            --conf spark.memory.offHeap.size=1073741824")
        .unwrap();
        assert_eq!((run.needs.executor.memory, run.needs.executor_heap_mib), (5, 2_048));
    }

    #[test]
    fn how_many_executors() {
        let table = [
            ("--conf spark.dynamicAllocation.enabled=false", 3, Some(3), true),
            ("--conf spark.dynamicAllocation.enabled=false --num-executors 0", 0, Some(0), false),
            ("--conf spark.dynamicAllocation.initialExecutors=1", 3, None, true),
            ("--num-executors 1 --conf spark.dynamicAllocation.initialExecutors=0", 1, None, true),
            ("--num-executors 0 --conf spark.dynamicAllocation.initialExecutors=0", 0, None, true),
            ("--conf spark.dynamicAllocation.maxExecutors=2", 2, Some(2), true),
            ("--conf spark.dynamicAllocation.maxExecutors=2147483647", 3, None, true),
        ];
        for (text, initial, most, may) in table {
            let run = of(text).unwrap();
            assert_eq!(
                (run.initial_executors, run.max_executors, run.needs.wants_executors),
                (initial, most, may),
                "{text}"
            );
        }
    }

    #[test]
    fn errors_name_the_property() {
        let table = [
            ("--driver-memory 1.5g", "spark.driver.memory: \"1.5g\" is not a size"),
            ("--executor-cores two", "spark.executor.cores: \"two\" is not a whole number"),
            (
                "--executor-memory 60g",
                "executor: 66 GB of memory (overhead included) is out of range for 4 vCPU",
            ),
            ("--conf spark.emr-serverless.driver.disk=500G", "driver: 500 GB of disk is out of range"),
            (
                "--conf spark.emr-serverless.memoryOverheadFactor=x",
                "spark.emr-serverless.memoryOverheadFactor: \"x\"",
            ),
        ];
        for (text, message) in table {
            let error = of(text).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn disks_are_shuffle_optimised_each_for_itself() {
        let table = [
            (
                "--conf spark.emr-serverless.driver.disk=500G --conf spark.emr-serverless.driver.disk.type=shuffle_optimized",
                true,
                false,
            ),
            ("--conf spark.emr-serverless.executor.disk.type=SHUFFLE_OPTIMIZED", false, true),
            ("--conf spark.emr-serverless.executor.disk.type=STANDARD", false, false),
        ];
        for (text, driver, executors) in table {
            assert_eq!(of(text).unwrap().needs.shuffle_disks, ShuffleDisks { driver, executors }, "{text}");
        }
    }
}
