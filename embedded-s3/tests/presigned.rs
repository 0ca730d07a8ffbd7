//! Presigned URLs of signature version 2, which boto3 makes by default: they work, and cannot be made into anything else.

mod common;

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_s3::primitives::ByteStream;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::Served;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::crypto::{Checksum as _, Sha1};

fn sha1(parts: &[&[u8]]) -> Vec<u8> {
    let mut sha1 = Sha1::new();
    parts.iter().for_each(|part| sha1.update(part));
    sha1.finalize().to_vec()
}

/// HMAC-SHA1 (RFC 2104) of a key that is no longer than a block.
fn hmac(key: &str, text: &str) -> Vec<u8> {
    let pad = |byte: u8| -> Vec<u8> {
        let mut block = vec![byte; 64];
        block.iter_mut().zip(key.bytes()).for_each(|(block, key)| *block ^= key);
        block
    };
    sha1(&[&pad(0x5c), &sha1(&[&pad(0x36), text.as_bytes()])])
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A URL for a method and a path, valid for so many seconds, with `x-amz-*` headers as parameters.
fn url(
    served: &Served,
    (key, secret): (&str, &str),
    method: &str,
    path: &str,
    seconds: i64,
    headers: &[(&str, &str)],
) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let expires = now + seconds;
    let amz: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let signature = STANDARD.encode(hmac(secret, &format!("{method}\n\n\n{expires}\n{amz}{path}")));
    let amz: String = headers.iter().map(|(name, value)| format!("&{name}={}", encoded(value))).collect();
    let signature = encoded(&signature);
    format!("{}{path}?AWSAccessKeyId={key}&Signature={signature}&Expires={expires}{amz}", served.url)
}

const OPERATOR: (&str, &str) = ("operator", "operator-secret");

async fn store() -> Served {
    let served = Served::new().await;
    let s3 = served.operator();
    s3.create_bucket().bucket("one").send().await.unwrap();
    for key in ["k", "secret"] {
        s3.put_object().bucket("one").key(key).body(ByteStream::from_static(b"hello")).send().await.unwrap();
    }
    served
}

#[tokio::test]
async fn what_boto3_presigns_by_default_works() {
    let served = store().await;
    let http = reqwest::Client::new();
    let get = http.get(url(&served, OPERATOR, "GET", "/one/k", 60, &[])).send().await.unwrap();
    assert_eq!(get.status(), 200);
    assert_eq!(get.text().await.unwrap(), "hello");
    let meta = [("x-amz-meta-who", "me")];
    let put = http.put(url(&served, OPERATOR, "PUT", "/one/new", 60, &meta)).body("x").send().await.unwrap();
    assert_eq!(put.status(), 200);
    let head = served.operator().head_object().bucket("one").key("new").send().await.unwrap();
    assert_eq!(head.metadata().unwrap()["who"], "me");
    let sts = served.sts("control-plane", "control-plane-secret", None);
    let role = "arn:aws:iam::123456789012:role/etl";
    let session = sts.assume_role().role_arn(role).role_session_name("run").send().await.unwrap();
    let session = session.credentials.unwrap();
    let keys = (session.access_key_id(), session.secret_access_key());
    let token = [("x-amz-security-token", session.session_token())];
    let get = http.get(url(&served, keys, "GET", "/one/k", 60, &token)).send().await.unwrap();
    assert_eq!(get.status(), 200);
    let tokenless = http.get(url(&served, keys, "GET", "/one/k", 60, &[])).send().await.unwrap();
    assert_eq!(tokenless.status(), 403);
}

#[tokio::test]
async fn it_is_good_for_nothing_else() {
    let served = store().await;
    let http = reqwest::Client::new();
    let get = url(&served, OPERATOR, "GET", "/one/k", 60, &[]);
    let put = url(&served, OPERATOR, "PUT", "/one/mine", 60, &[]);
    let over = url(&served, OPERATOR, "GET", "/one/k", -1, &[]);
    let state = url(&served, OPERATOR, "GET", "/firesteel-state/k", 60, &[]);
    let post = url(&served, OPERATOR, "POST", "/one", 60, &[]) + "&delete";
    let source = "x-amz-copy-source";
    let table = [
        (http.get(over), 403, "an end"),
        (http.get(state), 403, "the state bucket"),
        (http.get(get.replace("/one/k", "/one/secret")), 403, "another key"),
        (http.delete(&get), 403, "another method"),
        (http.get(format!("{get}&attributes")), 403, "another operation"),
        (http.get(format!("{get}&attribute%73=")), 403, "another operation, spelled otherwise"),
        (http.put(format!("{put}&renameObject=")), 403, "another operation"),
        (http.put(&put).header(source, "one/secret"), 403, "a copy"),
        (http.put(format!("{put}&{source}=one%2Fsecret")), 403, "a copy by a parameter"),
        (http.put(format!("{put}&X-Amz-SignedHeaders=x-amz-copy-source")), 403, "both ways at once"),
        (http.get(&get).header("authorization", "AWS operator:x"), 400, "the older header"),
        (http.get(&get).header("authorization", "AWS4-HMAC-SHA256 Credential=x"), 400, "both ways at once"),
        (http.post(post), 400, "a list of what to delete"),
    ];
    for (request, status, what) in table {
        assert_eq!(request.send().await.unwrap().status(), status, "{what}");
    }
    let listed = served.operator().list_objects_v2().bucket("one").send().await.unwrap();
    assert_eq!(listed.contents().len(), 2);
}

#[tokio::test]
async fn a_client_of_no_region_is_told_which_it_is() {
    let served = store().await;
    let claim =
        "AWS4-HMAC-SHA256 Credential=operator/20260102/US/s3/aws4_request, SignedHeaders=host, Signature=00";
    let answer = reqwest::Client::new().get(format!("{}/one", served.url)).header("authorization", claim);
    let text = answer.send().await.unwrap().text().await.unwrap();
    assert!(text.contains("<Code>AuthorizationHeaderMalformed</Code>"), "{text}");
    assert!(text.contains("<Region>us-east-1</Region>"), "{text}");
}
