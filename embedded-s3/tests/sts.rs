//! STS, roles, session policies and who may touch what.

mod common;

use aws_credential_types::Credentials;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use common::{STATE, Served, refusal};
use firesteel_embedded_s3::{KeyPair, NamedUser, SessionHolder};

const ROLE: &str = "arn:aws:iam::123456789012:role/path/etl";

fn sts_refusal<T: std::fmt::Debug, E: aws_sdk_sts::error::ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, aws_sdk_sts::error::SdkError<E>>,
) -> (u16, String, String) {
    let error = result.expect_err("the request should have been refused");
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let error = error.as_service_error().unwrap();
    (status, error.code().unwrap_or_default().into(), error.message().unwrap_or_default().into())
}

async fn assume(served: &Served, role: &str, policy: Option<&str>) -> Credentials {
    let assumed = served.sts("operator", "operator-secret", None).assume_role();
    let assumed = assumed.role_arn(role).role_session_name("run").set_policy(policy.map(str::to_owned));
    let given = assumed.send().await.unwrap().credentials.unwrap();
    let (key, secret, token) = (given.access_key_id, given.secret_access_key, given.session_token);
    Credentials::new(key, secret, Some(token), None, "test")
}

async fn furnish(served: &Served) {
    let all = served.control_plane();
    for bucket in ["one", "two", STATE] {
        all.create_bucket().bucket(bucket).send().await.unwrap();
        for key in ["in/a", "out/a", "secret/a"] {
            all.put_object()
                .bucket(bucket)
                .key(key)
                .body(ByteStream::from_static(b"x"))
                .send()
                .await
                .unwrap();
        }
    }
}

async fn buckets(s3: &aws_sdk_s3::Client) -> Vec<String> {
    let buckets = s3.list_buckets().send().await.unwrap().buckets.unwrap();
    buckets.into_iter().map(|bucket| bucket.name.unwrap()).collect()
}

#[tokio::test]
async fn a_session_is_good_after_a_restart_and_says_who_it_is() {
    let served = Served::new().await;
    furnish(&served).await;
    let session = assume(&served, ROLE, None).await;
    let served = served.restart().await;
    served.client(session.clone()).get_object().bucket("one").key("in/a").send().await.unwrap();
    let sts = served.sts(session.access_key_id(), session.secret_access_key(), session.session_token());
    let identity = sts.get_caller_identity().send().await.unwrap();
    assert_eq!(identity.arn(), Some("arn:aws:sts::123456789012:assumed-role/etl/run"));
    assert_eq!(identity.account(), Some("123456789012"));
    let operator =
        served.sts("operator", "operator-secret", None).get_caller_identity().send().await.unwrap();
    assert_eq!(operator.account(), Some("000000000000"));
}

#[tokio::test]
async fn only_the_control_plane_sees_the_state_bucket() {
    let served = Served::new().await;
    furnish(&served).await;
    assert_eq!(buckets(&served.control_plane()).await, [STATE, "one", "two"]);
    let session = assume(&served, ROLE, None).await;
    for s3 in [served.operator(), served.client(session)] {
        assert_eq!(buckets(&s3).await, ["one", "two"]);
        let denied = (403, "AccessDenied".to_owned());
        assert_eq!(refusal(s3.get_object().bucket(STATE).key("in/a").send().await), denied);
        assert_eq!(refusal(s3.get_object().bucket(STATE).key("none").send().await), denied);
        assert_eq!(refusal(s3.put_object().bucket(STATE).key("in/a").send().await), denied);
        assert_eq!(refusal(s3.delete_object().bucket(STATE).key("in/a").send().await), denied);
        assert_eq!(refusal(s3.list_objects_v2().bucket(STATE).send().await), denied);
        assert_eq!(refusal(s3.list_objects().bucket(STATE).send().await), denied);
        assert_eq!(refusal(s3.list_object_versions().bucket(STATE).send().await), denied);
        assert_eq!(refusal(s3.delete_bucket().bucket(STATE).send().await), denied);
        assert_eq!(refusal(s3.create_bucket().bucket(STATE).send().await), denied);
        assert_eq!(refusal(s3.create_multipart_upload().bucket(STATE).key("k").send().await), denied);
        assert_eq!(refusal(s3.head_bucket().bucket(STATE).send().await).0, 403);
        let source = format!("{STATE}/in/a");
        assert_eq!(
            refusal(s3.copy_object().bucket("one").key("k").copy_source(&source).send().await),
            denied
        );
        let upload = s3.create_multipart_upload().bucket("one").key("k").send().await.unwrap();
        let part = s3.upload_part_copy().bucket("one").key("k").upload_id(upload.upload_id.unwrap());
        assert_eq!(refusal(part.part_number(1).copy_source(&source).send().await), denied);
        let objects = ObjectIdentifier::builder().key("in/a").build().unwrap();
        let delete = Delete::builder().objects(objects).build().unwrap();
        assert_eq!(refusal(s3.delete_objects().bucket(STATE).delete(delete).send().await), denied);
    }
    served.control_plane().get_object().bucket(STATE).key("in/a").send().await.unwrap();
}

#[tokio::test]
async fn a_session_policy_narrows() {
    let served = Served::new().await;
    furnish(&served).await;
    let policy = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "Resource": "arn:aws:s3:::one/*"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::one"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::one/secret/*"}]}"#;
    let s3 = served.client(assume(&served, ROLE, Some(policy)).await);
    s3.get_object().bucket("one").key("in/a").send().await.unwrap();
    s3.list_objects_v2().bucket("one").send().await.unwrap();
    s3.copy_object().bucket("one").key("in/b").copy_source("one/in/a").send().await.unwrap();
    let denied = (403, "AccessDenied".to_owned());
    assert_eq!(refusal(s3.get_object().bucket("one").key("secret/a").send().await), denied);
    assert_eq!(refusal(s3.get_object().bucket("two").key("in/a").send().await), denied);
    assert_eq!(refusal(s3.list_objects_v2().bucket("two").send().await), denied);
    assert_eq!(
        refusal(s3.copy_object().bucket("one").key("x").copy_source("one/secret/a").send().await),
        denied
    );
    assert_eq!(refusal(s3.get_object_tagging().bucket("one").key("in/a").send().await), denied);
    assert_eq!(refusal(s3.list_buckets().send().await), denied);
    assert_eq!(refusal(s3.create_bucket().bucket("three").send().await), denied);
    let objects = ["in/a", "secret/a"].map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
    let delete = Delete::builder().set_objects(Some(objects.to_vec())).build().unwrap();
    let outcome = s3.delete_objects().bucket("one").delete(delete).send().await.unwrap();
    assert_eq!(outcome.deleted()[0].key(), Some("in/a"));
    assert_eq!(
        (outcome.errors()[0].key(), outcome.errors()[0].code()),
        (Some("secret/a"), Some("AccessDenied"))
    );
    served.operator().head_object().bucket("one").key("secret/a").send().await.unwrap();
}

#[tokio::test]
async fn a_roles_file_says_which_roles_there_are() {
    let served = Served::with_roles(
        "[[role]]\narn = \"arn:aws:iam::123456789012:role/path/etl\"\nallow = [\"s3://one/out/*\"]\nread_only = [\"s3://one/in/*\"]\n",
    )
    .await;
    furnish(&served).await;
    let s3 = served.client(assume(&served, ROLE, None).await);
    s3.put_object().bucket("one").key("out/b").send().await.unwrap();
    s3.get_object().bucket("one").key("in/a").send().await.unwrap();
    s3.list_objects_v2().bucket("one").prefix("out/").send().await.unwrap();
    assert_eq!(buckets(&s3).await, ["one"]);
    let denied = (403, "AccessDenied".to_owned());
    assert_eq!(refusal(s3.put_object().bucket("one").key("in/b").send().await), denied);
    assert_eq!(refusal(s3.get_object().bucket("one").key("secret/a").send().await), denied);
    assert_eq!(refusal(s3.list_objects_v2().bucket("one").send().await), denied);
    s3.list_object_versions().bucket("one").prefix("out/").send().await.unwrap();
    assert_eq!(refusal(s3.list_object_versions().bucket("one").send().await), denied);
    assert_eq!(refusal(s3.list_object_versions().bucket(STATE).prefix("out/").send().await), denied);
    assert_eq!(refusal(s3.get_object().bucket("two").key("in/a").send().await), denied);
    assert_eq!(refusal(s3.delete_bucket().bucket("one").send().await), denied);
    let sts = served.sts("operator", "operator-secret", None);
    let other = sts
        .assume_role()
        .role_arn("arn:aws:iam::123456789012:role/other")
        .role_session_name("run")
        .send()
        .await;
    assert_eq!(
        sts_refusal(other),
        (403, "AccessDenied".into(), "User: arn:aws:iam::000000000000:user/firesteel-operator is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/other".into())
    );
}

#[tokio::test]
async fn sts_refuses_as_aws_does() {
    let served = Served::new().await;
    furnish(&served).await;
    let sts = served.sts("operator", "operator-secret", None);
    let assume_role = || sts.assume_role().role_arn(ROLE).role_session_name("run");
    let table = [
        (assume_role().duration_seconds(899), 400, "ValidationError"),
        (assume_role().duration_seconds(43_201), 400, "ValidationError"),
        (assume_role().role_session_name("r"), 400, "ValidationError"),
        (assume_role().role_session_name("a b"), 400, "ValidationError"),
        (assume_role().role_arn("arn:aws:iam::123456789012:user/etl"), 400, "ValidationError"),
        (assume_role().policy("{"), 400, "MalformedPolicyDocument"),
        (
            assume_role().policy(
                r#"{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {}}}"#,
            ),
            400,
            "MalformedPolicyDocument",
        ),
    ];
    for (request, status, code) in table {
        let found = sts_refusal(request.send().await);
        assert_eq!((found.0, found.1.as_str()), (status, code), "{}", found.2);
    }
    let code = |found: (u16, String, String)| (found.0, found.1);
    let wrong = served.sts("operator", "wrong", None).get_caller_identity().send().await;
    assert_eq!(code(sts_refusal(wrong)), (403, "SignatureDoesNotMatch".into()));
    let unknown = served.sts("nobody", "x", None).get_caller_identity().send().await;
    assert_eq!(code(sts_refusal(unknown)), (403, "InvalidClientTokenId".into()));
    let session = assume(&served, ROLE, None).await;
    let (key, secret) = (session.access_key_id(), session.secret_access_key());
    let chained = served.sts(key, secret, session.session_token()).assume_role();
    let chained = chained.role_arn(ROLE).role_session_name("run").send().await;
    assert_eq!(code(sts_refusal(chained)), (403, "AccessDenied".into()));
    let tokenless = served.sts(key, secret, None).get_caller_identity().send().await;
    assert_eq!(code(sts_refusal(tokenless)), (403, "InvalidClientTokenId".into()));
    let other = assume(&served, ROLE, None).await;
    for (token, refused) in [
        (None, (403, "InvalidAccessKeyId".to_owned())),
        (Some("AAAA".to_owned()), (400, "InvalidToken".to_owned())),
        (other.session_token().map(str::to_owned), (400, "InvalidToken".to_owned())),
    ] {
        let s3 = served.client(Credentials::new(key, secret, token, None, "test"));
        assert_eq!(refusal(s3.get_object().bucket("one").key("in/a").send().await), refused);
    }
}

const ANN: &str = "arn:aws:iam::000000000000:user/ann";
const TRUSTING: &str = r#"
[[role]]
arn = "arn:aws:iam::123456789012:role/path/etl"
allow = ["s3://one"]
assumed_by = ["arn:aws:iam::000000000000:user/a*"]
external_id = "4711"
max_session_seconds = 7200

[[policy]]
arn = "arn:aws:iam::123456789012:policy/only-in"
document = '''{"Statement": {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::one/in/*"}}'''
"#;

fn named(served: &Served, name: &str) {
    let user = NamedUser {
        key: KeyPair { access_key: name.into(), secret_key: format!("{name}-secret") },
        arn: format!("arn:aws:iam::000000000000:user/{name}"),
        allow: vec!["s3://one/out/*".into()],
        read_only: vec!["s3://one/in/*".into()],
    };
    served.store().set_users(vec![user]).unwrap();
}

fn credentials(given: aws_sdk_sts::types::Credentials) -> Credentials {
    let (key, secret, token) = (given.access_key_id, given.secret_access_key, given.session_token);
    Credentials::new(key, secret, Some(token), None, "test")
}

#[tokio::test]
async fn named_users_have_limits_and_may_be_replaced() {
    let served = Served::new().await;
    furnish(&served).await;
    let denied = (403, "AccessDenied".to_owned());
    let ann = served.client(Credentials::new("ann", "ann-secret", None, None, "test"));
    let unknown = refusal(ann.get_object().bucket("one").key("in/a").send().await);
    assert_eq!(unknown, (403, "InvalidAccessKeyId".to_owned()));
    named(&served, "ann");
    assert_eq!(buckets(&ann).await, ["one"]);
    ann.get_object().bucket("one").key("in/a").send().await.unwrap();
    ann.put_object().bucket("one").key("out/b").send().await.unwrap();
    assert_eq!(refusal(ann.put_object().bucket("one").key("in/b").send().await), denied);
    assert_eq!(refusal(ann.get_object().bucket(STATE).key("in/a").send().await), denied);
    assert_eq!(refusal(ann.get_object().bucket("two").key("in/a").send().await), denied);
    let sts = served.sts("ann", "ann-secret", None);
    assert_eq!(sts.get_caller_identity().send().await.unwrap().arn(), Some(ANN));
    named(&served, "bob");
    assert_eq!(refusal(ann.get_object().bucket("one").key("in/a").send().await).1, "InvalidAccessKeyId");
}

#[tokio::test]
async fn a_role_is_assumed_by_whom_it_trusts_and_no_longer_than_it_says() {
    let served = Served::with_roles(TRUSTING).await;
    furnish(&served).await;
    let refused = (403, "AccessDenied".to_owned());
    let code = |found: (u16, String, String)| (found.0, found.1);
    let assume = |sts: &aws_sdk_sts::Client| sts.assume_role().role_arn(ROLE).role_session_name("run");
    for (name, id, expected) in [
        ("ann", Some("4711"), true),
        ("ann", None, false),
        ("ann", Some("x"), false),
        ("bob", Some("4711"), false),
    ] {
        named(&served, name);
        let sts = served.sts(name, &format!("{name}-secret"), None);
        let answer = assume(&sts).set_external_id(id.map(str::to_owned)).send().await;
        assert_eq!(answer.is_ok(), expected, "{name} {id:?}");
        if !expected {
            assert_eq!(code(sts_refusal(answer)), refused);
        }
    }
    let operator = served.sts("operator", "operator-secret", None);
    assert_eq!(
        code(sts_refusal(assume(&operator).send().await)),
        refused,
        "it does not know the external id"
    );
    let service = served.sts("control-plane", "control-plane-secret", None);
    assume(&service).duration_seconds(7_200).send().await.unwrap();
    let long = sts_refusal(assume(&service).duration_seconds(7_201).send().await);
    assert_eq!((long.0, long.1.as_str()), (400, "ValidationError"));
    assert!(long.2.contains("MaxSessionDuration"), "{}", long.2);
}

#[tokio::test]
async fn named_policies_narrow_together_with_the_inline_one() {
    let served = Served::with_roles(TRUSTING).await;
    furnish(&served).await;
    let sts = served.sts("control-plane", "control-plane-secret", None);
    let arn = |name: &str| {
        let arn = format!("arn:aws:iam::123456789012:policy/{name}");
        aws_sdk_sts::types::PolicyDescriptorType::builder().arn(arn).build()
    };
    let reading = r#"{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}"#;
    let assume = || sts.assume_role().role_arn(ROLE).role_session_name("run");
    let answer = assume().policy_arns(arn("only-in")).policy(reading).send().await.unwrap();
    let s3 = served.client(credentials(answer.credentials.unwrap()));
    s3.get_object().bucket("one").key("in/a").send().await.unwrap();
    let denied = (403, "AccessDenied".to_owned());
    assert_eq!(
        refusal(s3.get_object().bucket("one").key("out/a").send().await),
        denied,
        "the named one says no"
    );
    assert_eq!(
        refusal(s3.put_object().bucket("one").key("in/b").send().await),
        denied,
        "the inline one says no"
    );
    let unknown = sts_refusal(assume().policy_arns(arn("none")).send().await);
    assert_eq!((unknown.0, unknown.1.as_str()), (400, "NoSuchEntity"));
    assert_eq!(unknown.2, "The policy arn:aws:iam::123456789012:policy/none does not exist");
    let long = format!("{reading}{}", " ".repeat(2_048 - reading.len()));
    let both = sts_refusal(assume().policy_arns(arn("only-in")).policy(long).send().await);
    assert_eq!((both.0, both.1.as_str()), (400, "PackedPolicyTooLarge"));
}

#[tokio::test]
async fn a_users_session_is_the_user_and_ends_with_them() {
    let served = Served::with_roles(TRUSTING).await;
    furnish(&served).await;
    named(&served, "ann");
    let sts = served.sts("ann", "ann-secret", None);
    let session = credentials(sts.get_session_token().send().await.unwrap().credentials.unwrap());
    let s3 = served.client(session.clone());
    s3.get_object().bucket("one").key("in/a").send().await.unwrap();
    let own = served.sts(session.access_key_id(), session.secret_access_key(), session.session_token());
    assert_eq!(own.get_caller_identity().send().await.unwrap().arn(), Some(ANN));
    let again = sts_refusal(own.get_session_token().send().await);
    assert_eq!((again.0, again.1.as_str()), (403, "AccessDenied"));
    let assumed =
        own.assume_role().role_arn(ROLE).role_session_name("run").external_id("4711").send().await.unwrap();
    let assumed = credentials(assumed.credentials.unwrap());

    let store = served.store();
    let known = store.session(session.access_key_id(), session.session_token().unwrap()).unwrap();
    assert_eq!(known.holder, SessionHolder::User("ann".into()));
    let known = store.session(assumed.access_key_id(), assumed.session_token().unwrap()).unwrap();
    let arn = "arn:aws:sts::123456789012:assumed-role/etl/run".to_owned();
    assert_eq!(known.holder, SessionHolder::Role { role: ROLE.into(), arn });
    assert_eq!(known.secret_key, assumed.secret_access_key());
    assert_eq!(store.session(assumed.access_key_id(), session.session_token().unwrap()), None);
    assert_eq!(store.session("ann", session.session_token().unwrap()), None);

    named(&served, "bob");
    assert_eq!(refusal(s3.get_object().bucket("one").key("in/a").send().await).1, "InvalidAccessKeyId");
}

#[tokio::test]
async fn a_changed_roles_file_holds_for_new_sessions_and_a_broken_one_for_none() {
    let served = Served::with_roles(TRUSTING).await;
    furnish(&served).await;
    let file = served.folder.path().join("roles.toml");
    let sts = served.sts("control-plane", "control-plane-secret", None);
    let assume = async || sts.assume_role().role_arn(ROLE).role_session_name("run").send().await;
    let old = served.client(credentials(assume().await.unwrap().credentials.unwrap()));
    std::fs::write(&file, "[[role]]\narn = 1").unwrap();
    assert!(served.store().reload_roles().unwrap_err().contains("line 2"));
    assume().await.unwrap();
    std::fs::write(&file, TRUSTING.replace("s3://one\"", "s3://two\"")).unwrap();
    served.store().reload_roles().unwrap();
    let new = served.client(credentials(assume().await.unwrap().credentials.unwrap()));
    for (s3, bucket, other) in [(old, "one", "two"), (new, "two", "one")] {
        s3.get_object().bucket(bucket).key("in/a").send().await.unwrap();
        assert_eq!(refusal(s3.get_object().bucket(other).key("in/a").send().await).1, "AccessDenied");
    }
    std::fs::remove_file(&file).unwrap();
    served.store().reload_roles().unwrap_err();
    assert!(
        sts.assume_role()
            .role_arn("arn:aws:iam::123456789012:role/x")
            .role_session_name("run")
            .send()
            .await
            .is_err()
    );
}
