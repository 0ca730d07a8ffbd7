//! TOML files of the data folder: an error names line and column and never repeats the text, which may hold secrets.

use anyhow::{Context, anyhow, bail};
use serde::de::DeserializeOwned;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Reads a text.
pub fn read<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let message = error.message();
        match error.span() {
            Some(span) => {
                let before = text.get(..span.start).unwrap_or(text);
                let (line, last) = (before.split('\n').count(), before.rsplit('\n').next().unwrap_or(before));
                anyhow!("line {line}, column {}: {message}", last.chars().count() + 1)
            }
            None => anyhow!("{message}"),
        }
    })
}

/// What stands in a file that only its owner can read; None if there is no such file.
pub fn read_secrets<T>(file: &Path, parse: impl Fn(&str) -> anyhow::Result<T>) -> anyhow::Result<Option<T>> {
    let described = || format!("{}", file.display());
    let about = match std::fs::metadata(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        about => about.with_context(described)?,
    };
    if about.permissions().mode() & 0o077 != 0 {
        bail!("{} holds secrets and others can read it: chmod 600 {}", file.display(), file.display());
    }
    parse(&std::fs::read_to_string(file).with_context(described)?).with_context(described).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_says_where_and_what_and_repeats_nothing() {
        let said = |text: &str| read::<BTreeMap<String, String>>(text).unwrap_err().to_string();
        let unquoted = said("a = \"é\"\nkey = 'not closed hush\n");
        assert!(unquoted.starts_with("line 2, column ") && !unquoted.contains("hush"), "{unquoted}");
        let twice = said("hush = \"1\"\nhush = \"s3cret\"");
        assert!(twice.starts_with("line 2, column 1: duplicate key") && !twice.contains("s3cret"), "{twice}");
        assert_eq!(read::<BTreeMap<String, String>>("a = 'b'").unwrap()["a"], "b");
    }
}
