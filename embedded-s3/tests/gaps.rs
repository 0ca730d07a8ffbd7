//! What the sample backend of s3s gets wrong, one test for each of the sixteen gaps that were measured.

mod common;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{
    CompletedMultipartUpload, CompletedPart, Delete, EncodingType, ObjectAttributes, ObjectIdentifier, Tag,
    Tagging,
};
use common::{Served, bytes, refusal};

async fn store() -> (Served, aws_sdk_s3::Client) {
    let served = Served::new().await;
    let s3 = served.operator();
    s3.create_bucket().bucket("one").send().await.unwrap();
    (served, s3)
}

async fn put(s3: &aws_sdk_s3::Client, key: &str, body: impl Into<ByteStream>) -> String {
    s3.put_object().bucket("one").key(key).body(body.into()).send().await.unwrap().e_tag.unwrap()
}

async fn race(s3: &aws_sdk_s3::Client, key: &str, etag: Option<&str>) -> usize {
    let tasks = (0..16u64).map(|writer| {
        let put = s3
            .put_object()
            .bucket("one")
            .key(key)
            .body(ByteStream::from(bytes(100, writer + 1 + 100 * etag.is_some() as u64)));
        let put = match etag {
            Some(etag) => put.if_match(etag),
            None => put.if_none_match("*"),
        };
        tokio::spawn(async move { put.send().await.is_ok() })
    });
    let mut winners = 0;
    for task in tasks.collect::<Vec<_>>() {
        winners += usize::from(task.await.unwrap());
    }
    winners
}

#[tokio::test]
async fn gap_1_of_racing_conditional_puts_exactly_one_wins() {
    let (_served, s3) = store().await;
    for round in 0..10 {
        let key = format!("k{round}");
        assert_eq!(race(&s3, &key, None).await, 1, "create, round {round}");
        let etag = s3.head_object().bucket("one").key(&key).send().await.unwrap().e_tag.unwrap();
        assert_eq!(race(&s3, &key, Some(&etag)).await, 1, "replace, round {round}");
    }
}

#[tokio::test]
async fn gap_2_reads_are_never_torn() {
    let (_served, s3) = store().await;
    put(&s3, "k", ByteStream::from(bytes(200_000, 1))).await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (writer, stopped) = (s3.clone(), stop.clone());
    let writing = tokio::spawn(async move {
        let mut seed = 2;
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            // Alternately a blob and a body within the index.
            let len = if seed % 2 == 0 { 100 } else { 200_000 };
            put(&writer, "k", ByteStream::from(bytes(len, seed))).await;
            seed += 1;
        }
    });
    for _ in 0..100 {
        let got = s3.get_object().bucket("one").key("k").send().await.unwrap();
        let etag = got.e_tag.clone().unwrap();
        let body = got.body.collect().await.unwrap().into_bytes();
        use s3s::crypto::Checksum as _;
        let mut md5 = s3s::crypto::Md5::new();
        md5.update(&body);
        assert_eq!(etag.trim_matches('"'), hex::encode(md5.finalize()));
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writing.await.unwrap();
}

// Gap 3 (nothing is fsynced) is tests/crash.rs.

#[tokio::test]
async fn gap_4_conditions_on_reads_hold() {
    let (_served, s3) = store().await;
    let etag = put(&s3, "k", ByteStream::from_static(b"x")).await;
    let get = || s3.get_object().bucket("one").key("k");
    let head = || s3.head_object().bucket("one").key("k");
    let long_ago = DateTime::from_secs(1_000_000_000);
    let far_away = DateTime::from_secs(32_000_000_000);
    assert_eq!(refusal(get().if_none_match(&etag).send().await).0, 304);
    assert_eq!(refusal(head().if_none_match(&etag).send().await).0, 304);
    assert_eq!(refusal(get().if_match("\"x\"").send().await), (412, "PreconditionFailed".into()));
    assert_eq!(refusal(head().if_match("\"x\"").send().await).0, 412);
    assert_eq!(refusal(get().if_modified_since(far_away).send().await).0, 304);
    assert_eq!(refusal(get().if_unmodified_since(long_ago).send().await).0, 412);
    get().if_none_match("\"x\"").if_modified_since(far_away).send().await.unwrap();
    get().if_match(&etag).if_unmodified_since(long_ago).send().await.unwrap();
    get().if_modified_since(long_ago).if_unmodified_since(far_away).send().await.unwrap();
}

#[tokio::test]
async fn gap_5_a_conditional_delete_deletes_only_what_it_means() {
    let (_served, s3) = store().await;
    let etag = put(&s3, "k", ByteStream::from_static(b"x")).await;
    let delete = || s3.delete_object().bucket("one").key("k");
    assert_eq!(refusal(delete().if_match("\"x\"").send().await), (412, "PreconditionFailed".into()));
    s3.head_object().bucket("one").key("k").send().await.unwrap();
    delete().if_match(&etag).send().await.unwrap();
    assert_eq!(refusal(s3.head_object().bucket("one").key("k").send().await).0, 404);
    assert_eq!(refusal(delete().if_match("*").send().await), (404, "NoSuchKey".into()));
    delete().send().await.unwrap();
}

#[tokio::test]
async fn gap_6_conditions_on_copies_hold() {
    let (_served, s3) = store().await;
    let etag = put(&s3, "k", ByteStream::from(bytes(6_000_000, 1))).await;
    let copy = |to: &str| s3.copy_object().bucket("one").key(to).copy_source("one/k");
    copy("a").if_none_match("*").copy_source_if_match(&etag).send().await.unwrap();
    assert_eq!(refusal(copy("a").if_none_match("*").send().await), (412, "PreconditionFailed".into()));
    assert_eq!(refusal(copy("a").if_match("\"x\"").send().await), (412, "PreconditionFailed".into()));
    assert_eq!(refusal(copy("none").if_match("*").send().await), (404, "NoSuchKey".into()));
    assert_eq!(refusal(copy("b").copy_source_if_none_match(&etag).send().await).0, 412);
    assert_eq!(refusal(copy("b").copy_source_if_match("\"x\"").send().await).0, 412);
    let upload = s3.create_multipart_upload().bucket("one").key("m").send().await.unwrap().upload_id.unwrap();
    let part = || {
        let part = s3.upload_part_copy().bucket("one").key("m").upload_id(&upload).part_number(1);
        part.copy_source("one/k").copy_source_range("bytes=0-5242879")
    };
    assert_eq!(refusal(part().copy_source_if_match("\"x\"").send().await).0, 412);
    assert_eq!(refusal(part().copy_source_if_none_match(&etag).send().await).0, 412);
    part().copy_source_if_match(&etag).send().await.unwrap();
}

#[tokio::test]
async fn gap_7_a_missing_bucket_is_missing() {
    let (_served, s3) = store().await;
    let put = s3.put_object().bucket("two").key("k").body(ByteStream::from_static(b"x"));
    assert_eq!(refusal(put.send().await), (404, "NoSuchBucket".into()));
    assert_eq!(refusal(s3.list_objects_v2().bucket("two").send().await), (404, "NoSuchBucket".into()));
    assert_eq!(refusal(s3.get_object().bucket("two").key("k").send().await), (404, "NoSuchBucket".into()));
    let begin = s3.create_multipart_upload().bucket("two").key("k");
    assert_eq!(refusal(begin.send().await), (404, "NoSuchBucket".into()));
    assert_eq!(refusal(s3.delete_object().bucket("two").key("k").send().await), (404, "NoSuchBucket".into()));
    assert_eq!(refusal(s3.head_bucket().bucket("two").send().await).0, 404);
}

#[tokio::test]
async fn gap_8_a_bucket_that_is_not_empty_stays() {
    let (_served, s3) = store().await;
    put(&s3, "k", ByteStream::from_static(b"x")).await;
    assert_eq!(refusal(s3.delete_bucket().bucket("one").send().await), (409, "BucketNotEmpty".into()));
    s3.get_object().bucket("one").key("k").send().await.unwrap();
    s3.delete_object().bucket("one").key("k").send().await.unwrap();
    s3.delete_bucket().bucket("one").send().await.unwrap();
    assert_eq!(refusal(s3.delete_bucket().bucket("one").send().await), (404, "NoSuchBucket".into()));
}

#[tokio::test]
async fn gap_9_keys_are_not_paths() {
    let (_served, s3) = store().await;
    let long = "s".repeat(1024);
    let keys = ["x", "x/y", "x/", "a//b", "a/./b", "a/../b", "a/b", "ü/é ☃", "+ %?#&=", "..", long.as_str()];
    for key in keys {
        put(&s3, key, ByteStream::from(key.as_bytes().to_vec())).await;
    }
    for key in keys {
        let got = s3.get_object().bucket("one").key(key).send().await.unwrap();
        assert_eq!(got.body.collect().await.unwrap().into_bytes(), key.as_bytes(), "{key}");
    }
    let page = s3.list_objects_v2().bucket("one").send().await.unwrap();
    let listed: Vec<_> = page.contents().iter().map(|object| object.key().unwrap().to_owned()).collect();
    let mut sorted: Vec<_> = keys.iter().map(|key| key.to_string()).collect();
    sorted.sort();
    assert_eq!(listed, sorted);
    let too_long = s3.put_object().bucket("one").key("s".repeat(1025)).body(ByteStream::from_static(b""));
    assert_eq!(refusal(too_long.send().await), (400, "KeyTooLongError".into()));
}

#[tokio::test]
async fn gap_10_url_encoding_of_keys_is_done_when_it_is_said() {
    let (_served, s3) = store().await;
    put(&s3, "d/a+b %é", ByteStream::from_static(b"x")).await;
    let list = || s3.list_objects_v2().bucket("one").prefix("d/a+").encoding_type(EncodingType::Url);
    let page = list().send().await.unwrap();
    assert_eq!(page.contents()[0].key(), Some("d/a%2Bb%20%25%C3%A9"));
    assert_eq!(page.prefix(), Some("d/a%2B"));
    let page = s3
        .list_objects_v2()
        .bucket("one")
        .delimiter("+")
        .encoding_type(EncodingType::Url)
        .send()
        .await
        .unwrap();
    assert_eq!(page.common_prefixes()[0].prefix(), Some("d/a%2B"));
    assert_eq!(page.delimiter(), Some("%2B"));
    let page = s3.list_objects().bucket("one").encoding_type(EncodingType::Url).send().await.unwrap();
    assert_eq!(page.contents()[0].key(), Some("d/a%2Bb%20%25%C3%A9"));
}

#[tokio::test]
async fn gap_11_start_after_inside_a_common_prefix_keeps_the_prefix() {
    let (_served, s3) = store().await;
    for key in ["a/1", "a/2", "b"] {
        put(&s3, key, ByteStream::from_static(b"x")).await;
    }
    let list = |after: &str| s3.list_objects_v2().bucket("one").delimiter("/").start_after(after);
    let page = list("a/1").send().await.unwrap();
    assert_eq!(page.common_prefixes()[0].prefix(), Some("a/"));
    let page = list("a/2").send().await.unwrap();
    assert!(page.common_prefixes().is_empty() && page.contents().len() == 1);
}

#[tokio::test]
async fn gap_12_multipart_uploads_are_checked() {
    let (_served, s3) = store().await;
    let upload = s3.create_multipart_upload().bucket("one").key("m").send().await.unwrap().upload_id.unwrap();
    let mut etags = Vec::new();
    for (number, len) in [(2, 5 << 20), (7, 5 << 20), (9, 10)] {
        let part = s3.upload_part().bucket("one").key("m").upload_id(&upload).part_number(number);
        let part = part.body(ByteStream::from(bytes(len, number as u64))).send().await.unwrap();
        etags.push((number, part.e_tag.unwrap()));
    }
    let complete = |parts: &[(i32, &str)], upload: &str| {
        let parts = parts
            .iter()
            .map(|(number, etag)| CompletedPart::builder().part_number(*number).e_tag(*etag).build());
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        s3.complete_multipart_upload().bucket("one").key("m").upload_id(upload).multipart_upload(parts).send()
    };
    let (a, b, c) = (etags[0].1.as_str(), etags[1].1.as_str(), etags[2].1.as_str());
    assert_eq!(refusal(complete(&[(2, b)], &upload).await), (400, "InvalidPart".into()));
    assert_eq!(refusal(complete(&[(2, a), (3, b)], &upload).await), (400, "InvalidPart".into()));
    assert_eq!(refusal(complete(&[(7, b), (2, a)], &upload).await), (400, "InvalidPartOrder".into()));
    assert_eq!(refusal(complete(&[(2, a), (9, c), (10, c)], &upload).await), (400, "InvalidPart".into()));
    let unknown = "0".repeat(32);
    assert_eq!(refusal(complete(&[(2, a)], &unknown).await), (404, "NoSuchUpload".into()));
    assert_eq!(refusal(s3.list_parts().bucket("one").key("m").upload_id(&unknown).send().await).0, 404);
    let uploads = s3.list_multipart_uploads().bucket("one").send().await.unwrap();
    assert_eq!(uploads.uploads()[0].upload_id(), Some(upload.as_str()));
    let done = complete(&[(2, a), (7, b), (9, c)], &upload).await.unwrap();
    assert!(done.e_tag().unwrap().ends_with("-3\""));
    // Repeated after a lost answer it says the same.
    assert_eq!(complete(&[(2, a), (7, b), (9, c)], &upload).await.unwrap().e_tag, done.e_tag);
}

#[tokio::test]
async fn gap_13_attributes_parts_tags_and_plain_buckets_answer() {
    let (_served, s3) = store().await;
    put(&s3, "k", ByteStream::from_static(b"x")).await;
    let tags =
        Tagging::builder().tag_set(Tag::builder().key("a").value("b").build().unwrap()).build().unwrap();
    s3.put_object_tagging().bucket("one").key("k").tagging(tags).send().await.unwrap();
    let tags = s3.get_object_tagging().bucket("one").key("k").send().await.unwrap();
    assert_eq!(tags.tag_set()[0].value(), "b");
    s3.put_object().bucket("one").key("tagged").tagging("z=1&b").send().await.unwrap();
    let tags = s3.get_object_tagging().bucket("one").key("tagged").send().await.unwrap();
    let tags: Vec<_> = tags.tag_set().iter().map(|tag| (tag.key(), tag.value())).collect();
    assert_eq!(tags, [("b", ""), ("z", "1")]);
    let head = s3.head_object().bucket("one").key("tagged").send().await.unwrap();
    assert_eq!(head.tag_count(), Some(2));
    for name in ["one.-two", "one-.two"] {
        assert_eq!(refusal(s3.create_bucket().bucket(name).send().await), (400, "InvalidBucketName".into()));
    }
    s3.delete_object_tagging().bucket("one").key("k").send().await.unwrap();
    assert!(s3.get_object_tagging().bucket("one").key("k").send().await.unwrap().tag_set().is_empty());
    let attributes = s3.get_object_attributes().bucket("one").key("k");
    let attributes =
        attributes.object_attributes(ObjectAttributes::ObjectSize).object_attributes(ObjectAttributes::Etag);
    let attributes = attributes.send().await.unwrap();
    assert_eq!(attributes.object_size(), Some(1));
    assert_eq!(
        attributes.e_tag(),
        Some("9dd4e461268c8034f5c8564e155c67a6"),
        "without quotes, as nowhere else"
    );
    let part = s3.get_object().bucket("one").key("k").part_number(1).send().await.unwrap();
    assert_eq!(part.content_range(), Some("bytes 0-0/1"));
    let missing = s3.get_object().bucket("one").key("k").part_number(2).send().await;
    assert_eq!(refusal(missing), (416, "InvalidPartNumber".into()));
    assert!(s3.get_bucket_versioning().bucket("one").send().await.unwrap().status().is_none());
    assert_eq!(s3.get_bucket_acl().bucket("one").send().await.unwrap().grants().len(), 1);
    let lifecycle = s3.get_bucket_lifecycle_configuration().bucket("one").send().await;
    assert_eq!(refusal(lifecycle), (404, "NoSuchLifecycleConfiguration".into()));
    let policy = s3.get_bucket_policy().bucket("one").send().await;
    assert_eq!(refusal(policy), (404, "NoSuchBucketPolicy".into()));
    let unsupported = s3.get_object_torrent().bucket("one").key("k").send().await;
    assert_eq!(refusal(unsupported), (501, "NotImplemented".into()));
}

#[tokio::test]
async fn gap_14_small_print() {
    let (served, s3) = store().await;
    for key in ["a", "b", "c"] {
        put(&s3, key, ByteStream::from_static(b"x")).await;
    }
    let presigning = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let url = s3.put_object().bucket("one").key("untyped").presigned(presigning).await.unwrap();
    let put = reqwest::Client::new().put(url.uri()).body("x").send().await.unwrap();
    assert_eq!(put.status(), 200);
    let got = s3.get_object().bucket("one").key("untyped").send().await.unwrap();
    assert_eq!(got.accept_ranges(), Some("bytes"));
    assert_eq!(got.content_type(), Some("binary/octet-stream"));
    let delete = |keys: &[&str], quiet: bool| {
        let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(*key).build().unwrap());
        let delete = Delete::builder().set_objects(Some(objects.collect())).quiet(quiet).build().unwrap();
        s3.delete_objects().bucket("one").delete(delete).send()
    };
    assert!(delete(&["a", "b"], true).await.unwrap().deleted().is_empty());
    assert_eq!(delete(&["c", "missing"], false).await.unwrap().deleted().len(), 2);
    let missing = s3.put_object().bucket("one").key("a").if_match("\"x\"").send().await;
    assert_eq!(refusal(missing), (404, "NoSuchKey".into()));
    let nobody = aws_credential_types::Credentials::new("nobody", "x", None, None, "test");
    let unknown = served.client(nobody).list_buckets().send().await;
    assert_eq!(refusal(unknown), (403, "InvalidAccessKeyId".into()));
    let wrong = aws_credential_types::Credentials::new("operator", "x", None, None, "test");
    let wrong = served.client(wrong).list_buckets().send().await;
    assert_eq!(refusal(wrong), (403, "SignatureDoesNotMatch".into()));
}

#[tokio::test]
async fn gap_15_nothing_is_left_behind() {
    let (served, s3) = store().await;
    put(&s3, "k", ByteStream::from(bytes(300_000, 1))).await;
    s3.copy_object().bucket("one").key("copy").copy_source("one/k").send().await.unwrap();
    assert_eq!(served.blob_files(), 1, "a copy moves no bytes");
    put(&s3, "k", ByteStream::from(bytes(300_000, 2))).await;
    assert_eq!(served.blob_files(), 2);
    s3.delete_object().bucket("one").key("copy").send().await.unwrap();
    assert_eq!(served.blob_files(), 1);
    let refused =
        s3.put_object().bucket("one").key("k").if_none_match("*").body(ByteStream::from(bytes(300_000, 3)));
    assert_eq!(refusal(refused.send().await).0, 412);
    assert_eq!(served.blob_files(), 1, "a refused body is removed");
    s3.delete_object().bucket("one").key("k").send().await.unwrap();
    let upload = s3.create_multipart_upload().bucket("one").key("m").send().await.unwrap().upload_id.unwrap();
    let part = s3.upload_part().bucket("one").key("m").upload_id(&upload).part_number(1);
    part.body(ByteStream::from(bytes(300_000, 4))).send().await.unwrap();
    assert_eq!(served.blob_files(), 1);
    s3.abort_multipart_upload().bucket("one").key("m").upload_id(&upload).send().await.unwrap();
    assert_eq!(served.blob_files(), 0);
}

// Gap 16 (no TCP_NODELAY) belongs to whoever holds the socket; a small answer is here one frame,
// with its length known.
#[tokio::test]
async fn gap_16_a_small_answer_has_a_known_length() {
    let (_served, s3) = store().await;
    put(&s3, "k", ByteStream::from_static(b"hello")).await;
    let presigning = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let url = s3.get_object().bucket("one").key("k").presigned(presigning).await.unwrap();
    let answer = reqwest::get(url.uri()).await.unwrap();
    assert_eq!(answer.headers()["content-length"], "5");
    assert!(!answer.headers().contains_key("transfer-encoding"));
    assert_eq!(answer.text().await.unwrap(), "hello");
}
