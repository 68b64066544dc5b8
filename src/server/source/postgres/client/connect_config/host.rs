//! Where the server is: a host of the network, or the folder of a Unix socket.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::settings::Settings;

/// Default socket folder of distribution packages. Not `/tmp`: any local user could create a socket there.
const DEFAULT_SOCKET_FOLDER: &str = "/var/run/postgresql";
#[derive(Clone)]
pub enum Host {
    /// `address` skips the DNS lookup; the certificate is still verified against the name.
    Tcp { name: String, ip: Option<IpAddr> },
    /// The folder of a Unix socket.
    UnixSocket(PathBuf),
}

impl Host {
    pub fn from_settings(settings: &Settings, port: u16) -> Result<Self, String> {
        let ip = settings.parse("hostaddr", "an IP address")?;
        Ok(match (settings.get("host"), ip) {
            (Some(names), _) if names.contains(',') => return Err("several hosts are not supported: give one".into()),
            (Some(name), _) if name.starts_with('@') => {
                return Err("host is invalid: give a host name, or the folder of a Unix socket".into());
            }
            (Some(folder), _) if folder.starts_with('/') => Self::UnixSocket(folder.into()),
            (Some(name), ip) => Self::Tcp { name, ip },
            (None, Some(address)) => Self::Tcp { name: address.to_string(), ip: Some(address) },
            (None, None) if Path::new(DEFAULT_SOCKET_FOLDER).join(format!(".s.PGSQL.{port}")).exists() => {
                Self::UnixSocket(DEFAULT_SOCKET_FOLDER.into())
            }
            (None, None) => Self::Tcp { name: "localhost".into(), ip: None },
        })
    }

    /// The host to look up in the passfile: a socket in the default folder counts as `localhost`.
    pub fn passfile_host(&self) -> String {
        match self {
            Self::Tcp { name, .. } => name.clone(),
            Self::UnixSocket(folder) if folder == Path::new(DEFAULT_SOCKET_FOLDER) => "localhost".into(),
            Self::UnixSocket(folder) => folder.display().to_string(),
        }
    }
}
