//! Listings, page by page, against a plain model.

mod common;

use std::collections::BTreeSet;

use aws_sdk_s3::primitives::ByteStream;
use common::{Served, refusal};

const KEYS: [&str; 14] =
    ["a", "a!", "a-b/c", "a/", "a/b", "a/b/c", "a/b/d", "a/é", "a0", "b//x", "b/x/y", "c", "é/1", "é/2"];

/// What a listing should answer: keys, and common prefixes.
fn model(prefix: &str, delimiter: &str, after: &str) -> (Vec<String>, Vec<String>) {
    let (mut keys, mut prefixes) = (Vec::new(), BTreeSet::new());
    for key in KEYS.iter().filter(|key| key.starts_with(prefix) && **key > after) {
        match key[prefix.len()..].find(delimiter) {
            Some(at) if !delimiter.is_empty() => {
                let rolled = &key[..prefix.len() + at + delimiter.len()];
                if rolled != after {
                    prefixes.insert(rolled.to_owned());
                }
            }
            _ => keys.push(key.to_string()),
        }
    }
    (keys, prefixes.into_iter().collect())
}

#[tokio::test]
async fn every_page_size_lists_the_same() {
    let served = Served::new().await;
    let s3 = served.operator();
    for bucket in ["one", "ones", "onc"] {
        s3.create_bucket().bucket(bucket).send().await.unwrap();
    }
    for key in KEYS {
        s3.put_object().bucket("one").key(key).body(ByteStream::from_static(b"x")).send().await.unwrap();
    }
    for neighbour in ["ones", "onc"] {
        s3.put_object().bucket(neighbour).key("not here").send().await.unwrap();
    }
    for prefix in ["", "a", "a/", "a/b", "é", "none"] {
        for delimiter in ["", "/", "b"] {
            for size in [1, 2, 5, 1000] {
                let expected = model(prefix, delimiter, "");
                let (mut keys, mut prefixes) = (Vec::new(), Vec::new());
                let mut token = None;
                loop {
                    let list =
                        s3.list_objects_v2().bucket("one").prefix(prefix).delimiter(delimiter).max_keys(size);
                    let page = list.set_continuation_token(token).send().await.unwrap();
                    assert!(page.key_count().unwrap() <= size);
                    keys.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
                    prefixes.extend(
                        page.common_prefixes().iter().map(|rolled| rolled.prefix().unwrap().to_owned()),
                    );
                    token = page.next_continuation_token().map(str::to_owned);
                    assert_eq!(token.is_some(), page.is_truncated().unwrap());
                    if token.is_none() {
                        break;
                    }
                }
                assert_eq!((keys, prefixes), expected, "{prefix:?} {delimiter:?} {size}");
            }
        }
    }
}

#[tokio::test]
async fn start_after_and_marker_begin_after_any_text() {
    let served = Served::new().await;
    let s3 = served.operator();
    s3.create_bucket().bucket("one").send().await.unwrap();
    for key in KEYS {
        s3.put_object().bucket("one").key(key).send().await.unwrap();
    }
    for after in ["0", "a", "a/", "a/b", "a/b/", "a/zz", "b", "zz", "é/1"] {
        for delimiter in ["", "/"] {
            let expected = model("", delimiter, after);
            let v2 = s3
                .list_objects_v2()
                .bucket("one")
                .delimiter(delimiter)
                .start_after(after)
                .send()
                .await
                .unwrap();
            let v1 = s3.list_objects().bucket("one").delimiter(delimiter).marker(after).send().await.unwrap();
            let keys = |objects: &[aws_sdk_s3::types::Object]| -> Vec<String> {
                objects.iter().map(|object| object.key().unwrap().to_owned()).collect()
            };
            let prefixes = |rolled: &[aws_sdk_s3::types::CommonPrefix]| -> Vec<String> {
                rolled.iter().map(|rolled| rolled.prefix().unwrap().to_owned()).collect()
            };
            assert_eq!(
                (keys(v2.contents()), prefixes(v2.common_prefixes())),
                expected,
                "{after} {delimiter}"
            );
            assert_eq!(
                (keys(v1.contents()), prefixes(v1.common_prefixes())),
                expected,
                "{after} {delimiter}"
            );
        }
    }
    let none = s3.list_objects_v2().bucket("one").max_keys(0).send().await.unwrap();
    assert_eq!((none.key_count(), none.is_truncated()), (Some(0), Some(false)));
    let wrong = s3.list_objects_v2().bucket("one").max_keys(-1).send().await;
    assert_eq!(refusal(wrong), (400, "InvalidArgument".into()));
    let wrong = s3.list_objects_v2().bucket("one").continuation_token("!").send().await;
    assert_eq!(refusal(wrong), (400, "InvalidArgument".into()));
}

#[tokio::test]
async fn uploads_are_listed_page_by_page() {
    let served = Served::new().await;
    let s3 = served.operator();
    s3.create_bucket().bucket("one").send().await.unwrap();
    let mut expected = Vec::new();
    for key in ["a", "a", "a/b", "b"] {
        let upload = s3.create_multipart_upload().bucket("one").key(key).send().await.unwrap();
        expected.push((key.to_owned(), upload.upload_id.unwrap()));
    }
    expected.sort();
    let (mut found, mut key, mut id) = (Vec::new(), None, None);
    loop {
        let list = s3.list_multipart_uploads().bucket("one").max_uploads(1);
        let page = list.set_key_marker(key).set_upload_id_marker(id).send().await.unwrap();
        let uploads = page.uploads().iter();
        found.extend(uploads.map(|upload| (upload.key.clone().unwrap(), upload.upload_id.clone().unwrap())));
        (key, id) = (page.next_key_marker, page.next_upload_id_marker);
        if key.is_none() {
            break;
        }
    }
    assert_eq!(found, expected);
    let rolled = s3.list_multipart_uploads().bucket("one").delimiter("/").send().await.unwrap();
    assert_eq!((rolled.uploads().len(), rolled.common_prefixes().len()), (3, 1));
}

#[tokio::test]
async fn each_object_has_one_version_and_can_be_deleted_by_it() {
    let served = Served::new().await;
    let s3 = served.operator();
    s3.create_bucket().bucket("one").send().await.unwrap();
    for key in ["a/1", "a/2", "b", "c"] {
        s3.put_object().bucket("one").key(key).send().await.unwrap();
    }
    let list = |marker: Option<String>| {
        let list = s3.list_object_versions().bucket("one").max_keys(3);
        list.version_id_marker("null").set_key_marker(marker)
    };
    assert_eq!(refusal(list(None).send().await), (400, "InvalidArgument".into()));
    let first = s3.list_object_versions().bucket("one").max_keys(3).send().await.unwrap();
    assert_eq!((first.is_truncated(), first.next_version_id_marker()), (Some(true), Some("null")));
    let second = list(first.next_key_marker.clone()).send().await.unwrap();
    assert_eq!((second.is_truncated(), second.next_key_marker()), (Some(false), None));
    let all: Vec<_> = first.versions().iter().chain(second.versions()).collect();
    let keys: Vec<_> = all.iter().map(|version| version.key().unwrap()).collect();
    assert_eq!(keys, ["a/1", "a/2", "b", "c"]);
    let rolled = s3.list_object_versions().bucket("one").delimiter("/").send().await.unwrap();
    assert_eq!((rolled.versions().len(), rolled.common_prefixes().len()), (2, 1));
    for version in all {
        let (key, id) = (version.key().unwrap(), version.version_id().unwrap());
        s3.delete_object().bucket("one").key(key).version_id(id).send().await.unwrap();
    }
    s3.delete_bucket().bucket("one").send().await.unwrap();
}
