//! A proxy before PostgreSQL that cuts every connection at the n-th statement of its clients.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What is lost with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The statement: the server never sees it.
    Statement,
    /// The answer: the server has run it.
    Answer,
}

/// What the proxy's threads share.
struct Cut {
    at: u64,
    lost: Lost,
    statements: AtomicU64,
    is_due: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

pub struct CuttingProxy {
    pub port: u16,
    cut: Arc<Cut>,
}

impl CuttingProxy {
    pub fn start(to: u16, at: u64, lost: Lost) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(Cut {
            at,
            lost,
            statements: AtomicU64::new(0),
            is_due: AtomicBool::new(false),
            streams: Mutex::new(Vec::new()),
        });
        let shared = cut.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { return };
                for stream in [&client, &server] {
                    stream.set_nodelay(true).unwrap();
                }
                shared.streams.lock().unwrap().extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                let (from, to, cut) = (client.try_clone().unwrap(), server.try_clone().unwrap(), shared.clone());
                std::thread::spawn(move || forward_statements(from, to, &cut));
                let cut = shared.clone();
                std::thread::spawn(move || forward_answers(server, client, &cut));
            }
        });
        Self { port, cut }
    }

    /// Whether it has cut: there were as many statements.
    pub fn has_cut(&self) -> bool {
        self.cut.statements.load(Ordering::SeqCst) >= self.cut.at
    }
}

impl Cut {
    fn now(&self) {
        self.streams.lock().unwrap().drain(..).for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    }
}

/// Messages of the protocol (PostgreSQL manual, 55.7): the first one has no type.
fn forward_statements(mut from: TcpStream, mut to: TcpStream, cut: &Cut) {
    let mut is_first = true;
    loop {
        let mut message = vec![0; if is_first { 4 } else { 5 }];
        if from.read_exact(&mut message).is_err() {
            break;
        }
        let length = u32::from_be_bytes(message[message.len() - 4..].try_into().unwrap()) as usize - 4;
        let head = message.len();
        message.resize(head + length, 0);
        if from.read_exact(&mut message[head..]).is_err() {
            break;
        }
        let ends_statement = !is_first && matches!(message[0], b'Q' | b'S' | b'c' | b'd');
        is_first = false;
        if ends_statement && cut.statements.fetch_add(1, Ordering::SeqCst) + 1 == cut.at {
            match cut.lost {
                Lost::Statement => return cut.now(),
                Lost::Answer => cut.is_due.store(true, Ordering::SeqCst),
            }
        }
        if to.write_all(&message).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

fn forward_answers(mut from: TcpStream, mut to: TcpStream, cut: &Cut) {
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if cut.is_due.load(Ordering::SeqCst) {
            return cut.now();
        }
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
