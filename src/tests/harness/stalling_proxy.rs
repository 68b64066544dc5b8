//! A TCP proxy that can stall: it stops forwarding bytes without closing a connection.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub struct StallingProxy {
    port: u16,
    stalled: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl StallingProxy {
    /// Starts a proxy on a free port that forwards to port `to`.
    pub fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stalled, open) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let proxy = Self { port, stalled: stalled.clone(), connections: open.clone() };
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { return };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    open.lock().unwrap().push(from.try_clone().unwrap());
                    let stalled = stalled.clone();
                    let open = open.clone();
                    std::thread::spawn(move || forward(from, to, &stalled, &open));
                }
            }
        });
        proxy
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops forwarding in both directions, on existing and new connections.
    pub fn stall(&self) {
        self.stalled.store(true, Ordering::SeqCst);
    }

    /// Closes every connection, as a network that finally gives up.
    pub fn close_all(&self) {
        self.connections.lock().unwrap().drain(..).for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, stalled: &AtomicBool, open: &Mutex<Vec<TcpStream>>) {
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        while stalled.load(Ordering::SeqCst) {
            #[expect(clippy::disallowed_methods, reason = "plays a network that is silent")]
            std::thread::sleep(Duration::from_millis(20));
            if open.lock().unwrap().is_empty() {
                return;
            }
        }
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
