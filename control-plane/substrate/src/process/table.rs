//! The processes of this machine as `/proc` shows them. It must not know workers.

use std::fs;
use std::path::{Path, PathBuf};

/// One process at the moment of the scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// Process id.
    pub(crate) pid: u32,
    /// Its parent's id.
    pub(crate) parent: u32,
    /// Its session: the id of the process that opened it.
    pub(crate) session: u32,
    /// Start, in clock ticks since boot: with the id it names a process for the life of a boot.
    pub(crate) started: u64,
    /// Dead, waiting for its parent to take note.
    pub(crate) zombie: bool,
}

/// Every process that can be seen now.
pub(crate) fn scan() -> std::io::Result<Vec<Process>> {
    let mut table = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|text| text.parse().ok());
        table.extend(pid.and_then(look));
    }
    table.sort_by_key(|process| process.pid);
    Ok(table)
}

/// One process as it is now, if it exists.
pub(crate) fn look(pid: u32) -> Option<Process> {
    parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Fields as in proc_pid_stat(5); the name in brackets may hold anything, so the rest is counted from its end.
fn parse(pid: u32, stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(Process {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
        zombie: matches!(*fields.first()?, "Z" | "X" | "x"),
    })
}

/// Random id of this boot.
pub(crate) fn boot_id() -> std::io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// True if the process was started with `name=value` in its environment. False where it cannot be read.
pub(crate) fn has_variable(pid: u32, name: &str, value: &Path) -> bool {
    let mut wanted = format!("{name}=").into_bytes();
    wanted.extend_from_slice(value.as_os_str().as_encoded_bytes());
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    environment.split(|byte| *byte == 0).any(|variable| variable == wanted)
}

/// The process's working directory, where it can be read.
pub(crate) fn directory(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let tail = "S 7 42 41 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 1 1";
        for name in ["sh", "a b", ") S 1 1 1", "((("] {
            let process = parse(42, &format!("42 ({name}) {tail}")).unwrap();
            let expected = Process { pid: 42, parent: 7, session: 41, started: 98_765, zombie: false };
            assert_eq!(process, expected, "{name}");
        }
        assert!(parse(42, &format!("42 (x) {}", tail.replacen('S', "Z", 1))).unwrap().zombie);
        assert_eq!(parse(42, "42 (x) S 7"), None);
        assert_eq!(parse(42, ""), None);
    }

    #[test]
    fn this_process_is_in_the_table() {
        let own = look(std::process::id()).unwrap();
        assert!(!own.zombie);
        assert!(scan().unwrap().contains(&own));
        assert_eq!(directory(own.pid).unwrap(), std::env::current_dir().unwrap());
        assert!(!has_variable(own.pid, "NO_SUCH_VARIABLE", Path::new("x")));
    }
}
