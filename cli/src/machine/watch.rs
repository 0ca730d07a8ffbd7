//! Files that are read again when they change: looked at once a second, and read when they have stood still for one look.
//!
//! It must not know what is in them.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// What tells a changed file from an unchanged one.
type Stamp = (i64, i64, u64, u64, u32);

/// A watch, which ends when it is dropped.
pub struct Watch(tokio::task::JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Calls `read` whenever one of the files has changed, come or gone. If it fails, what was read before stays in force, and
/// the log says so.
pub fn watch(
    what: &'static str,
    files: Vec<PathBuf>,
    read: impl Fn() -> anyhow::Result<()> + Send + 'static,
) -> Watch {
    let mut known = stamps(&files);
    Watch(tokio::spawn(async move {
        let mut before = known.clone();
        loop {
            tokio::time::sleep(PAUSE).await;
            let now = stamps(&files);
            if now != known && now == before {
                match read() {
                    Ok(()) => tracing::info!("read again: {what}"),
                    Err(error) => tracing::warn!(
                        error = %format!("{error:#}"),
                        "cannot be read again, and stays as it was: {what}"
                    ),
                }
                known = now.clone();
            }
            before = now;
        }
    }))
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |file: &PathBuf| {
        let about = std::fs::metadata(file).ok()?;
        Some((about.mtime(), about.mtime_nsec(), about.size(), about.ino(), about.mode()))
    };
    files.iter().map(stamp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(start_paused = true)]
    async fn each_change_is_read_once_even_if_that_fails() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        std::fs::write(&file, "1").unwrap();
        let reads = Arc::new(AtomicUsize::new(0));
        let count = reads.clone();
        let _watch = watch("a file", vec![file.clone()], move || {
            count.fetch_add(1, Ordering::SeqCst);
            anyhow::bail!("not valid")
        });
        tokio::task::yield_now().await;
        let after = async |seconds: u64, expected: usize| {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            assert_eq!(reads.load(Ordering::SeqCst), expected);
        };
        after(5, 0).await;
        std::fs::write(&file, "12").unwrap();
        after(1, 0).await;
        after(4, 1).await;
        std::fs::remove_file(&file).unwrap();
        after(5, 2).await;
        std::fs::write(&file, "123").unwrap();
        after(5, 3).await;
    }
}
