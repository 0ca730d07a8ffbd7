//! What this machine is called and what it can bear. It must not know workers.

use crate::HostFacts;
use firesteel_core::id::HostId;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

const MIB: u64 = 1024 * 1024;

/// The facts of this machine, as they bind this very process.
pub(crate) fn facts(root: &Path) -> io::Result<HostFacts> {
    let installed = installed_memory(&fs::read_to_string("/proc/meminfo")?)
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "/proc/meminfo does not say MemTotal"))?;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limit = limit_files(&groups).iter().filter_map(|file| read_limit(file)).min();
    Ok(HostFacts {
        id: host_id(root)?,
        cpus: u32::try_from(std::thread::available_parallelism()?.get()).unwrap_or(u32::MAX),
        memory_mib: installed.min(limit.unwrap_or(u64::MAX)) / MIB,
    })
}

/// The name in `<root>/host-id`, made at the first call from the machine's id and the root: the same folder on the
/// same machine gets the same name again even if the file is lost.
fn host_id(root: &Path) -> io::Result<HostId> {
    let file = root.join("host-id");
    if let Ok(text) = fs::read_to_string(&file)
        && !text.trim().is_empty()
    {
        return Ok(HostId::new(text.trim()));
    }
    let id = derived_id(root)?;
    let new = root.join(".host-id.new");
    fs::File::create(&new)?.write_all(id.as_bytes())?;
    fs::rename(new, file)?;
    Ok(HostId::new(id))
}

fn derived_id(root: &Path) -> io::Result<String> {
    let machine = fs::read_to_string("/etc/machine-id").ok().filter(|text| !text.trim().is_empty());
    let machine = match machine {
        Some(text) => text,
        None => fs::read_to_string("/proc/sys/kernel/random/uuid")?,
    };
    let mut digest = Sha256::new();
    digest.update(machine.trim().as_bytes());
    digest.update([0]);
    digest.update(root.as_os_str().as_encoded_bytes());
    Ok(format!("host-{}", hex::encode(&digest.finalize()[..8])))
}

/// `MemTotal` of /proc/meminfo (which counts in KiB), in bytes.
fn installed_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_ascii_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The files that may limit this process's memory: of its control group and all above it, in both versions.
fn limit_files(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let (mounts, file): (&[&str], _) = if number == "0" && controllers.is_empty() {
            (&["/sys/fs/cgroup", "/sys/fs/cgroup/unified"], "memory.max")
        } else if controllers.split(',').any(|controller| controller == "memory") {
            (&["/sys/fs/cgroup/memory"], "memory.limit_in_bytes")
        } else {
            continue;
        };
        for (mount, above) in mounts.iter().flat_map(|m| Path::new(path).ancestors().map(move |a| (m, a))) {
            files.push(Path::new(mount).join(above.strip_prefix("/").unwrap_or(above)).join(file));
        }
    }
    files
}

fn read_limit(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installed_memory_is_read_in_kib() {
        let text = "MemFree:  1 kB\nMemTotal:       24685432 kB\nBuffers: 2 kB\n";
        assert_eq!(installed_memory(text), Some(24_685_432 * 1024));
        assert_eq!(installed_memory("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn limits_are_looked_for_all_the_way_up() {
        let files = limit_files("4:memory:/a/b\n3:cpuset:/a\n0::/c\n");
        let expected = [
            "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/c/memory.max",
            "/sys/fs/cgroup/memory.max",
            "/sys/fs/cgroup/unified/c/memory.max",
            "/sys/fs/cgroup/unified/memory.max",
        ];
        assert_eq!(files, expected.map(PathBuf::from));
    }

    #[test]
    fn a_limit_is_a_number_of_bytes_or_none() {
        let folder = tempfile::tempdir().unwrap();
        for (text, expected) in [("1048576\n", Some(1_048_576)), ("max\n", None), ("", None)] {
            fs::write(folder.path().join("limit"), text).unwrap();
            assert_eq!(read_limit(&folder.path().join("limit")), expected, "{text:?}");
        }
        assert_eq!(read_limit(&folder.path().join("missing")), None);
    }

    #[test]
    fn the_host_keeps_its_name_and_another_root_is_another_host() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = facts(one.path()).unwrap();
        assert_eq!(first, facts(one.path()).unwrap());
        assert_ne!(first.id, facts(two.path()).unwrap().id);
        assert!(first.cpus >= 1 && first.memory_mib >= 1);
        fs::write(two.path().join("host-id"), "given\n").unwrap();
        assert_eq!(facts(two.path()).unwrap().id, HostId::new("given"));
    }
}
