//! Connection settings from a URL and libpq's environment variables; the password is never shown.

mod host;
mod settings;
mod tls_settings;
mod url;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use secrecy::SecretString;

use super::auth_policy::{ChannelBindingMode, RequireAuth};
use super::passfile::{self, PassfileKey};
use super::tls::TlsConfig;

pub(super) use host::Host;
use settings::Settings;

const DEFAULT_PORT: u16 = 5432;
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
        let host = Host::from_settings(settings, port)?;
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
            tls: tls_settings::parse(settings)?,
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

fn default_passfile() -> Option<PathBuf> {
    std::env::home_dir().map(|home| home.join(".pgpass"))
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
    use secrecy::ExposeSecret;

    use super::super::tls::SslMode;
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
