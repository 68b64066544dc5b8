//! A machine in the middle between a client and a PostgreSQL server, with its own TLS certificate.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

/// `SSLRequest` (PostgreSQL manual, 55.7).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Decrypts what the client sends, re-encrypts it for the server, and does the same in the other direction.
pub struct TlsRelay {
    pub port: u16,
}

impl TlsRelay {
    pub fn start(server: u16) -> Self {
        let config = Arc::new(config());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let config = config.clone();
                std::thread::spawn(move || relay(client.unwrap(), server, config));
            }
        });
        Self { port }
    }
}

fn config() -> ServerConfig {
    let folder = TempDir::new().unwrap();
    let arguments = "req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -days 2 -subj /CN=localhost";
    let mut openssl = Command::new("openssl");
    openssl.args(arguments.split(' ')).current_dir(folder.path()).stderr(Stdio::null());
    assert!(openssl.status().unwrap().success());
    let certificate = CertificateDer::from_pem_file(folder.path().join("certificate")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.path().join("key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()
}

fn relay(mut client: TcpStream, server: u16, config: Arc<ServerConfig>) {
    let mut request = [0; 8];
    client.read_exact(&mut request).unwrap();
    assert_eq!(request, SSL_REQUEST);
    client.write_all(b"S").unwrap();
    let mut client = StreamOwned::new(ServerConnection::new(config).unwrap(), client);
    // `openssl s_client` sends PostgreSQL's TLS request to the server and encrypts that side.
    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-quiet", "-starttls", "postgres", "-connect", &format!("127.0.0.1:{server}")]);
    let mut s_client = openssl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (mut to_server, mut from_server) = (s_client.stdin.take().unwrap(), s_client.stdout.take().unwrap());
    let (answers, mut responses) = std::sync::mpsc::channel::<Vec<u8>>();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from_server.read(&mut buffer) {
            if answers.send(buffer[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    while client.conn.is_handshaking() {
        if client.conn.complete_io(&mut client.sock).is_err() {
            break;
        }
    }
    client.sock.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let result = forward(&mut client, &mut to_server, &mut responses);
    drop(result);
    let _ = s_client.kill();
    let _ = s_client.wait();
}

fn forward(
    client: &mut StreamOwned<ServerConnection, TcpStream>,
    server: &mut impl Write,
    answers: &mut std::sync::mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => server.write_all(&buffer[..read]).and_then(|()| server.flush())?,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
        loop {
            match answers.try_recv() {
                Ok(answer) => client.write_all(&answer).and_then(|()| client.flush())?,
                Err(std::sync::mpsc::TryRecvError::Empty) => break,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => return Ok(()),
            }
        }
    }
}
