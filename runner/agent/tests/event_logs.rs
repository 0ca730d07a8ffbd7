//! Event logs on their way to embedded S3.

#[path = "stage/s3.rs"]
mod store;

use firesteel_agent::event_logs::{EventLogs, salvage};
use firesteel_agent::{Keyring, s3_client};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
const TO: &str = "s3://bucket/logs/sparklogs/";

fn write(folder: &Path, name: &str, text: &str) {
    let file = folder.join("eventlogs").join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

async fn stored(store: &store::Store) -> BTreeMap<String, String> {
    let listed = store.client.list_objects_v2().bucket("bucket").send().await.unwrap();
    let mut found = BTreeMap::new();
    for key in listed.contents().iter().filter_map(|object| object.key()) {
        let body = store.client.get_object().bucket("bucket").key(key).send().await.unwrap().body;
        let text = String::from_utf8(body.collect().await.unwrap().to_vec()).unwrap();
        found.insert(key.trim_start_matches("logs/sparklogs/").to_owned(), text);
    }
    found
}

fn of<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn they_are_whole_in_s3_when_the_job_has_ended() {
    let root = tempfile::tempdir().unwrap();
    let store = store::open(&root.path().join("s3")).await;
    let worker = root.path().join("worker");
    write(&worker, "eventlog_v2_00r/appstatus_00r.inprogress", "");
    let logs = EventLogs::begin(store.client.clone(), TO, worker.join("eventlogs"));
    write(&worker, "eventlog_v2_00r/events_1_00r", "{}\n{}\n");
    write(&worker, "eventlog_v2_00r/.events_1_00r.crc", "sum");
    logs.finish(PATIENCE).await.unwrap();
    let whole =
        of([("eventlog_v2_00r/appstatus_00r.inprogress", ""), ("eventlog_v2_00r/events_1_00r", "{}\n{}\n")]);
    assert_eq!(stored(&store).await, whole);
}

#[tokio::test]
async fn what_was_renamed_meanwhile_goes_in_s3_too() {
    let root = tempfile::tempdir().unwrap();
    let store = store::open(&root.path().join("s3")).await;
    let worker = root.path().join("worker");
    write(&worker, "e/appstatus.inprogress", "");
    // As a runner that died has left S3 and its folder.
    salvage(store.client.clone(), TO, &worker, PATIENCE).await.unwrap();
    assert_eq!(stored(&store).await, of([("e/appstatus.inprogress", "")]));
    std::fs::rename(worker.join("eventlogs/e/appstatus.inprogress"), worker.join("eventlogs/e/appstatus"))
        .unwrap();
    salvage(store.client.clone(), TO, &worker, PATIENCE).await.unwrap();
    assert_eq!(stored(&store).await, of([("e/appstatus", "")]));
}

#[tokio::test]
async fn a_refusal_is_told_and_no_patience_wasted_on_it() {
    let root = tempfile::tempdir().unwrap();
    let store = store::open(&root.path().join("s3")).await;
    let worker = root.path().join("worker");
    write(&worker, "e/events", "x");
    let nowhere = "s3://no-such-bucket/sparklogs/";
    let error = salvage(store.client.clone(), nowhere, &worker, PATIENCE).await.unwrap_err();
    assert!(error.contains("NoSuchBucket"), "{error}");
    let mut nobody = store.credentials.clone();
    nobody.secret_access_key = "wrong".into();
    let client = s3_client(&store.place, &Keyring::new(nobody));
    assert!(salvage(client, TO, &worker, PATIENCE).await.is_err());
}
