//! Slow clients and overload: the server keeps answering, running exports go on, and the application's database keeps
//! its connections.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use futures::future::join_all;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use waybill::model::export::RunState;
use waybill::server::http::connections::{ConnectionLimits, serve};
use waybill::server::profile::Profile;

use crate::harness::{
    ADMIN, Browser, PASSWORD, Postgres, ROLES, ServerProcess, Waybill, WaybillCommand, generate_sample,
};

/// Raises the limit of open files to its maximum: the test itself holds many connections.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// Opens connections that send `beginning` and then nothing.
async fn open_half_sent(count: usize, address: SocketAddr, beginning: &str) -> Vec<TcpStream> {
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    streams
}

async fn assert_all_closed_within(limit: Duration, streams: Vec<TcpStream>) {
    let closing = join_all(streams.into_iter().map(|mut stream| async move {
        let mut buffer = [0; 1024];
        // Any response before the end is fine; a reset counts as an end.
        while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    }));
    tokio::time::timeout(limit, closing).await.expect("a silent connection was not closed");
}

/// A keep-alive connection may close at the moment its next request is sent (RFC 9112, 9.6); this client does not
/// retry, so it uses each connection once.
async fn get_on_a_new_connection(browser: &Browser, path: &str) -> String {
    browser.send("GET", path, &[("connection", "close")], "").await.text()
}

async fn assert_still_answers(address: SocketAddr) {
    let started = Instant::now();
    assert_eq!(Browser::new(address).get("/healthz").await.text(), "ok\n");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

/// D2: 1,100 half-sent requests, all from one address, as behind a proxy.
#[tokio::test(flavor = "multi_thread")]
async fn half_sent_requests_do_not_block_other_clients() {
    raise_file_limit();
    let folder = TempDir::new().unwrap();
    let source = generate_sample(2000, folder.path());
    let server = ServerProcess::with_1024_descriptors(folder.path(), &source);
    let login = "POST /login HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nemail=";
    for beginning in ["GET / HTTP/1.1\r\n", login, ""] {
        let silent = open_half_sent(1100, server.address, beginning).await;
        assert_still_answers(server.address).await;
        let browser = Browser::new(server.address);
        assert_eq!(browser.sign_in(ADMIN, PASSWORD).await.header("location"), "/admin");
        let (_, ended) = browser.export_and_wait().await;
        assert!(matches!(ended, RunState::Completed(_)), "{ended:?}");
        assert_all_closed_within(Duration::from_secs(15), silent).await;
    }
}

/// D3: 200 pages and 200 sign-ins at once open at most eight sessions in the database.
#[tokio::test(flavor = "multi_thread")]
async fn many_pages_and_sign_ins_open_few_database_connections() {
    let server = tokio::task::block_in_place(|| {
        let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
        let mut program = WaybillCommand::new(folder.path());
        program.0.env("WAYBILL_SAMPLE_PASSWORD", PASSWORD);
        let made = program.run(["sample", "--incidents", "50", "--participants", "10", "--output", &server.url()]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        server
    });
    // Rows that are cheap to store, so that a run lasts throughout the test.
    server.sql("INSERT INTO companies SELECT 'x' || n, 1, repeat('y', 200), 'slug' || n, 'z', 'test', 1, NULL FROM generate_series(1, 300000) n");
    let source = Arc::new(tokio::task::block_in_place(|| server.source()));
    let waybill = Waybill::with_source(source, Profile::built_in("supportsignal").unwrap()).await;
    let admin = waybill.signed_in_admin().await;
    let mut workers = Vec::new();
    for (_, email) in &ROLES[1..] {
        workers.push(Arc::new(waybill.signed_in_as(email).await));
    }
    let run = admin.request_export().await;
    let crowd = async {
        let pages = join_all((0..200).map(|page| {
            let worker = workers[page % workers.len()].clone();
            async move { worker.get("/admin").await.status }
        }));
        let sign_ins = join_all(
            (0..200).map(|_| async { waybill.anonymous().sign_in("nobody@sample.test", "guess").await.status }),
        );
        tokio::join!(pages, sign_ins)
    };
    let watch = async {
        let mut most = 0;
        loop {
            most = most.max(tokio::task::block_in_place(|| server.waybill_session_count()));
            assert!(most <= 8, "{most} sessions open in the application's database");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (pages, sign_ins) = tokio::select! {
        done = crowd => done,
        () = watch => unreachable!(),
    };
    assert!(pages.iter().all(|status| [200, 503].contains(status)), "{pages:?}");
    assert!(pages.iter().filter(|status| **status == 200).count() > 100, "{pages:?}");
    assert!(sign_ins.iter().all(|status| [303, 503].contains(status)), "{sign_ins:?}");
    let ended = admin.wait_for_end(&run).await;
    assert!(matches!(ended, RunState::Completed(_)), "{ended:?}");
    assert_eq!(admin.get("/admin").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_sign_in_answers_503_with_retry_after() {
    let waybill = Waybill::start().await;
    let answers = join_all((0..200).map(|number| {
        let browser = waybill.anonymous();
        async move { browser.sign_in(&format!("somebody{number}@sample.test"), "guess").await }
    }));
    let answers = answers.await;
    let crowded: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    let often = answers.iter().filter(|answer| answer.header("location").contains("problem=often")).count();
    assert!(!crowded.is_empty() || often > 0, "all of 200 concurrent sign-ins were accepted");
    for answer in crowded {
        assert_eq!(answer.header("retry-after"), "5");
        assert!(answer.text().contains("Many people are signing in right now"), "{}", answer.text());
    }
    assert_eq!(waybill.anonymous().get("/login").await.status, 200);
}

/// Starts the real connection handling with these limits, on routes made for these tests.
async fn start_server(limits: ConnectionLimits) -> SocketAddr {
    let large_body = || {
        let chunk = Bytes::from(vec![b'x'; 64 << 10]);
        let chunks = futures::stream::iter((0..256).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
        Body::from_stream(chunks)
    };
    let events = || {
        let ticks = futures::stream::unfold(0, |tick| async move {
            tokio::time::sleep(Duration::from_millis(700)).await;
            (tick < 5).then(|| (Ok::<_, std::io::Error>(Bytes::from_static(b"tick\n")), tick + 1))
        });
        Body::from_stream(ticks)
    };
    let router = Router::new()
        .route("/small", get(async || "small"))
        .route("/large", get(async move || large_body()))
        .route("/download", get(async move || ([("content-disposition", "attachment")], large_body())))
        .route("/events", get(async move || events()))
        .route("/form", post(async |body: Bytes| body.len().to_string()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, router, limits, std::future::pending()));
    address
}

fn short_limits() -> ConnectionLimits {
    let second = Duration::from_secs(1);
    ConnectionLimits {
        max_connections: 8,
        head_timeout: Duration::from_secs(10),
        idle_timeout: second,
        min_bytes_per_second: 1 << 10,
        body_window: second,
        response_window: second,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_reader_is_cut_off_and_a_slow_one_is_not() {
    let address = start_server(short_limits()).await;
    let request = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut stuck = TcpStream::connect(address).await.unwrap();
    stuck.write_all(request).await.unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(request).await.unwrap();
    // About 4 MB/s, for longer than any window.
    let (mut taken, mut buffer) = (0, vec![0; 400 << 10]);
    while taken < 16 << 20 {
        let read = slow.read(&mut buffer).await.unwrap();
        assert!(read > 0, "a slow reader was cut off after {taken} bytes");
        taken += read;
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    let cut = async {
        let mut all = 0;
        loop {
            match stuck.read(&mut buffer).await {
                Ok(0) | Err(_) => return all,
                Ok(read) => all += read,
            }
        }
    };
    let all = tokio::time::timeout(Duration::from_secs(5), cut).await.expect("a stalled reader was not disconnected");
    assert!(all < 16 << 20, "a stalled reader got the complete response");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_event_stream_stays_open() {
    let address = start_server(short_limits()).await;
    let answer = Browser::new(address).get("/events").await;
    assert_eq!(answer.text(), "tick\n".repeat(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_body_below_the_minimum_rate_is_cut_off() {
    let address = start_server(short_limits()).await;
    let head = b"POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n";
    let mut steady = TcpStream::connect(address).await.unwrap();
    steady.write_all(head).await.unwrap();
    for _ in 0..20 {
        steady.write_all(&[b'x'; 1000]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    let mut answer = vec![0; 1024];
    let read = steady.read(&mut answer).await.unwrap();
    assert!(
        String::from_utf8_lossy(&answer[..read]).ends_with("20000"),
        "{}",
        String::from_utf8_lossy(&answer[..read])
    );
    let mut trickle = TcpStream::connect(address).await.unwrap();
    trickle.write_all(head).await.unwrap();
    let started = Instant::now();
    while trickle.write_all(b"x").await.is_ok() {
        assert!(started.elapsed() < Duration::from_secs(5), "a body at one byte per 100 ms was not cut off");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_are_dropped_when_all_are_taken() {
    let address = start_server(ConnectionLimits {
        head_timeout: Duration::from_mins(1),
        idle_timeout: Duration::from_mins(1),
        ..short_limits()
    })
    .await;
    let silent = open_half_sent(20, address, "GET /small HT").await;
    let (browser, started) = (Browser::new(address), Instant::now());
    for _ in 0..10 {
        assert_eq!(get_on_a_new_connection(&browser, "/small").await, "small");
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    drop(silent);
}

/// Unauthenticated slow readers hold all connections; new clients are still answered.
#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_are_dropped_when_all_are_taken_and_downloads_are_not() {
    let minute = Duration::from_mins(1);
    let address =
        start_server(ConnectionLimits { response_window: minute, idle_timeout: minute, ..short_limits() }).await;
    let mut download = TcpStream::connect(address).await.unwrap();
    download.write_all(b"GET /download HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let stuck = open_half_sent(7, address, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let (browser, started) = (Browser::new(address), Instant::now());
    for _ in 0..5 {
        assert_eq!(get_on_a_new_connection(&browser, "/small").await, "small");
    }
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    let mut whole = Vec::new();
    download.read_to_end(&mut whole).await.unwrap();
    assert!(whole.len() > 16 << 20, "a download was cut off after {} bytes", whole.len());
    drop(stuck);
}

/// Data still in the server's buffers is not lost when a reader is slow to take the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_the_end_of_a_response() {
    let address = start_server(ConnectionLimits { response_window: Duration::from_mins(1), ..short_limits() }).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut slow = socket.connect(address).await.unwrap();
    slow.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let (mut taken, mut buffer) = (0, vec![0; 64 << 10]);
    // Reads the last megabytes slowly, for longer than the idle timeout.
    loop {
        let read = slow.read(&mut buffer).await.unwrap();
        if read == 0 {
            break;
        }
        taken += read;
        if taken > 13 << 20 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert!(taken > 16 << 20, "{taken} bytes");
}

/// A connection with a response in progress is never dropped; the next client waits and is then served.
#[test]
fn a_connection_with_a_response_in_progress_is_not_dropped() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let address = runtime.block_on(start_server(ConnectionLimits { max_connections: 2, ..short_limits() }));
    let send_get = |path: &str| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        stream
    };
    let channels = [send_get("/events"), send_get("/events")];
    let mut late = send_get("/small");
    for mut channel in channels {
        let mut said = String::new();
        channel.read_to_string(&mut said).unwrap();
        assert_eq!(said.matches("tick").count(), 5, "{said}");
    }
    let mut said = String::new();
    late.read_to_string(&mut said).unwrap();
    assert!(said.ends_with("small"), "{said}");
}

/// One account's many requests wait for each other, and do not fill the queue that all accounts have.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_asks_without_end_does_not_shut_the_others_out() {
    raise_file_limit();
    let waybill = Waybill::start().await;
    let busy = Arc::new(waybill.signed_in_as("team.lead@sample.test").await);
    let other = waybill.signed_in_admin().await;
    let asking: Vec<_> = (0..300)
        .map(|_| {
            let busy = busy.clone();
            tokio::spawn(async move {
                loop {
                    busy.get("/admin").await;
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..10 {
        assert_eq!(other.get("/admin").await.status, 200);
    }
    asking.iter().for_each(tokio::task::JoinHandle::abort);
}
