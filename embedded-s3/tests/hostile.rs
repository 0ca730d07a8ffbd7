//! Requests that mean harm, or mean what is not there: each is refused by its name and changes nothing.

mod common;

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    AccessControlPolicy, BucketCannedAcl, ObjectCannedAcl, ObjectOwnership, StorageClass,
};
use aws_sdk_s3::types::{Delete, ObjectIdentifier, OwnershipControls, OwnershipControlsRule};
use common::{STATE, Served, refusal};

async fn store() -> (Served, aws_sdk_s3::Client) {
    let served = Served::new().await;
    let s3 = served.operator();
    s3.create_bucket().bucket("one").send().await.unwrap();
    s3.put_object().bucket("one").key("secret").body(ByteStream::from_static(b"s")).send().await.unwrap();
    (served, s3)
}

fn minute() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(60)).unwrap()
}

#[tokio::test]
async fn a_presigned_put_is_no_copy() {
    let (served, s3) = store().await;
    served.control_plane().create_bucket().bucket(STATE).send().await.unwrap();
    let url = s3.put_object().bucket("one").key("mine").presigned(minute()).await.unwrap().uri().to_owned();
    let http = reqwest::Client::new();
    for source in ["one/secret", "firesteel-state/state"] {
        let answer = http.put(&url).header("x-amz-copy-source", source).send().await.unwrap();
        assert_eq!(answer.status(), 403);
        assert!(
            answer.text().await.unwrap().contains("headers present in the request which were not signed")
        );
    }
    let tagged = http.put(&url).header("x-amz-tagging", "a=b").send().await.unwrap();
    assert_eq!(tagged.status(), 403);
    // s3s knows its parameters however they are spelled.
    let spelled = url
        .replace("X-Amz-SignedHeaders=", "X-Amz-SignedHeader%73=")
        .replace("X-Amz-Signature=", "X-Amz-Signatur%65=");
    let claim = "AWS4-HMAC-SHA256 Credential=operator/20260102/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-copy-source, Signature=00";
    for (url, status) in [(&url, 400), (&spelled, 400)] {
        let copy = http.put(url).header("x-amz-copy-source", "one/secret");
        assert_eq!(copy.header("authorization", claim).send().await.unwrap().status(), status, "{url}");
    }
    let copy = http.put(&spelled).header("x-amz-copy-source", "one/secret").send().await.unwrap();
    assert_eq!(copy.status(), 403);
    assert_eq!(refusal(s3.get_object().bucket("one").key("mine").send().await).0, 404);
    let put = http.put(&url).header("x-amz-user-agent", "php").body("x").send().await.unwrap();
    assert_eq!(put.status(), 200);
}

#[tokio::test]
async fn presigned_urls_end_when_they_say_and_say_it_well() {
    let (_served, s3) = store().await;
    let url = s3.get_object().bucket("one").key("secret").presigned(minute()).await.unwrap().uri().to_owned();
    for (expires, status) in [("-1", 400), ("x", 400), ("604801", 400), ("59", 403)] {
        for name in ["X-Amz-Expires", "X-Amz-Expire%73"] {
            let url = url.replace("X-Amz-Expires=60", &format!("{name}={expires}"));
            assert_eq!(reqwest::get(&url).await.unwrap().status(), status, "{url}");
        }
    }
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 200);
    assert_eq!(reqwest::get(url.replace("/secret?", "/other?")).await.unwrap().status(), 403);
}

#[tokio::test]
async fn an_unknown_subresource_is_not_passed_over() {
    let (_served, s3) = store().await;
    s3.create_bucket().bucket("empty").send().await.unwrap();
    for name in ["metadataConfiguration", "versioning", "abac=", "acl"] {
        let delete = s3.delete_bucket().bucket("empty").customize().mutate_request(move |request| {
            let uri = request.uri().split('?').next().unwrap().to_owned();
            request.set_uri(format!("{uri}?{name}")).unwrap();
        });
        assert_eq!(refusal(delete.send().await), (501, "NotImplemented".into()), "{name}");
    }
    s3.head_bucket().bucket("empty").send().await.unwrap();
    let rename = s3.put_object().bucket("one").key("renamed").customize().mutate_request(|request| {
        let uri = request.uri().split('?').next().unwrap().to_owned();
        request.set_uri(format!("{uri}?renameObject")).unwrap();
    });
    assert_eq!(refusal(rename.send().await), (501, "NotImplemented".into()));
    assert_eq!(refusal(s3.head_object().bucket("one").key("renamed").send().await).0, 404);
}

#[tokio::test]
async fn what_is_not_there_is_not_promised() {
    let (_served, s3) = store().await;
    let put = || s3.put_object().bucket("one").key("k").body(ByteStream::from_static(b"x"));
    let no_acls = (400, "AccessControlListNotSupported".to_owned());
    assert_eq!(refusal(put().acl(ObjectCannedAcl::PublicRead).send().await), no_acls);
    assert_eq!(refusal(put().grant_read("id=1").send().await), no_acls);
    let bucket = s3.create_bucket().bucket("two").acl(BucketCannedAcl::PublicReadWrite).send().await;
    assert_eq!(refusal(bucket), no_acls);
    let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let sealed = put().sse_customer_algorithm("AES256").sse_customer_key(key).send().await;
    assert_eq!(refusal(sealed), (501, "NotImplemented".into()));
    let frozen = put().storage_class(StorageClass::DeepArchive).send().await;
    assert_eq!(refusal(frozen), (400, "InvalidStorageClass".into()));
    let locked = s3.create_bucket().bucket("two").object_lock_enabled_for_bucket(true).send().await;
    assert_eq!(refusal(locked), (501, "NotImplemented".into()));
    let others = put().expected_bucket_owner("111111111111").send().await;
    assert_eq!(refusal(others), (403, "AccessDenied".into()));
    assert_eq!(refusal(s3.head_object().bucket("one").key("k").send().await).0, 404);
    assert_eq!(refusal(s3.head_bucket().bucket("two").send().await).0, 404);

    put()
        .acl(ObjectCannedAcl::BucketOwnerFullControl)
        .storage_class(StorageClass::StandardIa)
        .send()
        .await
        .unwrap();
    put().expected_bucket_owner("000000000000").send().await.unwrap();
    s3.put_object_acl().bucket("one").key("k").acl(ObjectCannedAcl::Private).send().await.unwrap();
    s3.put_bucket_acl().bucket("one").acl(BucketCannedAcl::Private).send().await.unwrap();
    assert_eq!(refusal(s3.put_bucket_acl().bucket("one").grant_read("id=1").send().await), no_acls);
    let read = s3.get_object_acl().bucket("one").key("k").send().await.unwrap();
    let policy = AccessControlPolicy::builder().set_grants(read.grants).set_owner(read.owner);
    let again = s3.put_object_acl().bucket("one").key("k").access_control_policy(policy.build());
    again.send().await.unwrap();
    let nobodys = s3.put_object_acl().bucket("one").key("k");
    let nobodys = nobodys.access_control_policy(AccessControlPolicy::builder().build()).send().await;
    assert_eq!(refusal(nobodys), no_acls);
    let owned = |ownership| {
        let rule = OwnershipControlsRule::builder().object_ownership(ownership).build().unwrap();
        let controls = OwnershipControls::builder().rules(rule).build().unwrap();
        s3.put_bucket_ownership_controls().bucket("one").ownership_controls(controls).send()
    };
    owned(ObjectOwnership::BucketOwnerEnforced).await.unwrap();
    assert_eq!(refusal(owned(ObjectOwnership::ObjectWriter).await), (501, "NotImplemented".into()));
    let controls =
        s3.get_bucket_ownership_controls().bucket("one").send().await.unwrap().ownership_controls.unwrap();
    assert_eq!(controls.rules()[0].object_ownership(), &ObjectOwnership::BucketOwnerEnforced);
    let payment = s3.get_bucket_request_payment().bucket("one").send().await.unwrap();
    assert_eq!(payment.payer().unwrap().as_str(), "BucketOwner");
}

#[tokio::test]
async fn an_error_names_its_request_as_its_headers_do() {
    let (served, _s3) = store().await;
    let answer = reqwest::get(format!("{}/one/secret", served.url)).await.unwrap();
    assert_eq!(answer.status(), 403);
    let id = answer.headers()["x-amz-request-id"].to_str().unwrap().to_owned();
    let text = answer.text().await.unwrap();
    assert!(text.ends_with(&format!("<RequestId>{id}</RequestId></Error>")), "{text}");
    let wordless = reqwest::get(format!("{}/A_B/k", served.url)).await.unwrap().text().await.unwrap();
    assert!(wordless.contains("<Message>The specified bucket is not valid.</Message>"), "{wordless}");
}

#[tokio::test]
async fn a_list_of_what_to_delete_must_be_what_was_said_of_it() {
    let (_served, s3) = store().await;
    let delete = |header: &'static str, value: &'static str| {
        let object = ObjectIdentifier::builder().key("secret").build().unwrap();
        let delete = Delete::builder().objects(object).build().unwrap();
        let delete = s3.delete_objects().bucket("one").delete(delete).customize();
        delete.mutate_request(move |request| drop(request.headers_mut().insert(header, value))).send()
    };
    for (header, value, code) in [
        ("content-md5", "XrY7u+Ae7tCTyyK7j1rNww==", "BadDigest"),
        ("content-md5", "x", "InvalidDigest"),
        ("x-amz-checksum-sha256", "XrY7u+Ae7tCTyyK7j1rNww==", "BadDigest"),
    ] {
        assert_eq!(refusal(delete(header, value).await), (400, code.into()), "{header} {value}");
    }
    s3.head_object().bucket("one").key("secret").send().await.unwrap();
    delete("x-unrelated", "x").await.unwrap();
    assert_eq!(refusal(s3.head_object().bucket("one").key("secret").send().await).0, 404);
}

#[tokio::test]
async fn a_list_that_is_too_long_is_the_callers_fault() {
    let (served, _s3) = store().await;
    let url = format!("{}/one?delete", served.url);
    let body = " ".repeat(4 * 1024 * 1024 + 1);
    let answer = reqwest::Client::new().post(url).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let text = answer.text().await.unwrap();
    assert!(text.contains("<Code>MaxMessageLengthExceeded</Code>"), "{text}");
}
