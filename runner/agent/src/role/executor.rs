//! An executor: the launch that the driver's runner sent, on this machine.

use super::Prepared;
use super::wanted::arrived;
use crate::conf::write_executor_folder;
use crate::errand::Folders;
use crate::jvm::{Command, Heap, Place, base, executor_options};
use crate::life::Ending;
use crate::life::work::Bench;
use firesteel_pods::{Launch, Machine, Mount};
use firesteel_protocol::{ExecutorAssignment, ExitCode, transport};
use std::io;

const MIB: u64 = 1 << 20;

/// Makes the executor's folders and its command.
pub(super) fn prepare(assignment: &ExecutorAssignment, bench: &Bench<'_>) -> Result<Prepared, Ending> {
    let (launch, log4j2) = arrived(&assignment.launch, &assignment.own).map_err(|error| {
        Ending::failed(ExitCode::RUNNER, format!("the launch is not understood: {error}"))
    })?;
    let folders = bench.folders;
    make_volumes(&launch, folders)
        .and_then(|()| write_executor_folder(&folders.conf(), &log4j2))
        .map_err(|error| disk_or(ExitCode::RUNNER, error))?;
    let heap = Heap::new(launch.shared.heap_bytes.div_ceil(MIB), assignment.common.heap_mib);
    let machine = machine(assignment, bench, heap);
    let command = Command {
        line: firesteel_pods::command(&launch, &machine),
        env: firesteel_pods::env(&launch, &machine),
    };
    Ok(Prepared { command, heap, executors: None })
}

/// A full disk has a code of its own.
pub(super) fn disk_or(code: ExitCode, error: io::Error) -> Ending {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    Ending::failed(if full { ExitCode::DISK_FULL } else { code }, error)
}

fn machine(assignment: &ExecutorAssignment, bench: &Bench<'_>, heap: Heap) -> Machine {
    let (folders, runtime, errand) = (bench.folders, bench.runtime, bench.errand);
    let place = Place {
        worker: errand.worker.as_str(),
        address: &errand.address,
        folders,
        runtime,
        credentials: bench.credentials,
    };
    Machine {
        java: runtime.java.to_string_lossy().into_owned(),
        class_path: vec![runtime.jars()],
        conf_dir: Some(folders.conf().to_string_lossy().into_owned()),
        heap: firesteel_pods::Heap { min_bytes: heap.first_mib() * MIB, max_bytes: heap.given_mib * MIB },
        ip: errand.address.clone(),
        node_name: errand.host.to_string(),
        volumes_dir: folders.local().to_string_lossy().into_owned(),
        java_options: executor_options(runtime, &folders.conf(), &folders.tmp()),
        env: base(&place, &assignment.common).into_iter().chain(log_links(assignment)).collect(),
    }
}

/// What Spark's UIs link to from an executor's line (`CoarseGrainedExecutorBackend.extractLogUrls`).
fn log_links(assignment: &ExecutorAssignment) -> Vec<(String, String)> {
    let common = &assignment.common;
    if common.logs.is_none() {
        return Vec::new();
    }
    let dashboard = transport::dashboard(&common.job_run, common.attempt);
    let link = |stream: &str| {
        let target = format!("{dashboard}/logs/SPARK_EXECUTOR/{}/{stream}.gz", assignment.ordinal);
        (format!("SPARK_LOG_URL_{}", stream.to_uppercase()), target)
    };
    ["stdout", "stderr"].map(link).into()
}

fn make_volumes(launch: &Launch, folders: &Folders) -> io::Result<()> {
    for (name, mount) in &launch.shared.mounts {
        let folder = folders.local().join(one_name(name)?);
        match mount {
            Mount::Host(_) => {}
            Mount::Scratch => std::fs::create_dir_all(folder)?,
            Mount::Files(files) => {
                std::fs::create_dir_all(&folder)?;
                for (file, content) in files {
                    std::fs::write(folder.join(one_name(file)?), content)?;
                }
            }
        }
    }
    Ok(())
}

/// The job says what its volumes and their files are called: one name each, and no way to anywhere.
fn one_name(name: &str) -> io::Result<&str> {
    let plain = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
    plain.then_some(name).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} is no name for a volume or its file"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_volumes_lead_nowhere() {
        for name in ["", ".", "..", "../x", "/x", "a/b", "a\0b"] {
            assert!(one_name(name).is_err(), "{name:?}");
        }
        for name in ["spark-local-dir-1", "..data", "log4j2.properties"] {
            assert_eq!(one_name(name).unwrap(), name);
        }
    }
}
