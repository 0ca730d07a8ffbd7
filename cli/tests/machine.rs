//! The service's ports as implemented here, against the embedded S3 and its STS behind the real door.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Credentials as Keys;
use firesteel_cli::machine::roles::StsRoles;
use firesteel_cli::machine::s3_client;
use firesteel_cli::machine::salvage::FolderSalvage;
use firesteel_cli::machine::sweep::S3Sweep;
use firesteel_cli::up::door::{self, Door};
use firesteel_cli::up::listener::Listener;
use firesteel_core::id::WorkerId;
use firesteel_embedded_s3::{Config, EmbeddedS3, KeyPair};
use firesteel_protocol::{Credentials, LogDestination, ObjectStore};
use firesteel_service::{Narrowing, RoleError, Roles, Salvage, Sweep};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

const ROLE: &str = "arn:aws:iam::000000000000:role/job";

struct Site {
    folder: tempfile::TempDir,
    store: ObjectStore,
    listener: Listener,
    client: Client,
}

impl Site {
    async fn new(roles_file: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roles.toml");
        if let Some(text) = roles_file {
            std::fs::write(&file, text).unwrap();
        }
        let key = |name: &str| KeyPair { access_key: format!("AKIA{name}"), secret_key: "secret".into() };
        let config = Config {
            root: folder.path().join("s3"),
            region: "us-east-1".into(),
            operator: key("OPERATOR"),
            control_plane: key("CONTROL"),
            state_bucket: "state".into(),
            roles_file: roles_file.map(|_| file),
            account_id: "000000000000".into(),
        };
        let s3 = Arc::new(EmbeddedS3::open(config).unwrap());
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", socket.local_addr().unwrap());
        let listener = Listener::start(socket, Arc::new(Door::new(door::s3(&s3), door::sts(&s3))));
        let keys = Keys::new("AKIAOPERATOR", "secret", None, None, "test");
        let client = s3_client(Some(&endpoint), "us-east-1", keys);
        client.create_bucket().bucket("bucket").send().await.unwrap();
        let store = ObjectStore { endpoint: Some(endpoint), region: "us-east-1".into(), path_style: true };
        Self { folder, store, listener, client }
    }

    fn roles(&self) -> StsRoles {
        use aws_sdk_sts::config::{BehaviorVersion, Region};
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(self.store.endpoint.clone().unwrap())
            .credentials_provider(Keys::new("AKIACONTROL", "secret", None, None, "test"));
        StsRoles::new(aws_sdk_sts::Client::from_conf(config.build()))
    }

    async fn assumed(&self) -> Credentials {
        self.roles().assume(ROLE, "app,run", &Narrowing::default()).await.unwrap()
    }

    async fn put(&self, key: &str) {
        self.client.put_object().bucket("bucket").key(key).body(b"x".to_vec().into()).send().await.unwrap();
    }

    async fn keys(&self) -> Vec<String> {
        let page = self.client.list_objects_v2().bucket("bucket").send().await.unwrap();
        page.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
    }
}

#[tokio::test]
async fn a_role_gives_credentials_for_an_hour_that_work() {
    let site = Site::new(None).await;
    let credentials = site.assumed().await;
    let hour = credentials.expires.since(credentials.granted);
    assert!((3_500_000..=3_660_000).contains(&hour), "{hour}");
    let keys = Keys::new(
        &credentials.access_key_id,
        &credentials.secret_access_key,
        Some(credentials.session_token.clone()),
        None,
        "test",
    );
    let client = s3_client(site.store.endpoint.as_deref(), "us-east-1", keys);
    client.put_object().bucket("bucket").key("k").body(b"x".to_vec().into()).send().await.unwrap();
    assert_eq!(site.keys().await, ["k"]);
    site.listener.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_no_and_a_silence_are_told_apart() {
    let site = Site::new(Some(
        "[[role]]\narn = \"arn:aws:iam::000000000000:role/known\"\nallow = [\"s3://bucket/*\"]\n",
    ))
    .await;
    let refused = site.roles().assume(ROLE, "app,run", &Narrowing::default()).await.unwrap_err();
    assert!(matches!(&refused, RoleError::Refused(text) if text.starts_with("AccessDenied")), "{refused:?}");
    let roles = site.roles();
    let malformed = roles.assume("not an arn", "app,run", &Narrowing::default()).await.unwrap_err();
    assert!(matches!(malformed, RoleError::Refused(_)), "{malformed:?}");
    let nowhere = "arn:aws:iam::000000000000:policy/nowhere".to_owned();
    let narrowing = Narrowing { policy: None, policy_arns: vec![nowhere] };
    let known = "arn:aws:iam::000000000000:role/known";
    let policy = roles.assume(known, "app,run", &narrowing).await.unwrap_err();
    assert!(matches!(&policy, RoleError::Policy(text) if text.contains("does not exist")), "{policy:?}");
    let narrowing = Narrowing { policy: Some("{".to_owned()), policy_arns: vec![] };
    let policy = roles.assume(known, "app,run", &narrowing).await.unwrap_err();
    assert!(matches!(policy, RoleError::Policy(_)), "{policy:?}");
    site.listener.stop(Duration::from_secs(1)).await;
    let silent = roles.assume(ROLE, "app,run", &Narrowing::default()).await.unwrap_err();
    assert!(matches!(silent, RoleError::Unavailable(_)), "{silent:?}");
}

#[tokio::test]
async fn a_prefix_is_swept_with_its_uploads_and_nothing_else() {
    let site = Site::new(None).await;
    for n in 0..1_003 {
        site.put(&format!("run/tmp/{n:04}")).await;
    }
    site.put("run/tmp-not").await;
    site.put("run/kept").await;
    for key in ["run/tmp/upload", "run/upload"] {
        site.client.create_multipart_upload().bucket("bucket").key(key).send().await.unwrap();
    }
    let (sweep, credentials) = (S3Sweep::new(site.store.clone()), site.assumed().await);
    assert!(sweep.sweep("s3://bucket/run/tmp/", &credentials).await);
    assert_eq!(site.keys().await, ["run/kept", "run/tmp-not"]);
    let open = site.client.list_multipart_uploads().bucket("bucket").send().await.unwrap();
    assert_eq!(open.uploads().iter().filter_map(|upload| upload.key()).collect::<Vec<_>>(), ["run/upload"]);
    assert!(sweep.sweep("s3://bucket/run/tmp/", &credentials).await, "sweeping twice is no error");
    assert!(!sweep.sweep("s3://bucket/", &credentials).await, "a whole bucket is never swept");
    assert!(!sweep.sweep("s3://nobody/run/tmp/", &credentials).await);
    site.listener.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn what_a_dead_runner_left_comes_to_s3() {
    let site = Site::new(None).await;
    let root = site.folder.path().join("workers");
    let logs = root.join("workers/worker-1/logs");
    std::fs::create_dir_all(&logs).unwrap();
    std::fs::write(logs.join("stdout"), "said\n").unwrap();
    std::fs::write(logs.join("stderr"), "").unwrap();
    let (salvage, credentials) = (FolderSalvage::new(root), site.assumed().await);
    let to = LogDestination { bucket: "bucket".into(), prefix: "logs/SPARK_DRIVER".into() };
    assert!(salvage.salvage(&WorkerId::new("worker-1"), &site.store, &to, &credentials).await);
    let got =
        site.client.get_object().bucket("bucket").key("logs/SPARK_DRIVER/stdout.gz").send().await.unwrap();
    let mut text = String::new();
    let packed = got.body.collect().await.unwrap().to_vec();
    flate2::read::MultiGzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, "said\n");
    assert!(
        !salvage.salvage(&WorkerId::new("worker-2"), &site.store, &to, &credentials).await,
        "no folder, no logs"
    );
    site.listener.stop(Duration::from_secs(1)).await;
}
