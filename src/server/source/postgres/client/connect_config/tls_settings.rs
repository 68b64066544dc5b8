//! The settings of TLS.

use std::path::PathBuf;

use super::super::tls::{RootCerts, SslMode, TlsConfig};
use super::settings::Settings;

pub fn parse(settings: &Settings) -> Result<TlsConfig, String> {
    let mode = settings.parse("sslmode", "disable, allow, prefer, require, verify-ca or verify-full")?;
    let default_root_cert =
        || std::env::home_dir().map(|home| home.join(".postgresql/root.crt")).filter(|file| file.exists());
    let (mode, root_certs) = match settings.get("sslrootcert") {
        Some(name) if name == "system" => match mode {
            None | Some(SslMode::VerifyFull) => (SslMode::VerifyFull, Some(RootCerts::WebPki)),
            Some(_) => return Err("sslrootcert=system needs sslmode=verify-full".into()),
        },
        file => {
            (mode.unwrap_or(SslMode::Prefer), file.map(PathBuf::from).or_else(default_root_cert).map(RootCerts::File))
        }
    };
    let [certificate, key] = ["sslcert", "sslkey"].map(|name| settings.get(name).map(PathBuf::from));
    Ok(TlsConfig { mode, root_certs, certificate, key })
}
