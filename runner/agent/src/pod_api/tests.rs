//! The server over real sockets: a real HTTP client and a real WebSocket client.

use std::time::Duration;

use firesteel_pods::{BackoffLimits, Ended, Exit, Seen, Settings, Sighting};
use futures::{SinkExt, StreamExt};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::PodApi;

const PODS: &str = "/api/v1/namespaces/default/pods";
const TOKEN: &str = "run-token";
/// Longer than anything here takes, so that a hang is a failure and a slow machine is not.
const PATIENCE: Duration = Duration::from_secs(30);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn api() -> PodApi {
    PodApi::start(TOKEN, Settings::new(1, "3.5.9")).await.unwrap()
}

async fn send(api: &PodApi, method: Method, target: &str, body: String) -> Response {
    let request = Client::new().request(method, format!("{}{target}", api.url())).bearer_auth(TOKEN);
    request.header("content-type", "application/json").body(body).send().await.unwrap()
}

async fn create(api: &PodApi, n: u32) -> String {
    let variable = |name: &str, value: &str| json!({"name": name, "value": value});
    let id = n.to_string();
    let pod = json!({
        "metadata": {"name": format!("exec-{n}"), "labels": {"spark-role": "executor", "spark-exec-id": id}},
        "spec": {"containers": [{"name": "spark-kubernetes-executor", "env": [
            variable("SPARK_DRIVER_URL", "spark://d@127.0.0.1:1"), variable("SPARK_EXECUTOR_CORES", "1"),
            variable("SPARK_EXECUTOR_MEMORY", "600m"), variable("SPARK_APPLICATION_ID", "app"),
            variable("SPARK_EXECUTOR_ID", &id),
        ]}]},
    });
    let reply = send(api, Method::POST, PODS, pod.to_string()).await;
    assert_eq!(reply.status(), StatusCode::CREATED);
    reply.json::<Value>().await.unwrap()["metadata"]["uid"].as_str().unwrap().to_owned()
}

async fn socket(api: &PodApi, query: &str) -> Socket {
    let url = format!("{}{PODS}?{query}", api.url().replace("http", "ws"));
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    let (socket, response) = connect_async(request).await.unwrap();
    assert!(response.headers().get("sec-websocket-protocol").is_none());
    socket
}

async fn frame(socket: &mut Socket) -> Message {
    tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap()
}

async fn event(socket: &mut Socket) -> (String, String, u64) {
    let event: Value = serde_json::from_str(frame(socket).await.to_text().unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let version = text(&event["object"]["metadata"]["resourceVersion"]).parse().unwrap();
    (text(&event["type"]), text(&event["object"]["status"]["phase"]), version)
}

fn seen(uid: &str, seen: Seen) -> [Sighting; 1] {
    [Sighting { uid: uid.to_owned(), seen }]
}

fn running(uid: &str) -> [Sighting; 1] {
    seen(uid, Seen::Running { ip: "127.0.0.1".to_owned() })
}

fn crashed(uid: &str) -> [Sighting; 1] {
    seen(uid, Seen::Ended(Ended { exit: Some(Exit::Signal(9)), reason: None, message: None }))
}

#[tokio::test]
async fn nothing_is_served_without_the_token() {
    let api = api().await;
    for token in [None, Some("Bearer wrong-one"), Some("Bearer "), Some("Basic run-token"), Some("run-token")]
    {
        for (method, path) in [(Method::GET, PODS), (Method::POST, PODS), (Method::GET, "/version")] {
            let mut request = Client::new().request(method, format!("{}{path}", api.url()));
            if let Some(token) = token {
                request = request.header("authorization", token);
            }
            let reply = request.send().await.unwrap();
            assert_eq!(reply.status(), StatusCode::UNAUTHORIZED, "{token:?}");
            let status: Value = reply.json().await.unwrap();
            assert_eq!((&status["kind"], &status["reason"]), (&json!("Status"), &json!("Unauthorized")));
        }
    }
    let url = format!("{}{PODS}?watch=true", api.url().replace("http", "ws"));
    match connect_async(url).await {
        Err(tungstenite::Error::Http(reply)) => assert_eq!(reply.status(), 401),
        other => panic!("an upgrade without token must be refused: {other:?}"),
    }
    assert!(!format!("{api:?}").contains(TOKEN));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_the_server_lives() {
    let api = api().await;
    let reply = send(&api, Method::POST, PODS, "x".repeat(4 << 20)).await;
    assert_eq!(reply.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(&api, Method::GET, PODS, String::new()).await.status(), StatusCode::OK);
    assert_eq!(send(&api, Method::GET, "/version", String::new()).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_websocket_watch_sees_a_pods_life_frame_by_frame() {
    let api = api().await;
    let mut socket = socket(&api, "watch=true&labelSelector=spark-role%3Dexecutor").await;
    let mut wanted = api.wanted();
    let uid = create(&api, 1).await;
    wanted.wait_for(|wanted| wanted.executors.len() == 1).await.unwrap();
    api.observe(&running(&uid));
    api.observe(&running(&uid));
    api.observe(&crashed(&uid));
    send(&api, Method::DELETE, &format!("{PODS}/exec-1"), String::new()).await;
    let mut events = Vec::new();
    for _ in 0..4 {
        let (kind, phase, _) = event(&mut socket).await;
        events.push(format!("{kind} {phase}"));
    }
    assert_eq!(events, ["ADDED Pending", "MODIFIED Running", "MODIFIED Failed", "DELETED Failed"]);
    assert!(wanted.borrow_and_update().executors.is_empty());
}

#[tokio::test]
async fn a_watch_that_comes_back_misses_nothing() {
    let api = api().await;
    let uid = create(&api, 1).await;
    let mut first = socket(&api, "watch=true").await;
    let (_, _, version) = event(&mut first).await;
    drop(first);
    api.observe(&running(&uid));
    create(&api, 2).await;
    let mut second = socket(&api, &format!("watch=true&resourceVersion={version}")).await;
    let (kind, phase, next) = event(&mut second).await;
    assert_eq!((kind.as_str(), phase.as_str(), next), ("MODIFIED", "Running", version + 1));
    assert_eq!(event(&mut second).await, ("ADDED".to_owned(), "Pending".to_owned(), version + 2));
}

#[tokio::test]
async fn pings_and_close_are_answered() {
    let api = api().await;
    let mut socket = socket(&api, "watch=true").await;
    socket.send(Message::Ping("are you there".into())).await.unwrap();
    assert_eq!(frame(&mut socket).await, Message::Pong("are you there".into()));
    socket.close(None).await.unwrap();
    assert!(frame(&mut socket).await.is_close());
    let end = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap();
    assert!(end.is_none(), "{end:?}");
}

#[tokio::test]
async fn without_upgrade_lines_come_and_a_bookmark_in_every_silence() {
    let api = api().await;
    create(&api, 1).await;
    let reply = send(&api, Method::GET, &format!("{PODS}?watch=true"), String::new()).await;
    assert_eq!(
        (reply.status(), &reply.headers()["content-type"]),
        (StatusCode::OK, &"application/json".parse().unwrap())
    );
    let mut chunks = reply.bytes_stream();
    let mut kinds = Vec::new();
    while kinds.len() < 3 {
        let chunk = tokio::time::timeout(PATIENCE, chunks.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(chunk.last(), Some(&b'\n'));
        let event: Value = serde_json::from_slice(&chunk).unwrap();
        assert_eq!(event["object"]["metadata"]["resourceVersion"], "1001");
        kinds.push(event["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds, ["ADDED", "BOOKMARK", "BOOKMARK"]);
}

#[tokio::test]
async fn held_back_executors_come_when_their_delay_is_over() {
    let mut settings = Settings::new(1, "3.5.9");
    settings.backoff = BackoffLimits { max_delay_ms: 50, ..BackoffLimits::default() };
    let api = PodApi::start(TOKEN, settings).await.unwrap();
    let mut wanted = api.wanted();
    for n in 1..=3 {
        let uid = create(&api, n).await;
        let came = wanted.wait_for(|wanted| wanted.executors.iter().any(|executor| executor.uid == uid));
        tokio::time::timeout(PATIENCE, came).await.unwrap().unwrap();
        api.observe(&crashed(&uid));
    }
}

#[tokio::test]
async fn dropping_the_api_ends_its_watches_and_its_port() {
    let api = api().await;
    let url = api.url();
    let mut socket = socket(&api, "watch=true").await;
    drop(api);
    assert!(frame(&mut socket).await.is_close());
    let closed = async {
        while TcpStream::connect(url.trim_start_matches("http://")).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.unwrap();
}
