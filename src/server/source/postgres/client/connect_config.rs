//! Connection settings from a URL and libpq's environment variables; the password is never shown.

use std::collections::BTreeMap;
use std::env::VarError;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};

use super::auth_policy::{ChannelBindingMode, RequireAuth};
use super::passfile::{self, PassfileKey};
use super::tls::{RootCerts, SslMode, TlsConfig};

/// Parameters of a URL, and the environment variable used where the URL does not set them (PostgreSQL manual, 34.1.2
/// and 34.15).
const PARAMETERS: [(&str, &str); 15] = [
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("dbname", "PGDATABASE"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("passfile", "PGPASSFILE"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("application_name", "PGAPPNAME"),
    ("options", "PGOPTIONS"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("require_auth", "PGREQUIREAUTH"),
];
const DEFAULT_PORT: u16 = 5432;
/// Default socket folder of distribution packages. Not `/tmp`: any local user could create a socket there.
const DEFAULT_SOCKET_FOLDER: &str = "/var/run/postgresql";
/// libpq timeouts: checked to be integers, then ignored; Waybill has its own.
const IGNORED_TIMEOUTS: [&str; 6] =
    ["connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"];
/// libpq settings that demand server checks we do not implement: refused, never ignored.
const UNSUPPORTED_CHECKS: [&str; 2] = ["PGREQUIREPEER", "PGSSLCRL"];

/// A parsed `postgres://user@host:port/db?…`. What the URL leaves open comes from libpq's other sources: `PGHOST`,
/// `PGUSER`, `PGPASSWORD`, `~/.pgpass` and so on.
///
/// ```
/// use waybill::server::source::postgres::ConnectConfig;
///
/// let config: ConnectConfig = "postgres://ada:secret@db.example.org/shop?sslmode=verify-full".parse().unwrap();
/// assert_eq!(config.database(), "shop");
/// assert!(!config.to_string().contains("secret"));
/// assert!("postgres://ada@db.example.org/shop?sslmdoe=require".parse::<ConnectConfig>().is_err());
/// ```
#[derive(Clone)]
pub struct ConnectConfig {
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: Option<SecretString>,
    pub(super) database: String,
    pub(super) tls: TlsConfig,
    pub(super) channel_binding: ChannelBindingMode,
    pub(super) require_auth: Option<RequireAuth>,
    pub(super) application_name: String,
    /// Session settings, as in `-c name=value`.
    pub(super) options: Option<String>,
}

#[derive(Clone)]
pub(super) enum Host {
    /// `address` skips the DNS lookup; the certificate is still verified against the name.
    Tcp { name: String, ip: Option<IpAddr> },
    /// The folder of a Unix socket.
    UnixSocket(PathBuf),
}

impl ConnectConfig {
    /// The database's name.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The server's host, if it is another machine and TLS does not verify it.
    #[must_use]
    pub fn unverified_host(&self) -> Option<&str> {
        let Host::Tcp { name, ip } = &self.host else { return None };
        let is_loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
        let is_local = name == "localhost" || ip.or_else(|| name.parse().ok()).is_some_and(is_loopback);
        (!is_local && !self.tls.verifies_server(self.tls.mode)).then_some(name)
    }

    /// Pins the resolved IP address: another DNS lookup could return a different server.
    pub(super) fn with_ip(self, ip: IpAddr) -> Self {
        let host = match self.host {
            Host::Tcp { name, .. } => Host::Tcp { name, ip: Some(ip) },
            folder @ Host::UnixSocket(_) => folder,
        };
        Self { host, ..self }
    }

    /// Whether the URL contains a password, which a process list would show.
    #[must_use]
    pub fn contains_password(url: &str) -> bool {
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let userinfo = authority.rsplit_once('@').map_or("", |(userinfo, _)| userinfo);
        let in_query = rest.split_once('?').is_some_and(|(_, query)| {
            query.split('&').any(|pair| pair.split('=').next().is_some_and(|key| key.eq_ignore_ascii_case("password")))
        });
        userinfo.contains(':') || in_query
    }

    fn from_settings(settings: &Settings) -> Result<Self, String> {
        let port =
            settings.parse("port", "a number from 1 to 65535 (in a password, write / as %2F)")?.unwrap_or(DEFAULT_PORT);
        let user = settings.get("user").map_or_else(
            || whoami::username().map_err(|_| "no database user: write postgres://user@… or set PGUSER".to_owned()),
            Ok,
        )?;
        let database = settings.get("dbname").unwrap_or_else(|| user.clone());
        let host = parse_host(settings, port)?;
        let password = settings.get("password").or_else(|| {
            let file = settings.get("passfile").map(PathBuf::from).or_else(default_passfile)?;
            passfile::find_password(
                &file,
                &PassfileKey { host: &host.passfile_host(), port, database: &database, user: &user },
            )
        });
        Ok(Self {
            host,
            port,
            password: password.map(SecretString::from),
            tls: parse_tls(settings)?,
            channel_binding: settings
                .parse("channel_binding", "disable, prefer or require")?
                .unwrap_or(ChannelBindingMode::Prefer),
            require_auth: settings.parse(
                "require_auth",
                "a comma-separated list of scram-sha-256, md5, password, gss, sspi, oauth and none, with ! before all of them or before none",
            )?,
            application_name: settings.get("application_name").unwrap_or_else(|| "waybill".into()),
            options: settings.get("options"),
            user,
            database,
        })
    }
}

fn parse_tls(settings: &Settings) -> Result<TlsConfig, String> {
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

fn parse_host(settings: &Settings, port: u16) -> Result<Host, String> {
    let ip = settings.parse("hostaddr", "an IP address")?;
    Ok(match (settings.get("host"), ip) {
        (Some(names), _) if names.contains(',') => return Err("several hosts are not supported: give one".into()),
        (Some(name), _) if name.starts_with('@') => {
            return Err("host is invalid: give a host name, or the folder of a Unix socket".into());
        }
        (Some(folder), _) if folder.starts_with('/') => Host::UnixSocket(folder.into()),
        (Some(name), ip) => Host::Tcp { name, ip },
        (None, Some(address)) => Host::Tcp { name: address.to_string(), ip: Some(address) },
        (None, None) if Path::new(DEFAULT_SOCKET_FOLDER).join(format!(".s.PGSQL.{port}")).exists() => {
            Host::UnixSocket(DEFAULT_SOCKET_FOLDER.into())
        }
        (None, None) => Host::Tcp { name: "localhost".into(), ip: None },
    })
}

fn default_passfile() -> Option<PathBuf> {
    std::env::home_dir().map(|home| home.join(".pgpass"))
}

impl Host {
    /// The host to look up in the passfile: a socket in the default folder counts as `localhost`.
    fn passfile_host(&self) -> String {
        match self {
            Self::Tcp { name, .. } => name.clone(),
            Self::UnixSocket(folder) if folder == Path::new(DEFAULT_SOCKET_FOLDER) => "localhost".into(),
            Self::UnixSocket(folder) => folder.display().to_string(),
        }
    }
}

/// Parameters by their libpq names. Neither errors nor logs may repeat a value.
struct Settings(BTreeMap<&'static str, SecretString>);

impl Settings {
    fn from_environment() -> Result<Self, String> {
        let variable = |variable: &str| match std::env::var(variable) {
            Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(format!("{variable} is not UTF-8")),
        };
        if let Some(demand) =
            UNSUPPORTED_CHECKS.into_iter().find(|name| std::env::var_os(name).is_some_and(|it| !it.is_empty()))
        {
            return Err(format!("{demand} is not supported: unset it, or connect in a way that does not need it"));
        }
        let mut settings = Self(BTreeMap::new());
        for (name, from) in PARAMETERS {
            if let Some(value) = variable(from)? {
                settings.0.insert(name, value.into());
            }
        }
        for (name, from) in [("target_session_attrs", "PGTARGETSESSIONATTRS"), ("gssencmode", "PGGSSENCMODE")] {
            if let Some(demand) = variable(from)? {
                settings.set(name, &demand)?;
            }
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        if let Some(result) = ignore_or_refuse(name, value) {
            return result;
        }
        if (name, value) == ("ssl", "true") {
            return self.set("sslmode", "require");
        }
        let Some((name, _)) = PARAMETERS.into_iter().find(|(known, _)| *known == name) else {
            let known = PARAMETERS.map(|(name, _)| name).join(", ");
            return Err(format!("the URL has an unknown parameter; known are: {known}"));
        };
        let value = percent_decode_str(value).decode_utf8().map_err(|_| format!("{name} is not UTF-8"))?;
        // An empty value counts as not set: the environment variable applies.
        if !value.is_empty() {
            self.0.insert(name, value.into_owned().into());
        }
        Ok(())
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| value.expose_secret().to_owned()).filter(|value| !value.is_empty())
    }

    fn parse<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, String> {
        let read = |text: String| text.parse().map_err(|_| format!("{name} is invalid: give {expected}"));
        self.get(name).map(read).transpose()
    }
}

/// Ignores parameters that have no effect here, and refuses those that demand what we do not support.
fn ignore_or_refuse(name: &str, value: &str) -> Option<Result<(), String>> {
    Some(match (name, value) {
        ("gssencmode", "disable" | "prefer")
        | ("target_session_attrs", "any")
        | ("fallback_application_name" | "client_encoding", _) => Ok(()),
        ("target_session_attrs" | "gssencmode", _) => Err(format!("this value of {name} is not supported: remove it")),
        _ if IGNORED_TIMEOUTS.contains(&name) && (value.is_empty() || value.parse::<i32>().is_ok()) => Ok(()),
        _ if IGNORED_TIMEOUTS.contains(&name) => Err(format!("{name} is invalid: give a number")),
        _ => return None,
    })
}

impl FromStr for ConnectConfig {
    type Err = String;

    /// Errors never repeat the text: it may contain a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let not_a_url = || "this is not a URL: write postgres://user@host:port/database".to_owned();
        let rest =
            text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://")).ok_or_else(not_a_url)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (userinfo, host_port) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        let (host, port) = match host_port.strip_prefix('[') {
            Some(bracketed) => bracketed.split_once(']').ok_or_else(not_a_url)?,
            None => host_port.split_at(host_port.find(':').unwrap_or(host_port.len())),
        };
        if !port.is_empty() && !port.starts_with(':') {
            return Err(not_a_url());
        }
        let mut settings = Settings::from_environment()?;
        let port = port.trim_start_matches(':');
        for (name, value) in
            [("host", host), ("port", port), ("user", user), ("password", password), ("dbname", database)]
        {
            settings.set(name, value)?;
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            settings.set(name, value)?;
        }
        Self::from_settings(&settings)
    }
}

impl fmt::Display for ConnectConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, port, database, .. } = self;
        match &self.host {
            Host::Tcp { name, .. } if name.contains(':') => {
                write!(f, "postgres://{user}@[{name}]:{port}/{database}")
            }
            Host::Tcp { name, .. } => write!(f, "postgres://{user}@{name}:{port}/{database}"),
            Host::UnixSocket(folder) => {
                write!(f, "postgres://{user}@/{database}?host={}&port={port}", folder.display())
            }
        }
    }
}

impl fmt::Debug for ConnectConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let address: ConnectConfig = "postgres://ada:s3cret@db.example.test:5433/app?sslmode=require".parse().unwrap();
        assert_eq!(address.to_string(), "postgres://ada@db.example.test:5433/app");
        assert!(!format!("{address:?}").contains("s3cret"));
        assert!(!format!("{:?}", address.clone()).contains("s3cret"));
        for url in [
            "postgres://u:p#p@h/d",
            "postgres://u:p@h/d",
            "postgres://h/d?password=p",
            "postgresql://u:p@h:1/d?sslmode=disable",
        ] {
            assert!(ConnectConfig::contains_password(url), "{url}");
        }
        for url in ["postgres://u@h/d", "postgres://h:5432/d", "postgres:///d?host=/tmp", "sqlite:a@b:c"] {
            assert!(!ConnectConfig::contains_password(url), "{url}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused_and_not_repeated() {
        for url in [
            "postgres://u:s3cret@h/d?sslmdoe=require",
            "postgres://u:s3cret@h:port/d",
            "postgres://h/d?sslmode=s3cret",
            "postgres://h/d?port=s3cret",
            "postgres://h/d?hostaddr=s3cret",
            "postgres://u:s3cret%ff@h/d",
            "postgres://u:s3cret@[::1/d",
            "postgres://u:s3cret@h1,h2/d",
            "postgres://u:s3cret@h/d?host=/tmp,/run",
            "postgres://u:s3cret@h/d?channel_binding=s3cret",
            "postgres://u:s3cret@h/d?require_auth=md5,!s3cret",
            "postgres://u:s3cret@h/d?target_session_attrs=read-write",
            "postgres://u:s3cret@h/d?gssencmode=require",
            "postgres://u:s3cret@h/d?connect_timeout=s3cret",
            "postgres://u:s3cret@h/d?sslrootcert=system&sslmode=require",
            "mysql://u:s3cret@h/d",
        ] {
            let error = url.parse::<ConnectConfig>().unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
        for mode in ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] {
            assert!(format!("postgres://h/d?sslmode={mode}").parse::<ConnectConfig>().is_ok(), "{mode}");
        }
    }

    #[test]
    fn a_url_is_read_as_libpq_reads_it() {
        let read = |url: &str| url.parse::<ConnectConfig>().unwrap();
        let cases = [
            ("postgresql://b%40d:p@[::1]:5433/my%20app", "postgres://b@d@[::1]:5433/my app"),
            ("postgres://ada@/app?host=/run/x&port=6000", "postgres://ada@/app?host=/run/x&port=6000"),
            ("postgres://%2Frun%2Fx/app?user=ada", "postgres://ada@/app?host=/run/x&port=5432"),
            ("postgres://ada@h/?dbname=other", "postgres://ada@h:5432/other"),
            ("postgres://ada@h", "postgres://ada@h:5432/ada"),
            ("postgres://ada@/app?hostaddr=127.0.0.1", "postgres://ada@127.0.0.1:5432/app"),
        ];
        for (url, shown) in cases {
            assert_eq!(read(url).to_string(), shown, "{url}");
        }
        let mode = |query: &str| read(&format!("postgres://ada@h/app?{query}")).tls.mode;
        assert_eq!(
            mode("connect_timeout=10&channel_binding=prefer&gssencmode=prefer&target_session_attrs=any"),
            SslMode::Prefer
        );
        assert_eq!(mode("ssl=true"), SslMode::Require);
        assert_eq!(mode("sslrootcert=system"), SslMode::VerifyFull);
        let password = |url: &str| read(url).password.unwrap().expose_secret().to_owned();
        assert_eq!(password("postgres://ada:p%2Fw+d@h/app"), "p/w+d");
        assert_eq!(password("postgres://ada@h/app?password=a+b%26"), "a+b&");
    }
}
