//! Where a server is and who signs in there, its password never shown.

use std::fmt;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// What may stand after the `?`, as libpq names it (PostgreSQL manual, 34.1.2).
const PARAMETERS: [&str; 12] = [
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "application_name",
    "options",
];

/// A parsed `postgres://user@host:port/db?…`; what it leaves open comes from libpq's own places: `PGHOST`,
/// `PGUSER`, `PGPASSWORD`, `~/.pgpass` and so on.
#[derive(Clone)]
pub struct Address(PgConnectOptions);

impl Address {
    /// For whoever connects by himself.
    #[must_use]
    pub fn connect_options(&self) -> PgConnectOptions {
        self.0.clone()
    }

    /// The database's name.
    #[must_use]
    pub fn database(&self) -> &str {
        self.0.get_database().unwrap_or_else(|| self.0.get_username())
    }

    /// Whether a password stands in the text of a URL, where a process list would show it.
    #[must_use]
    pub fn shows_password(url: &str) -> bool {
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let userinfo = authority.rsplit_once('@').map_or("", |(userinfo, _)| userinfo);
        let in_query = rest.split_once('?').is_some_and(|(_, query)| {
            query.split('&').any(|pair| pair.split('=').next().is_some_and(|key| key.eq_ignore_ascii_case("password")))
        });
        userinfo.contains(':') || in_query
    }
}

impl FromStr for Address {
    type Err = String;

    /// The errors never repeat the text: it may hold a password.
    fn from_str(url: &str) -> Result<Self, String> {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let key = pair.split('=').next().unwrap_or_default();
            if !PARAMETERS.contains(&key) && !key.starts_with("options[") {
                return Err(format!("the URL has a parameter that is not known; these are: {}", PARAMETERS.join(", ")));
            }
        }
        let parsed = PgConnectOptions::from_str(url);
        let options = parsed.map_err(|_| "this is not a URL: write postgres://user@host:port/database".to_owned())?;
        let named = query.split('&').any(|pair| pair.starts_with("application_name="));
        Ok(Self(if named { options } else { options.application_name("waybill") }))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.0;
        let (user, host, port) = (options.get_username(), options.get_host(), options.get_port());
        write!(f, "postgres://{user}@{host}:{port}/{}", self.database())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let address: Address = "postgres://ada:s3cret@db.example.test:5433/app?sslmode=require".parse().unwrap();
        assert_eq!(address.to_string(), "postgres://ada@db.example.test:5433/app");
        assert!(!format!("{address:?}").contains("s3cret"));
        assert!(!format!("{:?}", address.clone()).contains("s3cret"));
        for url in ["postgres://u:p@h/d", "postgres://h/d?password=p", "postgresql://u:p@h:1/d?sslmode=disable"] {
            assert!(Address::shows_password(url), "{url}");
        }
        for url in ["postgres://u@h/d", "postgres://h:5432/d", "postgres:///d?host=/tmp", "sqlite:a@b:c"] {
            assert!(!Address::shows_password(url), "{url}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused_and_not_repeated() {
        for url in
            ["postgres://u:s3cret@h/d?sslmdoe=require", "postgres://u:s3cret@h:port/d", "postgres://h/d?sslmode=s3cret"]
        {
            let error = url.parse::<Address>().unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
        for mode in ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] {
            assert!(format!("postgres://h/d?sslmode={mode}").parse::<Address>().is_ok(), "{mode}");
        }
    }
}
