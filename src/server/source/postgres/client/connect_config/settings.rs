//! Parameters of a connection, from a URL and from libpq's environment variables.

use std::collections::BTreeMap;
use std::env::VarError;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};

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
/// libpq timeouts: checked to be integers, then ignored; Waybill has its own.
const IGNORED_TIMEOUTS: [&str; 6] =
    ["connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"];
/// libpq settings that demand server checks we do not implement: refused, never ignored.
const UNSUPPORTED_CHECKS: [&str; 2] = ["PGREQUIREPEER", "PGSSLCRL"];

/// Parameters by their libpq names. Neither errors nor logs may repeat a value.
pub struct Settings(BTreeMap<&'static str, SecretString>);

impl Settings {
    pub fn from_environment() -> Result<Self, String> {
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

    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
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

    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| value.expose_secret().to_owned()).filter(|value| !value.is_empty())
    }

    pub fn parse<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, String> {
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
