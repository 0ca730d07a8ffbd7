//! What the job may not read: the control plane's folder, by Landlock where the kernel has it.
//!
//! Landlock only allows. So everything is allowed but the forbidden folder: each neighbour on the way from `/` down
//! to it, and the worker's own folders, which may lie in it.

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus,
};
use std::path::{Path, PathBuf};

/// Rules that are ready to be put on one process.
pub struct Confinement(RulesetCreated);

impl Confinement {
    /// Rules under which nothing of `forbidden` can be read or changed but what is below one of `allowed`.
    pub fn new(forbidden: &Path, allowed: &[&Path]) -> Result<Self, RulesetError> {
        let forbidden = forbidden.canonicalize().unwrap_or_else(|_| forbidden.to_owned());
        let access = AccessFs::from_all(ABI::V5);
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(access)?
            .create()?
            .no_new_privs(true);
        for path in neighbours(&forbidden).iter().map(PathBuf::as_path).chain(allowed.iter().copied()) {
            // What is gone meanwhile, or cannot be opened by this user, needs no rule.
            let Ok(opened) = PathFd::new(path) else { continue };
            let folder = path.is_dir();
            let granted = if folder { access } else { access & AccessFs::from_file(ABI::V5) };
            rules = rules.add_rule(PathBeneath::new(opened, granted))?;
        }
        Ok(Self(rules))
    }

    /// Puts the rules on the calling thread; true if the kernel enforces them. Makes system calls only.
    pub fn enforce(self) -> Result<bool, RulesetError> {
        let status = self.0.restrict_self()?;
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

/// Everything beside the way from `/` down to `path`.
fn neighbours(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut below = path;
    while let Some(parent) = below.parent() {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        found.extend(entries.map(|entry| entry.path()).filter(|entry| entry != below));
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
        let found = neighbours(&root.join("a/secret"));
        assert!(found.contains(&root.join("a/other")) && found.contains(&root.join("b")));
        assert!(!found.iter().any(|path| root.join("a/secret").starts_with(path)), "{found:?}");
        assert!(found.contains(&PathBuf::from("/proc")));
    }
}
