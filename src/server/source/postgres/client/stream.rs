//! The socket: TCP, TLS over TCP, or a Unix socket.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use rustls::{ClientConnection, StreamOwned};

use super::address::{Address, Host};
use super::tls::Mode;
use super::{Error, Result};

pub enum Stream {
    Network(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    Local(UnixStream),
}

/// Shuts a connection down from any thread.
#[derive(Debug)]
pub enum HangUp {
    Network(TcpStream),
    Local(UnixStream),
}

impl HangUp {
    pub fn now(&self) {
        // An error means that it is closed already.
        let _ = match self {
            Self::Network(socket) => socket.shutdown(Shutdown::Both),
            Self::Local(socket) => socket.shutdown(Shutdown::Both),
        };
    }
}

impl Stream {
    /// Connects, with TLS if `mode` wants it. `within` limits every single wait except the DNS lookup.
    pub fn open(address: &Address, mode: Mode, within: Duration) -> Result<Self> {
        let (name, ip) = match &address.host {
            Host::Folder(folder) => {
                let socket = UnixStream::connect(folder.join(format!(".s.PGSQL.{}", address.port)));
                let stream = Self::Local(socket.map_err(Error::Unreachable)?);
                stream.wait_at_most(within).map_err(Error::Unreachable)?;
                return Ok(stream);
            }
            Host::Network { name, address } => (name, *address),
        };
        let socket = connect(name, ip, address.port, within).map_err(Error::Unreachable)?;
        let stream = Self::Network(socket.try_clone().map_err(Error::Unreachable)?);
        stream.wait_at_most(within).map_err(Error::Unreachable)?;
        if matches!(mode, Mode::Disable | Mode::Allow) {
            return Ok(stream);
        }
        if offers_tls(&socket)? {
            return Ok(Self::Tls(Box::new(address.tls.wrap(socket, name)?)));
        }
        if mode == Mode::Prefer { Ok(stream) } else { Err(Error::Tls("the server has none".into())) }
    }

    /// Sets the read and write timeouts; a wait that exceeds them ends as `WouldBlock` or `TimedOut`.
    pub fn wait_at_most(&self, within: Duration) -> io::Result<()> {
        let within = Some(within);
        match self {
            Self::Local(socket) => socket.set_read_timeout(within).and_then(|()| socket.set_write_timeout(within)),
            Self::Network(socket) => socket.set_read_timeout(within).and_then(|()| socket.set_write_timeout(within)),
            Self::Tls(stream) => {
                stream.sock.set_read_timeout(within).and_then(|()| stream.sock.set_write_timeout(within))
            }
        }
    }

    /// The server's IP address; `None` for a Unix socket.
    pub fn peer(&self) -> Option<IpAddr> {
        let socket = match self {
            Self::Network(socket) => socket,
            Self::Tls(stream) => &stream.sock,
            Self::Local(_) => return None,
        };
        socket.peer_addr().ok().map(|address| address.ip())
    }

    /// The server's certificate (DER).
    pub fn certificate(&self) -> Option<&[u8]> {
        match self {
            Self::Tls(stream) => stream.conn.peer_certificates()?.first().map(AsRef::as_ref),
            Self::Network(_) | Self::Local(_) => None,
        }
    }

    pub fn hang_up(&self) -> io::Result<HangUp> {
        Ok(match self {
            Self::Network(socket) => HangUp::Network(socket.try_clone()?),
            Self::Tls(stream) => HangUp::Network(stream.sock.try_clone()?),
            Self::Local(socket) => HangUp::Local(socket.try_clone()?),
        })
    }
}

fn connect(name: &str, ip: Option<IpAddr>, port: u16, within: Duration) -> io::Result<TcpStream> {
    let addresses = match ip {
        Some(ip) => vec![(ip, port).into()],
        None => (name, port).to_socket_addrs()?.collect(),
    };
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, within) {
            Ok(socket) => return socket.set_nodelay(true).map(|()| socket),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Sends `SSLRequest`. Reads exactly one byte of the response: anything unencrypted after it could be injected
/// (CVE-2021-23222).
fn offers_tls(mut socket: &TcpStream) -> Result<bool> {
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
            Self::Network(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
            Self::Local(socket) => socket.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Network(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
            Self::Local(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Network(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
            Self::Local(socket) => socket.flush(),
        }
    }
}
