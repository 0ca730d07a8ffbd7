//! Dashboards: what the URL of GetDashboardForJobRun opens, to whom, and for how long.

use crate::world::{Answer, World, stories};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use firesteel_core::command::Runtime;
use firesteel_service::History;
use firesteel_wire::Operation;
use http::HeaderMap;
use serde_json::{Value, json};
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

stories! {
    a_run_that_waits_has_a_page_that_says_for_what,
    a_link_opens_its_own_run_for_an_hour,
    attempts_are_those_that_there_were,
    hostile_requests_open_nothing,
    logs_are_under_the_same_token,
    a_run_without_logs_says_so,
    history_is_begun_when_somebody_looks,
}

fn logged() -> Value {
    json!({ "configurationOverrides": { "monitoringConfiguration": {
        "s3MonitoringConfiguration": { "logUri": "s3://bucket/logs/" } } } })
}

impl World {
    /// The dashboard's URL, as path and query.
    async fn dashboard(&self, application: &str, run: &str) -> String {
        let input = json!({ "applicationId": application, "jobRunId": run });
        let url = self.call(Operation::GetDashboardForJobRun, input).await.member("url");
        url.strip_prefix("http://127.0.0.1:9400").expect("the host that was asked").to_owned()
    }

    async fn get_as(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        let request =
            headers.iter().fold(Request::get(target), |request, (name, value)| request.header(*name, *value));
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    /// As a tool asks: with the token, without cookies.
    async fn tool(&self, target: &str) -> Answer {
        self.get_as(target, &[("accept", "*/*")]).await
    }

    /// As a browser asks: the link, then where it leads, with the cookie.
    async fn browser(&self, target: &str) -> Answer {
        let first = self.get_as(target, &[HTML]).await;
        assert_eq!(first.status, 303, "{}", first.text);
        self.get_as(&header(&first.headers, "location"), &[HTML, ("cookie", &cookie(&first.headers))]).await
    }
}

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml");

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).expect(name).to_str().expect("ASCII").to_owned()
}

fn cookie(headers: &HeaderMap) -> String {
    header(headers, "set-cookie").split(';').next().expect("a pair").to_owned()
}

/// Path below the dashboard's prefix with the link's token.
fn below(link: &str, path: &str) -> String {
    let (base, token) = link.split_once("/?").expect("a link");
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("{base}{path}{mark}{token}")
}

async fn a_run_that_waits_has_a_page_that_says_for_what(world: World) {
    world.runtimes.stand(Runtime::Preparing("unpacking Spark".to_owned()));
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({ "name": "<b>bold</b>" })).await;
    let look = async || world.get_run(&app, &run).await["stateDetails"].clone();
    world.eventually("waiting", look, |details| details.to_string().contains("unpacking Spark")).await;
    let link = world.dashboard(&app, &run).await;
    let page = world.browser(&link).await;
    assert_eq!(page.status, 200);
    for words in
        ["The driver does not run yet", "unpacking Spark", "&lt;b&gt;bold", "http-equiv=\"refresh\"", &run]
    {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let told = world.tool(&link).await;
    assert_eq!((told.status, header(&told.headers, "retry-after").as_str()), (503, "1"));
    assert!(!told.text.contains('<'), "{}", told.text);
}

async fn a_link_opens_its_own_run_for_an_hour(world: World) {
    let app = world.application(json!({})).await;
    let (run, other) = (world.run(&app, json!({})).await, world.run(&app, json!({})).await);
    let (link, others) = (world.dashboard(&app, &run).await, world.dashboard(&app, &other).await);
    let first = world.get_as(&link, &[HTML]).await;
    let set = header(&first.headers, "set-cookie");
    assert!(set.contains(&format!("; Path=/dashboards/{run}/1/; Max-Age=3")), "{set}");
    assert!(set.ends_with("; HttpOnly; SameSite=Lax"), "{set}");
    assert!(!header(&first.headers, "location").contains("authToken"));

    let (base, _) = link.split_once('?').expect("a query");
    let (_, others_token) = others.split_once('?').expect("a query");
    let others_cookie = cookie(&world.get_as(&others, &[HTML]).await.headers);
    assert_eq!(world.tool(base).await.status, 403);
    assert_eq!(world.tool(&format!("{base}?{others_token}")).await.status, 403);
    assert_eq!(world.get_as(base, &[("cookie", &others_cookie)]).await.status, 403);
    assert_eq!(world.tool(&format!("{link}0")).await.status, 403);
    // A cookie of another dashboard beside the right one does no harm.
    let both = format!("{others_cookie}; {}", cookie(&first.headers));
    assert_eq!(world.get_as(base, &[HTML, ("cookie", &both)]).await.status, 200);

    tokio::time::sleep(Duration::from_secs(3_590)).await;
    assert_ne!(world.tool(&link).await.status, 403);
    tokio::time::sleep(Duration::from_secs(15)).await;
    let expired = world.tool(&link).await;
    assert_eq!(expired.status, 403);
    assert!(expired.text.contains("has expired"), "{}", expired.text);
}

async fn attempts_are_those_that_there_were(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let ask = async |attempt: i64| {
        let input = json!({ "applicationId": app, "jobRunId": run, "attempt": attempt });
        world.call(Operation::GetDashboardForJobRun, input).await
    };
    assert!(ask(1).await.member("url").contains(&format!("/dashboards/{run}/1/?authToken=")));
    ask(2).await.refused(404, "ResourceNotFoundException", &format!("JobRun {run} has no attempt 2"));
    let input = json!({ "applicationId": app, "jobRunId": "00f0000000000000" });
    let unknown = world.call(Operation::GetDashboardForJobRun, input).await;
    assert_eq!(unknown.kind(), (404, "ResourceNotFoundException".to_owned()));
}

async fn hostile_requests_open_nothing(world: World) {
    let app = world.application(json!({})).await;
    let run = world.run(&app, logged()).await;
    let link = world.dashboard(&app, &run).await;
    for path in [
        "/../1/",
        "/%2e%2e/%2e%2e/x",
        "//evil.example/",
        "/a%0d%0aSet-Cookie:%20x=y",
        "/a;jsessionid=1",
        "/logs%2fSPARK_DRIVER/stdout.gz",
        "/a%5c..%5cb",
    ] {
        let answer = world.get_as(&below(&link, path), &[HTML]).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.headers.get("set-cookie").is_none(), "{path}");
    }
    let post = Request::post(&link).body(Body::from("x")).expect("a request");
    assert_eq!(world.send(post).await.status, 405);
    for path in ["/logs/../healthz", "/logs/SPARK_DRIVER/other.gz", "/logs/SPARK_EXECUTOR/0/stdout.gz"] {
        assert_eq!(
            world.tool(&below(&link, path)).await.status,
            if path.contains("..") { 403 } else { 404 },
            "{path}"
        );
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

async fn logs_are_under_the_same_token(world: World) {
    let app = world.application(json!({})).await;
    let run = world.whole_run(&app, logged(), 0).await;
    world.archived(&run).await;
    let key = format!("bucket/logs/applications/{app}/jobs/{run}/SPARK_DRIVER/stdout.gz");
    world.kept.logs.lock().expect("whole").insert(key, [gzip("one\n"), gzip("two\n")].concat());
    let link = world.dashboard(&app, &run).await;
    let (_, token) = link.split_once('?').expect("a query");
    for target in
        [format!("/logs/SPARK_DRIVER/stdout.gz?{token}"), below(&link, "/logs/SPARK_DRIVER/stdout.gz")]
    {
        let text = world.get_as(&target, &[HTML]).await;
        let text = if text.status == 303 { world.browser(&target).await } else { text };
        assert_eq!((text.status, text.text.as_str()), (200, "one\ntwo\n"), "{target}");
        assert_eq!(header(&text.headers, "content-type"), "text/plain; charset=utf-8");
        assert!(header(&text.headers, "content-security-policy").contains("sandbox"));
    }
    let asked = world.roles.asked.lock().expect("whole").last().cloned().expect("a role");
    let policy = asked.2.policy.expect("a policy");
    assert!(
        policy.contains(&format!("arn:aws:s3:::bucket/logs/applications/{app}/jobs/{run}/*")),
        "{policy}"
    );
    assert!(!policy.contains("PutObject"), "{policy}");
    assert_eq!(world.tool(&below(&link, "/logs/SPARK_DRIVER/stderr.gz")).await.status, 404);
    assert_eq!(world.tool("/logs/SPARK_DRIVER/stdout.gz?authToken=x").await.status, 403);
}

async fn a_run_without_logs_says_so(world: World) {
    let app = world.application(json!({})).await;
    let run = world.whole_run(&app, json!({}), 0).await;
    world.run_is(&app, &run, "SUCCESS").await;
    let link = world.dashboard(&app, &run).await;
    let page = world.browser(&link).await;
    assert_eq!(page.status, 404);
    assert!(page.text.contains("no s3MonitoringConfiguration"), "{}", page.text);
    assert!(world.kept.begun.lock().expect("whole").is_empty());
}

async fn history_is_begun_when_somebody_looks(world: World) {
    let app = world.application(json!({})).await;
    let run = world.whole_run(&app, logged(), 1).await;
    world.archived(&run).await;
    assert!(world.kept.begun.lock().expect("whole").is_empty(), "nobody looked");
    let link = world.dashboard(&app, &run).await;
    let page = world.browser(&link).await;
    assert!(page.text.contains("The event log is being loaded"), "{}", page.text);
    let (source, _) = world.kept.begun.lock().expect("whole")[0].clone();
    assert_eq!(source.prefix, format!("logs/applications/{app}/jobs/{run}/sparklogs/"));
    assert_eq!((source.bucket.as_str(), source.key), ("bucket", format!("{run}-1")));

    let stand = |history| *world.kept.history.lock().expect("whole") = Some(history);
    stand(History::Loading("3 of 7 MB".to_owned()));
    assert!(world.browser(&link).await.text.contains("3 of 7 MB"));
    stand(History::Impossible("no event log".to_owned()));
    let page = world.browser(&link).await;
    assert!(page.status == 404 && page.text.contains("no event log") && page.text.contains("ValueError: no"));
    stand(History::Ready { address: ([127, 0, 0, 1], 9).into(), applications: vec![run.clone()] });
    let there = world.tool(&below(&link, "/stages/?id=1")).await;
    assert_eq!(there.status, 303);
    let (_, token) = link.split_once('?').expect("a query");
    let place = format!("/dashboards/{run}/1/history/{run}/stages/?id=1&{token}");
    assert_eq!(header(&there.headers, "location"), place);
}

/// A Spark UI that says what it was asked, and redirects `/` as Spark does.
async fn stand_in() -> SocketAddr {
    let answer = async |request: Request| {
        let (parts, _) = request.into_parts();
        let context =
            parts.headers.get("x-forwarded-context").map_or("", |value| value.to_str().expect("ASCII"));
        if parts.uri.path() == "/" {
            let location = format!("http://{}/jobs/", header(&parts.headers, "host"));
            return Response::builder()
                .status(302)
                .header("location", location)
                .body(Body::empty())
                .expect("an answer");
        }
        let text = format!("{} {} under {context}", parts.method, parts.uri);
        Response::builder().header("set-cookie", "a=b").body(Body::from(text)).expect("an answer")
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    address
}

/// In real time, for there are real sockets.
#[tokio::test]
async fn the_live_ui_is_carried_while_the_driver_runs() {
    let world = World::alone().await;
    let ui = stand_in().await;
    let app = world.application(json!({})).await;
    let run = world.run(&app, logged()).await;
    let mut runner = world.next_runner().await;
    runner.address = ui.ip().to_string();
    runner.ui_port = Some(ui.port());
    let driver = world.driver_of(runner).await;
    world.run_is(&app, &run, "RUNNING").await;

    let link = world.dashboard(&app, &run).await;
    let base = format!("/dashboards/{run}/1");
    let (_, token) = link.split_once('?').expect("a query");
    let root = world.tool(&link).await;
    assert_eq!((root.status, header(&root.headers, "location")), (302, format!("{base}/jobs/?{token}")));
    let page = world.browser(&below(&link, "/jobs/?a=1")).await;
    assert_eq!((page.status, page.text), (200, format!("GET /jobs/?a=1 under {base}")));
    assert!(page.headers.get("set-cookie").is_none());
    let api = world.tool(&below(&link, "/api/v1/applications?status=running")).await;
    assert_eq!(api.text, format!("GET /api/v1/applications?status=running under {base}"));

    driver.end(0).await;
    world.run_is(&app, &run, "SUCCESS").await;
    assert!(world.browser(&link).await.text.contains("The event log is being loaded"));
    let history = History::Ready { address: stand_in().await, applications: vec![run.clone()] };
    *world.kept.history.lock().expect("whole") = Some(history);
    let jobs = world.tool(&below(&link, &format!("/history/{run}/jobs/"))).await;
    assert_eq!(jobs.text, format!("GET /history/{run}/jobs/ under {base}"));
}

#[tokio::test]
async fn a_driver_without_a_spark_context_has_a_page() {
    let world = World::alone().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let app = world.application(json!({})).await;
    let run = world.run(&app, json!({})).await;
    let mut runner = world.next_runner().await;
    runner.address = free.ip().to_string();
    runner.ui_port = Some(free.port());
    let _driver = world.driver_of(runner).await;
    let link = world.dashboard(&app, &run).await;
    let page = world.browser(&link).await;
    assert!(page.text.contains("The Spark UI is not there"), "{}", page.text);
}
