//! An HTTP/1 server with limits on the number, speed and idle time of connections.
//!
//! May import: nothing of ours. Flow: `serve` accepts connections. At the limit it evicts one: the connection that has
//! gone longest without a complete request, else the slowest reader. There is no limit per address, because all clients
//! behind a proxy share one. `Activity` records what a connection is doing, as reported by `body` and `PacedStream`.
//! `PacedStream` closes connections below a minimum number of bytes per second. The total time is not limited, so that
//! a large download may take as long as it needs.

mod activity;
mod body;
mod stream;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
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
use tokio::sync::{Notify, watch};
use tower::Service;

use activity::{Activity, Phase};
use body::{AnswerBody, RequestBody};
use stream::PacedStream;

/// Back-off after a failed accept.
const AFTER_A_FAILED_ACCEPT: Duration = Duration::from_millis(100);
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Limits for clients.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Concurrent connections.
    pub connections: usize,
    /// Timeout for a request head, from the start of the connection or the first byte of a later request.
    pub head: Duration,
    /// Timeout between two requests.
    pub idle: Duration,
    /// Minimum average rate while waiting for a request body, or for the client to read a response.
    pub bytes_per_second: u64,
    /// Averaging window for request bodies.
    pub body_window: Duration,
    /// Averaging window for responses; longer, because the client's kernel takes bytes in large steps.
    pub reader_window: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            head: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            bytes_per_second: 1 << 10,
            body_window: Duration::from_secs(10),
            reader_window: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The defaults, with at most a third of the process's file descriptor limit as connections: files, databases and
    /// downloads need the rest.
    #[must_use]
    pub fn of_this_process() -> Self {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
        // A response may hold an open file, too.
        let third = usize::try_from(files / 3).unwrap_or(usize::MAX);
        let limits = Self::default();
        Self { connections: limits.connections.min(third), ..limits }
    }
}

/// Serves connections until `stop` completes, then stops accepting and waits for requests in progress.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let registry = Arc::new(Registry::default());
    let (stopping, stopped) = watch::channel(false);
    let mut stop = pin!(stop.fuse());
    loop {
        let next = async {
            let accepted = accept(&listener).await;
            registry.make_room(limits.connections).await;
            accepted
        };
        let (stream, peer) = tokio::select! {
            accepted = next => accepted,
            () = &mut stop => break,
        };
        let attended = attend(stream, peer, router.clone(), limits.clone(), registry.clone(), stopped.clone());
        tokio::spawn(attended);
    }
    drop(listener);
    let _ = stopping.send(true);
    // Each connection holds a receiver until it ends.
    drop(stopped);
    stopping.closed().await;
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The client has disconnected already: accept the next one at once.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::error!(%error, "a connection could not be accepted");
                tokio::time::sleep(AFTER_A_FAILED_ACCEPT).await;
            }
        }
    }
}

/// Serves one connection to its end.
async fn attend(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    registry: Arc<Registry>,
    mut stopped: watch::Receiver<bool>,
) {
    let activity = Arc::new(Activity::default());
    let registered = registry.add(activity.clone());
    let io = TokioIo::new(PacedStream::new(stream, activity.clone(), &limits));
    let answering = activity.clone();
    let service = service_fn(move |request| answer(request, peer, router.clone(), answering.clone()));
    let mut connection = pin!(http1::Builder::new().header_read_timeout(None).serve_connection(io, service));
    let mut is_ending = false;
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            () = registered.evicted.notified() => return,
            () = tokio::time::sleep(CHECK_INTERVAL) => {
                if activity.is_overdue(&limits) {
                    return;
                }
            }
            _ = stopped.changed(), if !is_ending => {
                is_ending = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    mut router: Router,
    activity: Arc<Activity>,
) -> Result<hyper::Response<Body>, std::convert::Infallible> {
    activity.enter(if request.body().is_end_stream() { Phase::Answer } else { Phase::Body });
    let tracked = activity.clone();
    let mut request: Request = request.map(|body| Body::new(RequestBody::new(body, tracked)));
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = router.call(request).await?;
    // Downloads go to authorised clients only.
    if response.headers().contains_key(header::CONTENT_DISPOSITION) {
        activity.protect();
    }
    Ok(response.map(|body| Body::new(AnswerBody::new(body, activity))))
}

/// The open connections.
#[derive(Default)]
struct Registry {
    connections: Mutex<Connections>,
    /// Notified when a connection has ended.
    ended: Notify,
}

#[derive(Default)]
struct Connections {
    next: u64,
    open: HashMap<u64, (Arc<Activity>, Arc<Notify>)>,
}

/// A connection's entry in the registry, removed on drop.
struct Registered {
    registry: Arc<Registry>,
    number: u64,
    evicted: Arc<Notify>,
}

impl Registry {
    fn lock(&self) -> std::sync::MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(self: &Arc<Self>, activity: Arc<Activity>) -> Registered {
        let evicted = Arc::new(Notify::new());
        let mut connections = self.lock();
        let number = connections.next;
        connections.next += 1;
        connections.open.insert(number, (activity, evicted.clone()));
        Registered { registry: self.clone(), number, evicted }
    }

    /// Waits until there is room for one more, evicting a connection if possible. If none may be evicted, waits until
    /// one ends.
    async fn make_room(&self, most: usize) {
        while !self.has_room_after_eviction(most) {
            tokio::select! {
                () = self.ended.notified() => {}
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
            }
        }
    }

    fn has_room_after_eviction(&self, most: usize) -> bool {
        let mut connections = self.lock();
        if connections.open.len() < most {
            return true;
        }
        let open = connections.open.iter();
        let dispensable = open.filter_map(|(number, (activity, _))| Some((activity.dispensability()?, *number)));
        let Some((_, number)) = dispensable.max() else { return false };
        if let Some((_, evicted)) = connections.open.remove(&number) {
            evicted.notify_one();
        }
        true
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.registry.lock().open.remove(&self.number);
        self.registry.ended.notify_one();
    }
}
