//! A port under hostile connections: each has its time, no crowd keeps others out, and TLS is what it says.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use firesteel_cli::up::door::{Door, Room};
use firesteel_cli::up::listener::{Bounds, Listener};
use firesteel_cli::up::tls::{Certificate, Tls};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const BOUNDS: Bounds = Bounds {
    connections: 12,
    from_one: 6,
    handshake: Duration::from_millis(400),
    first_head: Duration::from_millis(800),
    head_bytes: 16 << 10,
};
const PATIENCE: Duration = Duration::from_secs(10);
const ASK: &[u8] = b"GET /x HTTP/1.1\r\nhost: localhost\r\n\r\n";

struct Port {
    folder: tempfile::TempDir,
    address: SocketAddr,
    listener: Listener,
}

impl Port {
    async fn open(secure: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let own = Certificate::Own { folder: folder.path().join("tls"), names: vec!["spark.example".into()] };
        let tls = secure.then(|| Arc::new(Tls::new(own).unwrap()));
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let host = |request: Request| async move {
            let host =
                request.headers().get("host").map_or("none".into(), |host| host.to_str().unwrap().to_owned());
            Ok(Response::new(Body::from(format!("{:?} {host}", request.version()))))
        };
        let door = Arc::new(Door::without_s3(Room::new(tower::service_fn(host))));
        Self { folder, address, listener: Listener::within(socket, door, tls, BOUNDS) }
    }

    async fn from(&self, source: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    async fn greeted(&self, name: &str, protocol: &[u8]) -> std::io::Result<TlsStream<TcpStream>> {
        let connector =
            TlsConnector::from(Arc::new(trusting(&self.folder.path().join("tls/ca.pem"), protocol)));
        connector.connect(ServerName::try_from(name.to_owned()).unwrap(), self.from("127.0.0.1").await).await
    }
}

fn trusting(authority: &Path, protocol: &[u8]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    config
}

/// What comes until the other side closes; it must do so in time.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut read = Vec::new();
    let done = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut read)).await;
    // A connection that is cut off may end in an error.
    let _ = done.expect("it is not closed");
    read
}

async fn answers(port: &Port, source: &str) -> bool {
    let mut stream = port.from(source).await;
    let asked = stream.write_all(&[ASK, b""].concat()).await.is_ok();
    let mut first = [0; 12];
    let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut first)).await.unwrap();
    asked && read.is_ok() && &first == b"HTTP/1.1 200"
}

#[tokio::test]
async fn a_connection_that_asks_nothing_or_slowly_is_closed() {
    let port = Port::open(false).await;
    for said in [&b""[..], b"G", b"GET /x HTTP/1.1\r\nhost: localhost\r\n", b"PRI * HTTP/2.0\r\n"] {
        let mut stream = port.from("127.0.0.1").await;
        stream.write_all(said).await.unwrap();
        let began = Instant::now();
        rest(&mut stream).await;
        assert!(began.elapsed() >= BOUNDS.first_head / 2, "{said:?}: not at once");
    }
    let mut kept = port.from("127.0.0.1").await;
    let mut answer = [0; 4096];
    kept.write_all(ASK).await.unwrap();
    assert!(kept.read(&mut answer).await.unwrap() > 0);
    tokio::time::sleep(BOUNDS.first_head * 2).await;
    kept.write_all(ASK).await.unwrap();
    assert!(kept.read(&mut answer).await.unwrap() > 0, "who has asked once may pause");
    port.listener.stop(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn a_huge_head_is_refused() {
    let port = Port::open(false).await;
    let mut stream = port.from("127.0.0.1").await;
    let head = [b"GET /x HTTP/1.1\r\nx: ", &[b'x'; 64 << 10][..], b"\r\n\r\n"].concat();
    let _ = stream.write_all(&head).await;
    let answer = String::from_utf8_lossy(&rest(&mut stream).await).into_owned();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(answers(&port, "127.0.0.1").await);
    port.listener.stop(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn a_crowd_from_one_address_keeps_nobody_else_out() {
    let port = Port::open(false).await;
    let mut crowd = Vec::new();
    for _ in 0..40 {
        crowd.push(port.from("127.0.0.2").await);
    }
    rest(crowd.last_mut().unwrap()).await;
    assert!(answers(&port, "127.0.0.1").await, "another address has its own room");
    let third = port.from("127.0.0.3").await;
    drop((crowd, third));
    let began = Instant::now();
    while !answers(&port, "127.0.0.2").await {
        assert!(began.elapsed() < PATIENCE, "room that was left is room again");
    }
    port.listener.stop(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn a_handshake_has_its_time_and_the_certificate_its_names() {
    let port = Port::open(true).await;
    for said in [&b""[..], &[22, 3, 1, 2], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = port.from("127.0.0.1").await;
        stream.write_all(said).await.unwrap();
        rest(&mut stream).await;
    }
    for name in ["localhost", "127.0.0.1", "spark.example"] {
        let mut stream = port.greeted(name, b"http/1.1").await.unwrap();
        stream.write_all(ASK).await.unwrap();
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.ends_with("HTTP/1.1 localhost"), "{answer}");
    }
    assert!(port.greeted("other.example", b"http/1.1").await.is_err());
    port.listener.stop(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn http_2_has_a_host_that_a_signature_can_cover() {
    use http_body_util::{BodyExt, Empty};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let port = Port::open(true).await;
    let stream = port.greeted("localhost", b"h2").await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let uri = format!("https://localhost:{}/x", port.address.port());
    let request = http::Request::get(uri).body(Empty::<bytes::Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(String::from_utf8_lossy(&answer), format!("HTTP/2.0 localhost:{}", port.address.port()));
    drop(sender);
    port.listener.stop(Duration::from_millis(500)).await;
    drop(connection);
}

#[tokio::test]
async fn the_authority_stays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let own = || Certificate::Own { folder: folder.path().join("tls"), names: vec![] };
    Tls::new(own()).unwrap();
    let first = std::fs::read(own().authority().unwrap()).unwrap();
    Tls::new(own()).unwrap();
    assert_eq!(std::fs::read(own().authority().unwrap()).unwrap(), first);
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(folder.path().join("tls/ca.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
