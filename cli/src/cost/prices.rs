//! The table of prices: built in, or from a file that the user writes. It must not know what is priced.

use crate::folder::DataFolder;
use anyhow::{Context, ensure};
use serde::Deserialize;
use std::path::Path;

/// The table that is built in, as text to be changed.
pub const BUILT_IN: &str = include_str!("prices.toml");
/// The user's own in a data folder.
pub const FILE: &str = "prices.toml";

/// What an hour costs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Whose prices they are.
    pub name: String,
    /// In which currency, e.g. `USD`.
    pub currency: String,
    /// Applications of architecture X86_64.
    x86_64: Rates,
    /// Applications of architecture ARM64.
    arm64: Rates,
}

/// What an hour costs on one architecture.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// One vCPU.
    pub vcpu: f64,
    /// One GB of memory.
    pub memory_gb: f64,
    /// One GB of billed storage, whatever kind of disk it is: a run's bill does not tell them apart.
    pub storage_gb: f64,
}

/// The text of the table in force: the named file's, the data folder's, or the one that is built in.
pub fn text(named: Option<&Path>, folder: Option<&DataFolder>) -> anyhow::Result<String> {
    let read = |file: &Path| std::fs::read_to_string(file).with_context(|| format!("{}", file.display()));
    if let Some(file) = named {
        return read(file);
    }
    match folder.map(|folder| folder.path().join(FILE)).filter(|file| file.exists()) {
        Some(file) => read(&file),
        None => Ok(BUILT_IN.to_owned()),
    }
}

impl Prices {
    /// Reads a table.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let prices: Self = toml::from_str(text).context("the table of prices cannot be read")?;
        for rates in [prices.x86_64, prices.arm64] {
            let all = [rates.vcpu, rates.memory_gb, rates.storage_gb];
            ensure!(all.iter().all(|price| price.is_finite() && *price >= 0.0), "a price must be 0 or more");
        }
        Ok(prices)
    }

    /// Those of an architecture, as the API names it.
    pub fn of(&self, architecture: &str) -> Rates {
        if architecture.eq_ignore_ascii_case("ARM64") { self.arm64 } else { self.x86_64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_is_sound() {
        let prices = Prices::parse(BUILT_IN).unwrap();
        assert_eq!(prices.currency, "USD");
        assert_eq!(prices.of("X86_64").vcpu, 0.052624);
        let ratio = |of: fn(Rates) -> f64| of(prices.of("ARM64")) / of(prices.of("X86_64"));
        assert!((ratio(|rates| rates.vcpu) - 0.8).abs() < 1e-6);
        assert!((ratio(|rates| rates.memory_gb) - 0.8).abs() < 1e-6);
    }

    #[test]
    fn slips_are_said() {
        let table = [
            ("vcpu = 0.052624", "vcpu = -1.0", "0 or more"),
            ("vcpu = 0.052624", "vcpus = 1.0", "vcpus"),
            ("currency = \"USD\"", "", "currency"),
        ];
        for (from, to, said) in table {
            let error = format!("{:#}", Prices::parse(&BUILT_IN.replacen(from, to, 1)).unwrap_err());
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_named_file_comes_before_the_folders_and_that_before_the_built_in() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::choose(Some(parent.path().to_owned())).unwrap();
        assert_eq!(text(None, Some(&folder)).unwrap(), BUILT_IN);
        std::fs::write(parent.path().join(FILE), "folder").unwrap();
        assert_eq!(text(None, Some(&folder)).unwrap(), "folder");
        let named = parent.path().join("named.toml");
        assert!(text(Some(&named), Some(&folder)).is_err(), "a named file must exist");
        std::fs::write(&named, "named").unwrap();
        assert_eq!(text(Some(&named), Some(&folder)).unwrap(), "named");
    }
}
