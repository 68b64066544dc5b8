//! Startup and authentication (PostgreSQL manual, 55.2.1 and 55.3).

use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;
use secrecy::ExposeSecret;

use super::connection::{CancelKey, Connection, told};
use super::proof::{Binding, Method};
use super::{Address, Error, Result};

impl Connection {
    /// Sends the startup message, authenticates as the server requests, and waits until it is ready. Returns the
    /// cancel key.
    pub(super) fn sign_in(&mut self, address: &Address) -> Result<Option<CancelKey>> {
        let parameters = [
            ("user", address.user.as_str()),
            ("database", &address.database),
            ("application_name", &address.application_name),
            ("client_encoding", "UTF8"),
        ];
        let options = address.options.as_deref().map(|options| ("options", options));
        self.send(|out| frontend::startup_message(parameters.into_iter().chain(options), out))?;
        let password = || Ok(address.password.as_ref().ok_or(Error::NoPassword)?.expose_secret().as_bytes());
        let (mut scram, mut was_asked, mut is_bound) = (None, false, false);
        loop {
            match self.receive()? {
                Message::AuthenticationOk if scram.is_none() => {
                    if !was_asked {
                        self.permit(address, Method::None)?;
                    }
                    if address.binding == Binding::Require && !is_bound {
                        return Err(Error::Unbound);
                    }
                    break;
                }
                // The server skips the end of SCRAM, in which it would have to prove that it knows the password.
                Message::AuthenticationOk => return Err(Error::Unproven),
                Message::AuthenticationCleartextPassword if scram.is_none() => {
                    self.permit(address, Method::Password)?;
                    was_asked = true;
                    let password = password()?;
                    self.send(|out| frontend::password_message(password, out))?;
                }
                Message::AuthenticationMd5Password(body) if scram.is_none() => {
                    self.permit(address, Method::Md5)?;
                    was_asked = true;
                    let hash = md5_hash(address.user.as_bytes(), password()?, body.salt());
                    self.send(|out| frontend::password_message(hash.as_bytes(), out))?;
                }
                Message::AuthenticationSasl(body) => {
                    self.permit(address, Method::ScramSha256)?;
                    was_asked = true;
                    let begun = self.begin_scram(address, &body, password()?)?;
                    is_bound = begun.is_bound;
                    scram = Some(begun.scram);
                }
                Message::AuthenticationSaslContinue(body) => {
                    let scram = scram.as_mut().ok_or(Error::Protocol)?;
                    scram.update(body.data()).map_err(|_| Error::Protocol)?;
                    self.send(|out| frontend::sasl_response(scram.message(), out))?;
                }
                Message::AuthenticationSaslFinal(body) => {
                    let mut scram = scram.take().ok_or(Error::Protocol)?;
                    scram.finish(body.data()).map_err(|_| Error::Unproven)?;
                }
                Message::ErrorResponse(body) => return Err(told(&body)),
                Message::AuthenticationGss
                | Message::AuthenticationKerberosV5
                | Message::AuthenticationScmCredential
                | Message::AuthenticationSspi => return Err(Error::UnknownSignIn),
                _ => return Err(Error::Protocol),
            }
        }
        let mut key = None;
        self.until_ready(|message| {
            if let Message::BackendKeyData(body) = message {
                key = Some((body.process_id(), body.secret_key()));
            }
            Ok(())
        })?;
        Ok(key)
    }

    /// Checks whether the server may request this method. A man in the middle could read a cleartext password, and
    /// crack or relay an MD5 response: on the way to another machine, both need a server that TLS has verified, or
    /// `require_auth` to name the method.
    fn permit(&self, address: &Address, method: Method) -> Result<()> {
        let required = address.require_auth.as_ref();
        if required.is_some_and(|required| !required.allows(method)) {
            return Err(Error::NotAllowedWay);
        }
        let is_weak = matches!(method, Method::Password | Method::Md5);
        let was_named = required.is_some_and(|required| required.names(method));
        if is_weak && !was_named && !self.is_private(address) {
            return Err(Error::WeakSignIn);
        }
        Ok(())
    }

    fn begin_scram(&mut self, address: &Address, body: &AuthenticationSaslBody, password: &[u8]) -> Result<Begun> {
        let offered: Vec<&str> = body.mechanisms().collect().map_err(|_| Error::Protocol)?;
        let end_point = self.server_end_point().filter(|_| address.binding != Binding::Disable);
        let (binding, mechanism) = match end_point {
            Some(digest) if offered.contains(&SCRAM_SHA_256_PLUS) => {
                (ChannelBinding::tls_server_end_point(digest), SCRAM_SHA_256_PLUS)
            }
            // Signals that we support channel binding: a server that does too then detects that its offer was removed
            // on the way.
            Some(_) => (ChannelBinding::unrequested(), SCRAM_SHA_256),
            None => (ChannelBinding::unsupported(), SCRAM_SHA_256),
        };
        let is_bound = mechanism == SCRAM_SHA_256_PLUS;
        if address.binding == Binding::Require && !is_bound {
            return Err(Error::Unbound);
        }
        if !offered.contains(&mechanism) {
            return Err(Error::UnknownSignIn);
        }
        let scram = ScramSha256::new(password, binding);
        self.send(|out| frontend::sasl_initial_response(mechanism, scram.message(), out))?;
        Ok(Begun { scram, is_bound })
    }
}

/// A SCRAM exchange in progress.
struct Begun {
    scram: ScramSha256,
    /// Bound to the TLS connection.
    is_bound: bool,
}
