//! Startup and authentication (PostgreSQL manual, 55.2.1 and 55.3).

use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;
use secrecy::ExposeSecret;

use super::auth_policy::{AuthMethod, ChannelBindingMode};
use super::connection::{CancelKey, Connection, server_error};
use super::{ConnectConfig, Error, Result};

impl Connection {
    /// Sends the startup message, authenticates as the server requests, and waits until it is ready. Returns the
    /// cancel key.
    pub(super) fn start_up(&mut self, config: &ConnectConfig) -> Result<Option<CancelKey>> {
        self.send_startup_message(config)?;
        let mut login = Login::default();
        loop {
            match self.receive()? {
                Message::AuthenticationOk => break self.check_login(config, &login)?,
                Message::ErrorResponse(body) => return Err(server_error(&body)),
                request => self.answer(config, &mut login, request)?,
            }
        }
        self.receive_cancel_key()
    }

    fn send_startup_message(&mut self, config: &ConnectConfig) -> Result<()> {
        let parameters = [
            ("user", config.user.as_str()),
            ("database", &config.database),
            ("application_name", &config.application_name),
            ("client_encoding", "UTF8"),
        ];
        let options = config.options.as_deref().map(|options| ("options", options));
        self.send(|out| frontend::startup_message(parameters.into_iter().chain(options), out))
    }

    /// Answers a request to authenticate.
    fn answer(&mut self, config: &ConnectConfig, login: &mut Login, request: Message) -> Result<()> {
        match request {
            Message::AuthenticationCleartextPassword if login.scram.is_none() => {
                self.check_auth_method(config, AuthMethod::Password)?;
                login.was_challenged = true;
                let password = password(config)?;
                self.send(|out| frontend::password_message(password, out))
            }
            Message::AuthenticationMd5Password(body) if login.scram.is_none() => {
                self.check_auth_method(config, AuthMethod::Md5)?;
                login.was_challenged = true;
                let hash = md5_hash(config.user.as_bytes(), password(config)?, body.salt());
                self.send(|out| frontend::password_message(hash.as_bytes(), out))
            }
            Message::AuthenticationSasl(body) => {
                self.check_auth_method(config, AuthMethod::ScramSha256)?;
                let exchange = self.start_scram(config, &body, password(config)?)?;
                *login = Login { was_challenged: true, is_bound: exchange.is_bound, scram: Some(exchange.scram) };
                Ok(())
            }
            Message::AuthenticationSaslContinue(body) => {
                let scram = login.scram.as_mut().ok_or(Error::Protocol)?;
                scram.update(body.data()).map_err(|_| Error::Protocol)?;
                self.send(|out| frontend::sasl_response(scram.message(), out))
            }
            Message::AuthenticationSaslFinal(body) => {
                let mut scram = login.scram.take().ok_or(Error::Protocol)?;
                scram.finish(body.data()).map_err(|_| Error::ServerUnproven)
            }
            Message::AuthenticationGss
            | Message::AuthenticationKerberosV5
            | Message::AuthenticationScmCredential
            | Message::AuthenticationSspi => Err(Error::UnsupportedAuth),
            _ => Err(Error::Protocol),
        }
    }

    /// Checks whether the way in which the server accepted the user is allowed.
    fn check_login(&self, config: &ConnectConfig, login: &Login) -> Result<()> {
        // The server skips the end of SCRAM, in which it would have to prove that it knows the password.
        if login.scram.is_some() {
            return Err(Error::ServerUnproven);
        }
        if !login.was_challenged {
            self.check_auth_method(config, AuthMethod::None)?;
        }
        if config.channel_binding == ChannelBindingMode::Require && !login.is_bound {
            return Err(Error::ChannelNotBound);
        }
        Ok(())
    }

    fn receive_cancel_key(&mut self) -> Result<Option<CancelKey>> {
        let mut key = None;
        self.receive_until_ready(|message| {
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
    fn check_auth_method(&self, config: &ConnectConfig, method: AuthMethod) -> Result<()> {
        let required = config.require_auth.as_ref();
        if required.is_some_and(|required| !required.allows(method)) {
            return Err(Error::AuthNotAllowed);
        }
        let is_weak = matches!(method, AuthMethod::Password | AuthMethod::Md5);
        let is_listed = required.is_some_and(|required| required.is_listed(method));
        if is_weak && !is_listed && !self.is_channel_trusted(config) {
            return Err(Error::WeakAuth);
        }
        Ok(())
    }

    fn start_scram(
        &mut self,
        config: &ConnectConfig,
        body: &AuthenticationSaslBody,
        password: &[u8],
    ) -> Result<ScramExchange> {
        let offered: Vec<&str> = body.mechanisms().collect().map_err(|_| Error::Protocol)?;
        let end_point = self.channel_binding_data().filter(|_| config.channel_binding != ChannelBindingMode::Disable);
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
        if config.channel_binding == ChannelBindingMode::Require && !is_bound {
            return Err(Error::ChannelNotBound);
        }
        if !offered.contains(&mechanism) {
            return Err(Error::UnsupportedAuth);
        }
        let scram = ScramSha256::new(password, binding);
        self.send(|out| frontend::sasl_initial_response(mechanism, scram.message(), out))?;
        Ok(ScramExchange { scram, is_bound })
    }
}

fn password(config: &ConnectConfig) -> Result<&[u8]> {
    Ok(config.password.as_ref().ok_or(Error::NoPassword)?.expose_secret().as_bytes())
}

/// How far the authentication has come.
#[derive(Default)]
struct Login {
    /// A SCRAM exchange in progress.
    scram: Option<ScramSha256>,
    /// The server has asked for a proof of identity.
    was_challenged: bool,
    /// Bound to the TLS connection.
    is_bound: bool,
}

/// A SCRAM exchange that has begun.
struct ScramExchange {
    scram: ScramSha256,
    /// Bound to the TLS connection.
    is_bound: bool,
}
