//! An HTTP/1 server with limits on the number, speed and idle time of connections.
//!
//! May import: `support`. Flow: `serve` accepts connections. At the limit it evicts one: the connection that has
//! gone longest without a complete request, else the slowest reader. There is no limit per address, because all clients
//! behind a proxy share one. `Activity` records what a connection is doing, as reported by `body` and `MinRateStream`.
//! `MinRateStream` closes connections below a minimum number of bytes per second. The total time is not limited, so that
//! a large download may take as long as it needs.

mod activity;
mod body;
mod limits;
mod min_rate_stream;
mod registry;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::header;
use futures::FutureExt;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::Service;

use activity::{Activity, Phase};
use body::{RequestBody, ResponseBody};
pub use limits::ConnectionLimits;
use min_rate_stream::MinRateStream;
use registry::Registry;

/// Back-off after a failed accept.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Serves connections until `shutdown` completes, then stops accepting and waits for requests in progress.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()>,
) {
    let registry = Arc::new(Registry::default());
    let (shutdown_tx, shutdown_rx) = watch::channel(false);
    let mut stop = pin!(shutdown.fuse());
    loop {
        let next = async {
            let accepted = accept(&listener).await;
            registry.wait_for_room(limits.max_connections).await;
            accepted
        };
        let (stream, peer) = tokio::select! {
            accepted = next => accepted,
            () = &mut stop => break,
        };
        let connection =
            serve_connection(stream, peer, router.clone(), limits.clone(), registry.clone(), shutdown_rx.clone());
        tokio::spawn(connection);
    }
    drop(listener);
    let _ = shutdown_tx.send(true);
    // Each connection holds a receiver until it ends.
    drop(shutdown_rx);
    shutdown_tx.closed().await;
}

/// By which a handler keeps the connection while it receives a body of an authorised client: others cannot push it out.
#[derive(Clone)]
pub struct UploadProtection(Arc<Activity>);

impl UploadProtection {
    pub fn protect(&self) {
        self.0.protect();
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The client has disconnected already: accept the next one at once.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::error!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}

/// Serves one connection to its end.
async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: ConnectionLimits,
    registry: Arc<Registry>,
    mut shutdown_rx: watch::Receiver<bool>,
) {
    let activity = Arc::new(Activity::default());
    let registration = registry.register(activity.clone());
    let io = TokioIo::new(MinRateStream::new(stream, activity.clone(), &limits));
    let request_activity = activity.clone();
    let service = service_fn(move |request| handle_request(request, peer, router.clone(), request_activity.clone()));
    let mut connection = pin!(http1::Builder::new().header_read_timeout(None).serve_connection(io, service));
    let mut is_shutting_down = false;
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            () = registration.evicted() => return,
            () = tokio::time::sleep(CHECK_INTERVAL) => {
                if activity.is_timed_out(&limits) {
                    return;
                }
            }
            _ = shutdown_rx.changed(), if !is_shutting_down => {
                is_shutting_down = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn handle_request(
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    mut router: Router,
    activity: Arc<Activity>,
) -> Result<hyper::Response<Body>, std::convert::Infallible> {
    activity.end_protection();
    activity.enter(if request.body().is_end_stream() { Phase::Response } else { Phase::Body });
    let body_activity = activity.clone();
    let mut request: Request = request.map(|body| Body::new(RequestBody::new(body, body_activity)));
    request.extensions_mut().insert(ConnectInfo(peer));
    request.extensions_mut().insert(UploadProtection(activity.clone()));
    let response = router.call(request).await?;
    // Downloads go to authorised clients only.
    if response.headers().contains_key(header::CONTENT_DISPOSITION) {
        activity.protect();
    }
    Ok(response.map(|body| Body::new(ResponseBody::new(body, activity))))
}
