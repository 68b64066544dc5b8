//! The socket: TCP, TLS over TCP, or a Unix socket.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use rustls::{ClientConnection, StreamOwned};

use super::connect_config::{ConnectConfig, Host};
use super::tls::SslMode;
use super::{Error, Result};

pub enum Stream {
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    Unix(UnixStream),
}

/// Shuts a connection down from any thread.
#[derive(Debug)]
pub enum ShutdownHandle {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl ShutdownHandle {
    pub fn shutdown(&self) {
        // An error means that it is closed already.
        let _ = match self {
            Self::Tcp(socket) => socket.shutdown(Shutdown::Both),
            Self::Unix(socket) => socket.shutdown(Shutdown::Both),
        };
    }
}

impl Stream {
    /// Connects, with TLS if `mode` wants it. `timeout` limits every single wait except the DNS lookup.
    pub fn open(config: &ConnectConfig, mode: SslMode, timeout: Duration) -> Result<Self> {
        let (name, ip) = match &config.host {
            Host::UnixSocket(folder) => {
                let socket = UnixStream::connect(folder.join(format!(".s.PGSQL.{}", config.port)));
                let stream = Self::Unix(socket.map_err(Error::Unreachable)?);
                stream.set_timeouts(timeout).map_err(Error::Unreachable)?;
                return Ok(stream);
            }
            Host::Tcp { name, ip } => (name, *ip),
        };
        let socket = connect_tcp(name, ip, config.port, timeout).map_err(Error::Unreachable)?;
        let stream = Self::Tcp(socket.try_clone().map_err(Error::Unreachable)?);
        stream.set_timeouts(timeout).map_err(Error::Unreachable)?;
        if matches!(mode, SslMode::Disable | SslMode::Allow) {
            return Ok(stream);
        }
        if request_tls(&socket)? {
            return Ok(Self::Tls(Box::new(config.tls.handshake(socket, name)?)));
        }
        if mode == SslMode::Prefer { Ok(stream) } else { Err(Error::Tls("the server does not support TLS".into())) }
    }

    /// Sets the read and write timeouts; a wait that exceeds them ends as `WouldBlock` or `TimedOut`.
    pub fn set_timeouts(&self, timeout: Duration) -> io::Result<()> {
        let timeout = Some(timeout);
        match self {
            Self::Unix(socket) => socket.set_read_timeout(timeout).and_then(|()| socket.set_write_timeout(timeout)),
            Self::Tcp(socket) => socket.set_read_timeout(timeout).and_then(|()| socket.set_write_timeout(timeout)),
            Self::Tls(stream) => {
                stream.sock.set_read_timeout(timeout).and_then(|()| stream.sock.set_write_timeout(timeout))
            }
        }
    }

    /// The server's IP address; `None` for a Unix socket.
    ///
    /// # Errors
    /// When the connection is closed already. Never `None` then: a Unix socket is trusted.
    pub fn peer_ip(&self) -> io::Result<Option<IpAddr>> {
        let socket = match self {
            Self::Tcp(socket) => socket,
            Self::Tls(stream) => &stream.sock,
            Self::Unix(_) => return Ok(None),
        };
        Ok(Some(socket.peer_addr()?.ip()))
    }

    /// The server's certificate (DER).
    pub fn certificate(&self) -> Option<&[u8]> {
        match self {
            Self::Tls(stream) => stream.conn.peer_certificates()?.first().map(AsRef::as_ref),
            Self::Tcp(_) | Self::Unix(_) => None,
        }
    }

    pub fn shutdown_handle(&self) -> io::Result<ShutdownHandle> {
        Ok(match self {
            Self::Tcp(socket) => ShutdownHandle::Tcp(socket.try_clone()?),
            Self::Tls(stream) => ShutdownHandle::Tcp(stream.sock.try_clone()?),
            Self::Unix(socket) => ShutdownHandle::Unix(socket.try_clone()?),
        })
    }
}

fn connect_tcp(name: &str, ip: Option<IpAddr>, port: u16, timeout: Duration) -> io::Result<TcpStream> {
    let addresses = match ip {
        Some(ip) => vec![(ip, port).into()],
        None => (name, port).to_socket_addrs()?.collect(),
    };
    let mut last_error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(socket) => return socket.set_nodelay(true).map(|()| socket),
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

/// Sends `SSLRequest`. Reads exactly one byte of the response: anything unencrypted after it could be injected
/// (CVE-2021-23222).
fn request_tls(mut socket: &TcpStream) -> Result<bool> {
    let (mut request, mut answer) = (BytesMut::new(), [0]);
    frontend::ssl_request(&mut request);
    socket.write_all(&request).and_then(|()| socket.read_exact(&mut answer)).map_err(Error::Unreachable)?;
    match answer {
        [b'S'] => Ok(true),
        [b'N'] => Ok(false),
        // A server that cannot start a session sends an error before it reads the request.
        [b'E'] => Err(Error::Unreachable(io::ErrorKind::ConnectionRefused.into())),
        _ => Err(Error::Protocol),
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
            Self::Unix(socket) => socket.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
            Self::Unix(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
            Self::Unix(socket) => socket.flush(),
        }
    }
}
