//! Objects: put, get, head, copy, delete, with their conditions.

mod common;

use aws_sdk_s3::primitives::ByteStream;
use common::{Served, bytes, refusal};

#[tokio::test]
async fn what_is_put_is_got_back_with_all_that_was_said_of_it() {
    let served = Served::new().await;
    let s3 = served.operator();
    s3.create_bucket().bucket("one").send().await.unwrap();
    for (len, at) in [
        (0, "none"),
        (5, "small"),
        (2048, "here"),
        (2049, "row"),
        (131_072, "inline"),
        (131_073, "blob"),
        (3_000_000, "big"),
    ] {
        let body = bytes(len, 7);
        let put = s3.put_object().bucket("one").key(at).body(ByteStream::from(body.clone()));
        let put =
            put.content_type("text/x").content_encoding("gzip").metadata("who", "me").send().await.unwrap();
        let got = s3.get_object().bucket("one").key(at).send().await.unwrap();
        assert_eq!(got.e_tag(), put.e_tag(), "{at}");
        assert_eq!(got.content_type(), Some("text/x"));
        assert_eq!(got.content_encoding(), Some("gzip"));
        assert_eq!(got.metadata().unwrap()["who"], "me");
        assert_eq!(got.content_length(), Some(len as i64));
        assert_eq!(got.body.collect().await.unwrap().into_bytes(), body, "{at}");
    }
    assert_eq!(served.blob_files(), 2);
    let page = s3.list_objects_v2().bucket("one").send().await.unwrap();
    assert_eq!(page.contents().len(), 7);
}

#[tokio::test]
async fn conditional_puts_answer_as_s3_does() {
    let served = Served::new().await;
    let s3 = served.operator();
    s3.create_bucket().bucket("one").send().await.unwrap();
    let put = || s3.put_object().bucket("one").key("k").body(ByteStream::from_static(b"x"));
    let first = put().if_none_match("*").send().await.unwrap();
    assert_eq!(refusal(put().if_none_match("*").send().await), (412, "PreconditionFailed".into()));
    assert_eq!(refusal(put().if_match("\"beef\"").send().await), (412, "PreconditionFailed".into()));
    put().if_match(first.e_tag().unwrap()).send().await.unwrap();
    put().if_match("*").send().await.unwrap();
    let missing = s3.put_object().bucket("one").key("none").if_match("*");
    assert_eq!(refusal(missing.send().await), (404, "NoSuchKey".into()));
}
