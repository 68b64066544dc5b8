//! Reads a URL as libpq does (PostgreSQL manual, 34.1.1.2).

use std::str::FromStr;

use super::ConnectConfig;
use super::settings::Settings;

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
