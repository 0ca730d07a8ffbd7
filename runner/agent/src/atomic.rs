//! Files that are there whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes `bytes` to `path` through a neighbour and a rename; readable by the owner only.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let neighbour = path.with_extension("part");
    let mut file: File =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&neighbour)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    std::fs::rename(neighbour, path)
}
