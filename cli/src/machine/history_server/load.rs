//! Event logs from S3 to a folder.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use firesteel_agent::{Keyring, s3_client};
use firesteel_protocol::{Credentials, ObjectStore};
use firesteel_service::HistorySource;
use std::path::{Component, Path};
use tokio::io::AsyncWriteExt;

const MIB: u64 = 1 << 20;

/// Copies everything below the source's prefix into `folder`; gives the number of bytes.
pub(super) async fn load(
    store: &ObjectStore,
    source: &HistorySource,
    credentials: &Credentials,
    folder: &Path,
    say: &(dyn Fn(String) + Send + Sync),
) -> Result<u64, String> {
    let client = s3_client(store, &Keyring::new(credentials.clone()));
    let place = format!("s3://{}/{}", source.bucket, source.prefix);
    let objects = list(&client, source).await.map_err(|error| format!("{place} cannot be read: {error}"))?;
    if objects.is_empty() {
        return Err(format!(
            "The job has left no event log in {place}: its driver opened no Spark context, was killed before Spark \
             could write, or has event logs switched off or somewhere else."
        ));
    }
    let total: u64 = objects.iter().map(|(_, size)| size).sum();
    check_room(folder, total)?;
    let mut done = 0;
    for (name, size) in &objects {
        say(format!("{} of {} MB of event logs loaded.", done / MIB, total.div_ceil(MIB)));
        let copied = copy(&client, source, name, &folder.join(name)).await;
        copied.map_err(|error| format!("{place}{name} cannot be read: {error}"))?;
        done += size;
    }
    Ok(total)
}

/// Names below the prefix, with their sizes. Only those that are plain paths: they become files here.
async fn list(client: &Client, source: &HistorySource) -> Result<Vec<(String, u64)>, String> {
    let mut pages =
        client.list_objects_v2().bucket(&source.bucket).prefix(&source.prefix).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        for object in page.map_err(said)?.contents() {
            let name = object.key().and_then(|key| key.strip_prefix(source.prefix.as_str()));
            if let Some(name) = name.filter(|name| is_plain(name)) {
                found.push((name.to_owned(), u64::try_from(object.size().unwrap_or(0)).unwrap_or(0)));
            }
        }
    }
    Ok(found)
}

/// A relative path of ordinary names; a folder's marker is none.
fn is_plain(name: &str) -> bool {
    let ordinary = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    ordinary && !name.is_empty() && !name.ends_with('/') && !name.contains(['\\', '\0'])
}

fn check_room(folder: &Path, total: u64) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let disk =
        nix::sys::statvfs::statvfs(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let free = disk.blocks_available().saturating_mul(disk.fragment_size());
    if total > free / 2 {
        let (total, free) = (total / MIB, free / MIB);
        return Err(format!("The event logs have {total} MB, and {free} MB are free on this host's disk."));
    }
    Ok(())
}

async fn copy(client: &Client, source: &HistorySource, name: &str, to: &Path) -> Result<(), String> {
    let key = format!("{}{name}", source.prefix);
    let object = client.get_object().bucket(&source.bucket).key(key).send().await.map_err(said)?;
    let plain = |error: std::io::Error| error.to_string();
    if let Some(parent) = to.parent() {
        tokio::fs::create_dir_all(parent).await.map_err(plain)?;
    }
    let mut file = tokio::fs::File::create(to).await.map_err(plain)?;
    tokio::io::copy(&mut object.body.into_async_read(), &mut file).await.map_err(plain)?;
    file.flush().await.map_err(plain)
}

/// An error in S3's words.
pub(crate) fn said<E>(error: SdkError<E>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => DisplayErrorContext(error).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_become_files() {
        for good in ["eventlog_v2_00r/events_1_00r", "00r.zstd", "eventlog_v2_00r/appstatus_00r.inprogress"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["", "x/", "../x", "a/../../x", "/etc/passwd", "a\\b", "a\0b", "./x"] {
            assert!(!is_plain(bad), "{bad:?}");
        }
    }
}
