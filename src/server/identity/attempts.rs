//! Counts attempts to sign in, by client and account.

use std::net::IpAddr;

use super::rate_limits::network_prefix;
use super::{Error, Identity};
use crate::server::audit::{Actor, Event};

/// The client that a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct ClientInfo<'a> {
    pub client_ip: IpAddr,
    /// Token of the session cookie, if the request has one.
    pub session_token: Option<&'a str>,
    /// Value of the known-browser cookie, which an earlier sign-in set.
    pub known_browser: Option<&'a str>,
}

impl Identity {
    /// Counts a password attempt, and refuses it over a rate limit.
    pub(super) async fn check_rate_limit(&self, actor: &str, name: &str, client: ClientInfo<'_>) -> Result<(), Error> {
        let browser = client.known_browser.and_then(|known| {
            let (id, _) = known.split_once('.')?;
            (self.known_browser_cookie(id, name) == known).then_some(id)
        });
        let Err(retry_after_seconds) = self.rate_limits.check_attempt(name, client.client_ip, browser) else {
            return Ok(());
        };
        self.journal.refuse(Actor::remote(actor, network_prefix(client.client_ip)), Event::SignInLimited).await?;
        Err(Error::RateLimited { retry_after_seconds })
    }

    /// Value of the known-browser cookie: the browser's id, and an HMAC proving that it has signed in with this
    /// account.
    pub(super) fn known_browser_cookie(&self, id: &str, name: &str) -> String {
        format!("{id}.{}", self.signing_key.authentication_code("known browser", &[id, &name.to_lowercase()]))
    }
}
