//! What a runner and its job may not reach: the control plane's folder, and for the job processes that are not its own,
//! by Landlock where the kernel has it.
//!
//! Landlock only allows. So everything is allowed but the forbidden folder: each neighbour on the way from `/` down
//! to it, and the worker's own folders, which may lie in it. The runner is confined, too: it opens what a job names
//! (archives, files, volumes of its executors), and no name may lead it where the job itself may not go.

use crate::errand::Folders;
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags,
};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Rules that are ready to be put on one process.
pub struct Confinement {
    rules: RulesetCreated,
    job: bool,
}

/// What a container's root may do, and a job's with it: of the kernel's capabilities (capabilities(7), by number) chown,
/// dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, audit_write, setfcap.
const KEPT: [u32; 13] = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 29, 31];
/// More capabilities than any kernel has.
const CAPABILITIES: u32 = 64;

/// What stands beside the way to the forbidden folder, for a process that was confined and cannot look any more.
static BESIDE: OnceLock<Vec<PathBuf>> = OnceLock::new();

/// What may be done in a folder.
#[derive(Clone, Copy)]
enum Reach {
    All,
    Read,
    /// Its files may be read and written; none is made, removed or put in another's place.
    Fill,
}

impl Reach {
    fn access(self) -> BitFlags<AccessFs> {
        match self {
            Self::All => AccessFs::from_all(ABI::V5),
            Self::Read => AccessFs::from_read(ABI::V5),
            Self::Fill => make_bitflags!(AccessFs::{ReadFile | ReadDir | WriteFile | Truncate}),
        }
    }
}

impl Confinement {
    /// Puts a runner's rules on this process, which must not have a second thread yet: rules hold for the thread that
    /// takes them and for those that it starts.
    pub fn of_this_process(forbidden: &Path, allowed: &[&Path]) -> Result<bool, RulesetError> {
        BESIDE.get_or_init(|| neighbours(&canonical(forbidden)));
        Self::new(forbidden, allowed)?.enforce()
    }

    /// A runner's: nothing of `forbidden` can be read or changed but what is below one of `allowed`.
    pub fn new(forbidden: &Path, allowed: &[&Path]) -> Result<Self, RulesetError> {
        let allowed: Vec<_> = allowed.iter().map(|path| (*path, Reach::All)).collect();
        let rules = everything_but(forbidden, &allowed, Ruleset::default())?;
        Ok(Self { rules, job: false })
    }

    /// A job's: of the worker's folders those that are the job's. The logs are followed by name, by whoever may read
    /// more than the job: so the job may only write into them. No signal reaches beyond the job.
    pub fn of_job(forbidden: &Path, own: &Folders, runtimes: &Path) -> Result<Self, RulesetError> {
        let (work, local, tmp, events) = (own.work(), own.local(), own.tmp(), own.event_logs());
        let (conf, logs) = (own.conf(), own.logs());
        let whole = [work.as_path(), &local, &tmp, &events, runtimes].map(|path| (path, Reach::All));
        let parts = [(conf.as_path(), Reach::Read), (logs.as_path(), Reach::Fill)];
        let scoped =
            Ruleset::default().set_compatibility(CompatLevel::BestEffort).scope(Scope::from_all(ABI::V6))?;
        let rules = everything_but(forbidden, &[whole.as_slice(), &parts].concat(), scoped)?;
        Ok(Self { rules, job: true })
    }

    /// Puts the rules on the calling thread; true if the kernel enforces them. Makes system calls only.
    pub fn enforce(self) -> Result<bool, RulesetError> {
        if self.job {
            drop_capabilities();
        }
        let status = self.rules.restrict_self()?;
        Ok(status.ruleset != RulesetStatus::NotEnforced)
    }

    /// True if this kernel has Landlock switched on.
    pub fn is_supported() -> bool {
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(ABI::V1))
            .and_then(|ruleset| ruleset.create())
            .is_ok()
    }
}

fn everything_but(
    forbidden: &Path,
    allowed: &[(&Path, Reach)],
    rules: Ruleset,
) -> Result<RulesetCreated, RulesetError> {
    let forbidden = canonical(forbidden);
    let access = AccessFs::from_all(ABI::V5);
    let rules = rules.set_compatibility(CompatLevel::BestEffort).handle_access(access)?;
    let mut rules = rules.create()?.no_new_privs(true);
    let beside = BESIDE.get().cloned().unwrap_or_else(|| neighbours(&forbidden));
    let beside = beside.iter().map(|path| (path.as_path(), Reach::All));
    for (path, reach) in beside.chain(allowed.iter().copied()) {
        // What is gone meanwhile, or cannot be opened by this user, needs no rule.
        let Ok(opened) = PathFd::new(path) else { continue };
        let access = reach.access();
        let granted = if path.is_dir() { access } else { access & AccessFs::from_file(ABI::V5) };
        rules = rules.add_rule(PathBeneath::new(opened, granted))?;
    }
    Ok(rules)
}

/// Where `up` runs as root: a job has no business in other processes' memory, on raw disks or with mounts.
#[allow(unsafe_code)]
fn drop_capabilities() {
    for capability in (0..CAPABILITIES).filter(|capability| !KEPT.contains(capability)) {
        // Refused to whoever has no capabilities to lose, and for those that this kernel does not know.
        // SAFETY: PR_CAPBSET_DROP reads and writes no memory of this process.
        unsafe {
            nix::libc::prctl(nix::libc::PR_CAPBSET_DROP, nix::libc::c_ulong::from(capability), 0, 0, 0)
        };
    }
}

/// True if this kernel keeps a job's signals to itself.
#[cfg(test)]
fn keeps_signals() -> bool {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .scope(Scope::Signal)
        .and_then(|ruleset| ruleset.create())
        .is_ok()
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Everything beside the way from `/` down to `path`, but symlinks: one may lead to the forbidden folder or above it, and
/// what the others lead to stands beside the way itself.
fn neighbours(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut below = path;
    while let Some(parent) = below.parent() {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        let real = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()));
        found.extend(real.map(|entry| entry.path()).filter(|entry| entry != below));
        below = parent;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_leave_out_only_the_way_down() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["a/secret/inner", "a/other", "b"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        for (link, to) in [("to-a", "a"), ("to-inner", "a/secret/inner"), ("to-b", "b")] {
            std::os::unix::fs::symlink(root.join(to), root.join(link)).unwrap();
        }
        let found = neighbours(&root.join("a/secret"));
        assert!(!found.iter().any(|path| path.is_symlink()), "{found:?}");
        assert!(found.contains(&root.join("a/other")) && found.contains(&root.join("b")));
        assert!(!found.iter().any(|path| root.join("a/secret").starts_with(path)), "{found:?}");
        assert!(found.contains(&PathBuf::from("/proc")));
    }

    #[allow(unsafe_code)]
    fn confined(script: &str, rules: Confinement) -> String {
        use std::os::unix::process::CommandExt;
        let mut rules = Some(rules);
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", script]).stderr(std::process::Stdio::null());
        let enforce = move || match rules.take().map(Confinement::enforce) {
            Some(Ok(_)) => Ok(()),
            _ => Err(std::io::Error::other("not enforced")),
        };
        // SAFETY: system calls only, as in `spawn`.
        unsafe { shell.pre_exec(enforce) };
        String::from_utf8(shell.output().unwrap().stdout).unwrap()
    }

    #[test]
    fn a_link_beside_it_opens_no_forbidden_folder() {
        if !Confinement::is_supported() {
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let secret = root.join("a/secret");
        std::fs::create_dir_all(&secret).unwrap();
        std::fs::write(secret.join("keys"), "hush").unwrap();
        std::os::unix::fs::symlink(root.join("a"), root.join("current")).unwrap();
        let script = format!("cat {0}/a/secret/keys; cat {0}/current/secret/keys; echo end", root.display());
        assert_eq!(confined(&script, Confinement::new(&secret, &[]).unwrap()), "end\n");
    }

    /// Who follows the logs, and who reads `exit.json`, may read more than the job.
    #[test]
    fn a_job_puts_nothing_in_the_place_of_its_logs() {
        if !Confinement::is_supported() {
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let own = Folders::make(&root.path().join("w")).unwrap();
        std::fs::write(own.stdout(), "").unwrap();
        std::fs::write(own.root().join("worker.json"), "{}").unwrap();
        std::fs::write(own.conf().join("a"), "conf").unwrap();
        let script = format!(
            "cd {}; mv logs/stdout logs/was; rm -f logs/stdout; ln -s /etc/passwd logs/stderr; ln -s /etc/passwd exit.json
             echo x > worker.json; rm worker.json; ls .; mv logs work/; mv eventlogs e; echo x > conf/a; echo said >> logs/stdout; cat conf/a
             for folder in work local tmp eventlogs; do echo $folder > $folder/f; cat $folder/f; done",
            own.root().display()
        );
        let rules = Confinement::of_job(root.path(), &own, Path::new("none")).unwrap();
        assert_eq!(confined(&script, rules), "confwork\nlocal\ntmp\neventlogs\n");
        assert_eq!(std::fs::read_to_string(own.stdout()).unwrap(), "said\n");
        assert!(!own.stderr().is_symlink() && !own.exit().is_symlink());
        assert_eq!(std::fs::read_to_string(own.root().join("worker.json")).unwrap(), "{}");
    }

    #[test]
    fn a_jobs_signals_reach_nobody_else() {
        if !keeps_signals() {
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let own = Folders::make(&root.path().join("w")).unwrap();
        let rules = Confinement::of_job(root.path(), &own, Path::new("none")).unwrap();
        let me = std::process::id();
        let script = format!("kill -0 {me} || echo spared; sleep 60 & kill $! && echo its own");
        assert_eq!(confined(&script, rules), "spared\nits own\n");
    }

    #[test]
    fn a_job_of_root_reads_no_environment_but_its_own() {
        let root = tempfile::tempdir().unwrap();
        let own = Folders::make(&root.path().join("w")).unwrap();
        let rules = Confinement::of_job(root.path(), &own, Path::new("none")).unwrap();
        let script = format!(
            "cat /proc/{}/environ && echo read; cat /proc/$$/environ > /dev/null && echo its own",
            std::process::id()
        );
        if Confinement::is_supported() {
            assert_eq!(confined(&script, rules), "its own\n");
        }
    }
}
