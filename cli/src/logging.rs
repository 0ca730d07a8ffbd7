//! Where logs go: stderr, filtered by RUST_LOG.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Begins to log; `level` holds where RUST_LOG says nothing.
pub fn start(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // A second call (tests) changes nothing.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.with_ansi(std::io::stderr().is_terminal()).try_init().ok();
}
