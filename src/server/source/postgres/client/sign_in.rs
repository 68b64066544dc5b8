//! How a session begins (PostgreSQL manual, 55.2.1 and 55.3).

use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;
use secrecy::ExposeSecret;

use super::connection::{CancelKey, Connection, told};
use super::{Address, Error, Result};

impl Connection {
    /// Says who we are, proves it as the server asks, and waits until it is ready. Gives what a cancel takes.
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
        let mut scram = None;
        loop {
            match self.receive()? {
                Message::AuthenticationOk if scram.is_none() => break,
                // It began SCRAM and does not finish it: it would have to prove that it knows the password.
                Message::AuthenticationOk => return Err(Error::Unproven),
                Message::AuthenticationCleartextPassword if scram.is_none() => {
                    let password = password()?;
                    self.send(|out| frontend::password_message(password, out))?;
                }
                Message::AuthenticationMd5Password(body) if scram.is_none() => {
                    let hash = md5_hash(address.user.as_bytes(), password()?, body.salt());
                    self.send(|out| frontend::password_message(hash.as_bytes(), out))?;
                }
                Message::AuthenticationSasl(body) => scram = Some(self.begin_scram(&body, password()?)?),
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

    fn begin_scram(&mut self, body: &AuthenticationSaslBody, password: &[u8]) -> Result<ScramSha256> {
        if !body.mechanisms().any(|name| Ok(name == SCRAM_SHA_256)).map_err(|_| Error::Protocol)? {
            return Err(Error::UnknownSignIn);
        }
        let scram = ScramSha256::new(password, ChannelBinding::unsupported());
        self.send(|out| frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), out))?;
        Ok(scram)
    }
}
