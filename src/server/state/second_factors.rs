//! Second factors: the secret in an authenticator app, and recovery codes for when the app is lost.

use async_trait::async_trait;

use super::Result;

/// A secret shared with an authenticator app (RFC 6238).
#[derive(Clone, PartialEq, Eq)]
pub struct SecondFactor {
    pub account_id: String,
    /// The account's name, for the command line.
    pub name: String,
    pub secret: Vec<u8>,
    /// RFC 3339, UTC.
    pub begun_at: String,
    /// Digest of the token of the session that requested it.
    pub session_token_sha256: String,
    /// RFC 3339, UTC; none until a first code has proved that the app has the secret.
    pub confirmed_at: Option<String>,
    /// The time step of the last code that was accepted.
    pub last_step: u64,
}

/// The second factors of a source. Every method returns `Database` if the database cannot be used.
#[async_trait]
pub trait SecondFactorTable: Send {
    async fn find(&mut self, account_id: &str) -> Result<Option<SecondFactor>>;

    async fn all(&mut self) -> Result<Vec<SecondFactor>>;

    /// Stores an unconfirmed secret, replacing an earlier unconfirmed one.
    async fn insert_unconfirmed(&mut self, factor: &SecondFactor) -> Result<()>;

    /// Confirms the secret: from now on, sign-in asks for a code.
    async fn confirm(&mut self, account_id: &str, now: &str) -> Result<()>;

    /// Stores the time step of a code; returns false if a code of this or a later step was accepted before (a replay).
    async fn accept_step(&mut self, account_id: &str, step: u64) -> Result<bool>;

    /// Deletes the second factor and its recovery codes; returns false if there was none.
    async fn remove(&mut self, account_id: &str) -> Result<bool>;

    /// Replaces all recovery codes of an account.
    async fn replace_recovery_codes(&mut self, account_id: &str, digests: &[String]) -> Result<()>;

    /// Marks a recovery code as used; returns false if it is unknown or was used before.
    async fn use_recovery_code(&mut self, account_id: &str, digest: &str, now: &str) -> Result<bool>;

    async fn count_unused_recovery_codes(&mut self, account_id: &str) -> Result<u32>;
}
