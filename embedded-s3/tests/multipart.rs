//! Multipart uploads, copies of ranges, ranges of reads, and checksums.

mod common;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart, ObjectAttributes,
};
use common::{Served, bytes, refusal};

const PART: usize = 5 << 20;

async fn store() -> (Served, aws_sdk_s3::Client) {
    let served = Served::new().await;
    let s3 = served.operator();
    s3.create_bucket().bucket("one").send().await.unwrap();
    (served, s3)
}

fn parts(parts: Vec<CompletedPart>) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder().set_parts(Some(parts)).build()
}

fn part(number: i32, etag: Option<&str>) -> CompletedPart {
    CompletedPart::builder().part_number(number).set_e_tag(etag.map(str::to_owned)).build()
}

async fn read(s3: &aws_sdk_s3::Client, key: &str, range: Option<&str>) -> Vec<u8> {
    let got = s3.get_object().bucket("one").key(key).set_range(range.map(str::to_owned));
    got.send().await.unwrap().body.collect().await.unwrap().to_vec()
}

#[tokio::test]
async fn parts_and_copied_ranges_make_an_object_without_moving_bytes() {
    let (served, s3) = store().await;
    let source = bytes(12 << 20, 1);
    s3.put_object().bucket("one").key("source").body(ByteStream::from(source.clone())).send().await.unwrap();
    let upload =
        s3.create_multipart_upload().bucket("one").key("m").metadata("who", "me").content_type("text/x");
    let upload = upload.send().await.unwrap().upload_id.unwrap();
    let copied = s3.upload_part_copy().bucket("one").key("m").upload_id(&upload).part_number(1);
    let copied =
        copied.copy_source("one/source").copy_source_range("bytes=1000-6000999").send().await.unwrap();
    let copied = copied.copy_part_result.unwrap();
    let tail = bytes(5000, 2);
    let sent = s3.upload_part().bucket("one").key("m").upload_id(&upload).part_number(2);
    let sent = sent.body(ByteStream::from(tail.clone())).send().await.unwrap();
    let listed = s3.list_parts().bucket("one").key("m").upload_id(&upload).max_parts(1).send().await.unwrap();
    assert_eq!((listed.parts().len(), listed.is_truncated()), (1, Some(true)));
    let done = s3.complete_multipart_upload().bucket("one").key("m").upload_id(&upload);
    let done = done.multipart_upload(parts(vec![part(1, copied.e_tag()), part(2, sent.e_tag())]));
    done.if_none_match("*").send().await.unwrap();
    assert_eq!(served.blob_files(), 1);
    // The blob stays for the sake of the copied range.
    s3.delete_object().bucket("one").key("source").send().await.unwrap();
    assert_eq!(served.blob_files(), 1);
    let whole = [&source[1000..6_001_000], &tail].concat();
    assert_eq!(read(&s3, "m", None).await, whole);
    assert_eq!(read(&s3, "m", Some("bytes=5999990-6000009")).await, whole[5_999_990..6_000_010]);
    assert_eq!(read(&s3, "m", Some("bytes=-5001")).await, whole[whole.len() - 5001..]);
    let second = s3.get_object().bucket("one").key("m").part_number(2).send().await.unwrap();
    assert_eq!((second.parts_count(), second.content_length()), (Some(2), Some(5000)));
    assert_eq!(second.content_type(), Some("text/x"));
    assert_eq!(second.body.collect().await.unwrap().into_bytes(), tail);
    let bad = s3.upload_part_copy().bucket("one").key("m").upload_id(&upload).part_number(1);
    assert_eq!(refusal(bad.copy_source("one/m").send().await), (404, "NoSuchUpload".into()));
    s3.delete_object().bucket("one").key("m").send().await.unwrap();
    assert_eq!(served.blob_files(), 0);
}

#[tokio::test]
async fn ranges_answer_as_on_s3() {
    let (_served, s3) = store().await;
    s3.put_object().bucket("one").key("k").body(ByteStream::from_static(b"0123456789")).send().await.unwrap();
    s3.put_object().bucket("one").key("empty").body(ByteStream::from_static(b"")).send().await.unwrap();
    let table: [(&str, &[u8]); 5] = [
        ("bytes=0-0", b"0"),
        ("bytes=5-", b"56789"),
        ("bytes=-3", b"789"),
        ("bytes=-30", b"0123456789"),
        ("bytes=8-100", b"89"),
    ];
    for (range, expected) in table {
        assert_eq!(read(&s3, "k", Some(range)).await, expected, "{range}");
    }
    for (key, range) in [("k", "bytes=10-"), ("k", "bytes=-0"), ("empty", "bytes=0-0")] {
        let got = s3.get_object().bucket("one").key(key).range(range).send().await;
        assert_eq!(refusal(got), (416, "InvalidRange".into()), "{key} {range}");
    }
    let head = s3.head_object().bucket("one").key("k").range("bytes=2-3").send().await.unwrap();
    assert_eq!((head.content_length(), head.content_range()), (Some(2), Some("bytes 2-3/10")));
}

#[tokio::test]
async fn small_parts_and_wrong_sums_are_refused_at_completion() {
    let (_served, s3) = store().await;
    let upload = s3.create_multipart_upload().bucket("one").key("m").send().await.unwrap().upload_id.unwrap();
    let mut sent = Vec::new();
    for number in [1, 2] {
        let one = s3.upload_part().bucket("one").key("m").upload_id(&upload).part_number(number);
        let one = one.body(ByteStream::from_static(b"x")).send().await.unwrap();
        sent.push(part(number, one.e_tag()));
    }
    let complete = |parts_of: Vec<CompletedPart>| {
        s3.complete_multipart_upload()
            .bucket("one")
            .key("m")
            .upload_id(&upload)
            .multipart_upload(parts(parts_of))
    };
    assert_eq!(refusal(complete(sent.clone()).send().await), (400, "EntityTooSmall".into()));
    let wrong = complete(sent[..1].to_vec())
        .checksum_crc64_nvme("AAAAAAAAAAA=")
        .checksum_type(ChecksumType::FullObject);
    assert_eq!(refusal(wrong.send().await), (400, "BadDigest".into()));
    assert_eq!(
        refusal(complete(sent[..1].to_vec()).mpu_object_size(2).send().await),
        (400, "InvalidRequest".into())
    );
    assert_eq!(refusal(complete(sent[..1].to_vec()).if_match("*").send().await), (404, "NoSuchKey".into()));
    complete(sent[..1].to_vec()).send().await.unwrap();
    let too_high = s3.upload_part().bucket("one").key("m").upload_id(&upload).part_number(10_001);
    assert_eq!(refusal(too_high.send().await), (400, "InvalidArgument".into()));
}

#[tokio::test]
async fn every_checksum_is_verified_kept_and_returned() {
    let (_served, s3) = store().await;
    let algorithms = [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ];
    for (at, algorithm) in algorithms.into_iter().enumerate() {
        for len in [10, 300_000] {
            let key = format!("k{at}-{len}");
            let put = s3.put_object().bucket("one").key(&key).checksum_algorithm(algorithm.clone());
            let put = put.body(ByteStream::from(bytes(len, 9))).send().await.unwrap();
            let got = s3
                .get_object()
                .bucket("one")
                .key(&key)
                .checksum_mode(ChecksumMode::Enabled)
                .send()
                .await
                .unwrap();
            let sums = |sums: [Option<&str>; 5]| sums.map(|sum| sum.map(str::to_owned));
            let put = sums([
                put.checksum_crc32(),
                put.checksum_crc32_c(),
                put.checksum_crc64_nvme(),
                put.checksum_sha1(),
                put.checksum_sha256(),
            ]);
            let had = sums([
                got.checksum_crc32(),
                got.checksum_crc32_c(),
                got.checksum_crc64_nvme(),
                got.checksum_sha1(),
                got.checksum_sha256(),
            ]);
            assert!(put[at].is_some() && put == had, "{algorithm:?} {put:?} {had:?}");
            // The SDK verifies what it reads.
            got.body.collect().await.unwrap();
        }
    }
    let put = || s3.put_object().bucket("one").key("bad").body(ByteStream::from_static(b"x"));
    assert_eq!(refusal(put().checksum_crc32("AAAAAA==").send().await), (400, "BadDigest".into()));
    assert_eq!(refusal(put().checksum_sha256("AAAA").send().await), (400, "BadDigest".into()));
    assert_eq!(
        refusal(put().content_md5("XrY7u+Ae7tCTyyK7j1rNww==").send().await),
        (400, "BadDigest".into())
    );
    assert_eq!(refusal(put().content_md5("x").send().await), (400, "InvalidDigest".into()));
    assert_eq!(refusal(s3.head_object().bucket("one").key("bad").send().await).0, 404);
}

#[tokio::test]
async fn checksums_of_multipart_objects_are_those_of_the_whole_or_of_the_parts() {
    let (_served, s3) = store().await;
    let bodies = [bytes(PART, 1), bytes(77, 2)];
    for (algorithm, kind) in [
        (ChecksumAlgorithm::Crc32, ChecksumType::FullObject),
        (ChecksumAlgorithm::Crc64Nvme, ChecksumType::FullObject),
        (ChecksumAlgorithm::Sha256, ChecksumType::Composite),
    ] {
        let begun = s3.create_multipart_upload().bucket("one").key("m").checksum_algorithm(algorithm.clone());
        let upload = begun.checksum_type(kind.clone()).send().await.unwrap().upload_id.unwrap();
        let mut sent = Vec::new();
        for (body, number) in bodies.iter().zip(1..) {
            let one = s3.upload_part().bucket("one").key("m").upload_id(&upload).part_number(number);
            let one = one
                .checksum_algorithm(algorithm.clone())
                .body(ByteStream::from(body.clone()))
                .send()
                .await
                .unwrap();
            sent.push(part(number, one.e_tag()));
        }
        let done = s3.complete_multipart_upload().bucket("one").key("m").upload_id(&upload);
        let done = done.multipart_upload(parts(sent)).send().await.unwrap();
        let whole = s3.put_object().bucket("one").key("whole").checksum_algorithm(algorithm.clone());
        let whole = whole.body(ByteStream::from(bodies.concat())).send().await.unwrap();
        match kind {
            ChecksumType::FullObject => {
                assert_eq!(done.checksum_crc32(), whole.checksum_crc32());
                assert_eq!(done.checksum_crc64_nvme(), whole.checksum_crc64_nvme());
            }
            _ => assert!(done.checksum_sha256().unwrap().ends_with("-2")),
        }
        for (number, body) in (1..).zip(&bodies) {
            let got = s3.get_object().bucket("one").key("m").part_number(number);
            let got = got.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
            let sums = [got.checksum_crc32(), got.checksum_crc64_nvme(), got.checksum_sha256()];
            assert_eq!(sums.iter().flatten().count(), 1, "a part has its own checksum");
            assert_eq!(got.checksum_type(), Some(&kind));
            // The SDK verifies what it reads.
            assert_eq!(got.body.collect().await.unwrap().into_bytes(), body);
        }
        let attributes = s3
            .get_object_attributes()
            .bucket("one")
            .key("m")
            .object_attributes(ObjectAttributes::ObjectParts);
        let attributes = attributes.object_attributes(ObjectAttributes::Checksum).send().await.unwrap();
        assert_eq!(attributes.object_parts().unwrap().total_parts_count(), Some(2));
        assert_eq!(attributes.object_parts().unwrap().parts().len(), 2);
    }
    let refused =
        s3.create_multipart_upload().bucket("one").key("m").checksum_algorithm(ChecksumAlgorithm::Sha1);
    let refused = refused.checksum_type(ChecksumType::FullObject).send().await;
    assert_eq!(refusal(refused), (400, "InvalidRequest".into()));
}

#[tokio::test]
async fn a_copy_keeps_or_replaces_what_is_said_of_the_object() {
    let (_served, s3) = store().await;
    let put = s3.put_object().bucket("one").key("k").metadata("a", "1").content_type("text/x").tagging("t=1");
    put.body(ByteStream::from(bytes(5000, 1))).send().await.unwrap();
    let copy = |to: &str| s3.copy_object().bucket("one").key(to).copy_source("one/k");
    copy("kept").send().await.unwrap();
    let replace = aws_sdk_s3::types::MetadataDirective::Replace;
    copy("new")
        .metadata_directive(replace.clone())
        .metadata("b", "2")
        .content_type("text/y")
        .send()
        .await
        .unwrap();
    let kept = s3.head_object().bucket("one").key("kept").send().await.unwrap();
    assert_eq!((kept.content_type(), kept.metadata().unwrap()["a"].as_str()), (Some("text/x"), "1"));
    let new = s3.head_object().bucket("one").key("new").send().await.unwrap();
    assert_eq!((new.content_type(), new.metadata().unwrap()["b"].as_str()), (Some("text/y"), "2"));
    assert!(!new.metadata().unwrap().contains_key("a"));
    assert_eq!(s3.get_object_tagging().bucket("one").key("new").send().await.unwrap().tag_set().len(), 1);
    assert_eq!(refusal(copy("k").send().await), (400, "InvalidRequest".into()));
    copy("k").metadata_directive(replace).metadata("c", "3").send().await.unwrap();
    assert_eq!(read(&s3, "k", None).await, bytes(5000, 1));
    assert_eq!(refusal(s3.copy_object().bucket("one").key("x").copy_source("one/none").send().await).0, 404);
}
