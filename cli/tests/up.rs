//! The real binary: `up`, `env`, S3 and the verbs on one port, and its end.

mod common;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use common::{Running, firesteel, free_port, output, stdout};
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const END: Duration = Duration::from_secs(20);

struct Site {
    _parent: tempfile::TempDir,
    data: PathBuf,
    log: PathBuf,
}

impl Site {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let (data, log) = (parent.path().join("data"), parent.path().join("log"));
        Self { _parent: parent, data, log }
    }

    fn up(&self, words: &[&str]) -> Running {
        let words = [&["up"], words].concat();
        Running::start(firesteel(&self.data, &words), self.log.clone())
    }
}

fn variables(data: &Path) -> BTreeMap<String, String> {
    let text = stdout(data, &["env"]);
    let pair = |line: &str| {
        let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    text.lines().map(pair).collect()
}

fn s3(set: &BTreeMap<String, String>) -> aws_sdk_s3::Client {
    let keys = Credentials::new(&set["AWS_ACCESS_KEY_ID"], &set["AWS_SECRET_ACCESS_KEY"], None, None, "test");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&set["AWS_ENDPOINT_URL"])
        .region(Region::new(set["AWS_REGION"].clone()))
        .force_path_style(true)
        .credentials_provider(keys);
    aws_sdk_s3::Client::from_conf(config.build())
}

#[tokio::test]
async fn the_story_up_to_the_first_run() {
    let site = Site::new();
    let before = variables(&site.data);
    let port = free_port().to_string();
    let up = site.up(&["--port", &port]);
    assert_eq!(up.endpoint(), format!("http://127.0.0.1:{port}"));
    assert_eq!(std::fs::metadata(&site.data).unwrap().permissions().mode() & 0o777, 0o700);
    let set = variables(&site.data);
    assert_eq!(set["AWS_ENDPOINT_URL"], up.endpoint());
    assert_eq!(set["AWS_SECRET_ACCESS_KEY"], before["AWS_SECRET_ACCESS_KEY"]);

    let s3 = s3(&set);
    s3.create_bucket().bucket("my-bucket").send().await.unwrap();
    s3.put_object().bucket("my-bucket").key("k").body(b"hello".to_vec().into()).send().await.unwrap();
    let got =
        s3.get_object().bucket("my-bucket").key("k").send().await.unwrap().body.collect().await.unwrap();
    assert_eq!(got.into_bytes().as_ref(), b"hello");
    let buckets = s3.list_buckets().send().await.unwrap();
    let names: Vec<&str> = buckets.buckets().iter().filter_map(|bucket| bucket.name()).collect();
    assert_eq!(names, ["my-bucket"], "the state's bucket is the control plane's alone");

    let text = stdout(
        &site.data,
        &[
            "create-application",
            "--release-label",
            "emr-7.13.0",
            "--type",
            "SPARK",
            "--name",
            "n",
            "--tags",
            "a=b",
        ],
    );
    let created: serde_json::Value = serde_json::from_str(&text).unwrap();
    let id = created["applicationId"].as_str().unwrap();
    let text = stdout(&site.data, &["get-application", "--application-id", id]);
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&found["application"]["name"], &found["application"]["tags"]["a"]),
        (&"n".into(), &"b".into())
    );
    assert!(found["application"]["createdAt"].as_str().unwrap().ends_with("+00:00"), "{text}");
    let text = stdout(&site.data, &["list-applications"]);
    assert!(text.contains(id) && text.starts_with("{\n    \"applications\": ["), "{text}");

    up.signal(Signal::SIGTERM);
    assert_eq!(up.ended(END), (true, String::new()), "exactly one line on stdout");

    // The same port again without being told, and the state is there.
    let up = site.up(&[]);
    assert_eq!(up.endpoint(), set["AWS_ENDPOINT_URL"]);
    assert!(stdout(&site.data, &["get-application", "--application-id", id]).contains("emr-7.13.0"));
    up.signal(Signal::SIGKILL);
    up.ended(END);
    let up = site.up(&["--port", "0"]);
    assert_ne!(up.endpoint(), set["AWS_ENDPOINT_URL"]);
    assert!(stdout(&site.data, &["get-application", "--application-id", id]).contains("emr-7.13.0"));
    up.signal(Signal::SIGINT);
    assert!(up.ended(END).0);
}

#[test]
fn errors_of_the_service_are_said_as_the_aws_cli_does() {
    let site = Site::new();
    let up = site.up(&["--port", "0"]);
    let said = |words: &[&str]| {
        let output = output(&site.data, words);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = said(&["get-application", "--application-id", "00gnothing"]);
    assert_eq!(code, Some(254));
    let expected =
        "An error occurred (ResourceNotFoundException) when calling the GetApplication operation: ";
    assert!(text.trim_start().starts_with(expected), "{text}");
    let (code, text) = said(&["create-application", "--release-label", "emr-0", "--type", "SPARK"]);
    assert_eq!(code, Some(254));
    assert!(text.contains("(ValidationException) when calling the CreateApplication operation"), "{text}");
    assert_eq!(said(&["get-application"]).0, Some(2));
    assert_eq!(said(&["start-job-run", "--job-driver", "{"]).0, Some(2));
    let (code, text) = said(&["logs", "00gnothing"]);
    assert_eq!((code, text.as_str()), (Some(1), "firesteel: no application has a job run 00gnothing\n"));
    drop(up);
    let (code, text) = said(&["list-applications"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("Is `firesteel up` running?") && text.lines().count() == 1, "{text}");
}

#[test]
fn one_folder_one_up_and_one_port_one_listener() {
    let (site, other) = (Site::new(), Site::new());
    let up = site.up(&["--port", "0"]);
    let port = up.endpoint().rsplit(':').next().unwrap().to_owned();
    let said = |data: &Path, words: &[&str]| {
        let output = output(data, words);
        assert!(output.stdout.is_empty());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = said(&site.data, &["up", "--port", "0"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("in use by another firesteel"), "{text}");
    let (code, text) = said(&other.data, &["up", "--port", &port]);
    assert_eq!(code, Some(1));
    assert!(text.contains(&format!("port {port} is in use")) && text.contains("--port"), "{text}");
    let (code, text) = said(&other.data, &["up", "--port", "0", "--listen", "0.0.0.0"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("roles.toml"), "{text}");
    up.signal(Signal::SIGTERM);
    assert!(up.ended(END).0);
}

#[tokio::test]
async fn serve_on_another_s3_alone_and_beside_another() {
    let (site, first, second) = (Site::new(), Site::new(), Site::new());
    let up = site.up(&["--port", "0"]);
    let set = variables(&site.data);
    s3(&set).create_bucket().bucket("my-state").send().await.unwrap();
    let serve = |at: &Site| {
        let words = ["serve", "--state", "s3://my-state/a/b", "--listen", "127.0.0.1:0"];
        let mut command = firesteel(&at.data, &words);
        command.envs(&set).env("FIRESTEEL_ACCESS_KEY_ID", "K").env("FIRESTEEL_SECRET_ACCESS_KEY", "S");
        Running::start(command, at.log.clone())
    };
    let (one, two) = (serve(&first), serve(&second));
    assert!(one.line.contains("(state in s3://my-state/a/b)"), "{}", one.line);
    let said = |server: &Running, words: &[&str]| {
        let keys = [
            ("AWS_ACCESS_KEY_ID", "K"),
            ("AWS_SECRET_ACCESS_KEY", "S"),
            ("AWS_ENDPOINT_URL", server.endpoint()),
        ];
        let output = firesteel(&first.data, words).envs(keys).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let created = said(&one, &["create-application", "--release-label", "emr-7.13.0", "--type", "SPARK"]);
    let id = created["applicationId"].as_str().unwrap();
    let found = said(&two, &["get-application", "--application-id", id]);
    assert_eq!(found["application"]["applicationId"], id, "what one wrote the other reads");
    let shared = s3(&set).get_object().bucket("my-state").key("a/b/registry/installation.json").send().await;
    assert!(shared.is_ok(), "{shared:?}");
    let wrong = |state: &str, listen: &str| {
        let third = Site::new();
        let mut command = firesteel(&third.data, &["serve", "--state", state, "--listen", listen]);
        command.envs(&set).env("FIRESTEEL_ACCESS_KEY_ID", "K").env("FIRESTEEL_SECRET_ACCESS_KEY", "S");
        let output = command.output().unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
        String::from_utf8(output.stderr).unwrap().lines().last().unwrap().to_owned()
    };
    let text = wrong("s3://no-such-bucket/a", "127.0.0.1:0");
    assert!(text.ends_with("NoSuchBucket: The specified bucket does not exist"), "{text}");
    let taken = one.endpoint().strip_prefix("http://").unwrap();
    let text = wrong("s3://my-state/a/b", taken);
    assert!(text.contains("is in use") && text.contains("serve: --listen ADDR:N"), "{text}");
    for server in [one, two] {
        server.signal(Signal::SIGTERM);
        assert_eq!(server.ended(END), (true, String::new()));
    }
    up.signal(Signal::SIGTERM);
    assert!(up.ended(END).0);
}

#[test]
fn help_and_version() {
    let site = Site::new();
    let help = stdout(&site.data, &["--help"]);
    for word in ["up", "env", "serve", "logs", "release", "start-job-run", "list-applications"] {
        assert!(help.contains(&format!("  {word}")), "{word}: {help}");
    }
    assert!(!help.contains("runner"), "{help}");
    assert!(stdout(&site.data, &["--version"]).starts_with("firesteel "));
    let verb = stdout(&site.data, &["help", "start-job-run"]);
    assert!(
        verb.contains("--execution-role-arn <TEXT>") && verb.contains("--job-driver <JSON|K=V>"),
        "{verb}"
    );
    assert!(!site.data.exists(), "help makes no folder");
}

#[test]
fn without_an_installation_a_verb_says_what_to_do() {
    let site = Site::new();
    let output = output(&site.data, &["list-applications"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("start `firesteel up`"), "{text}");
    assert!(!site.data.exists());
    let output =
        firesteel(&site.data, &["list-applications"]).env("AWS_ENDPOINT_URL", "http://h").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text, "firesteel: no keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\n");
}
