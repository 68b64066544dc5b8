//! Sessions of signed-in browsers. Only the SHA-256 of a token is stored: a stolen copy cannot be used to sign in.

use async_trait::async_trait;

use super::Result;

#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    pub token_sha256: String,
    pub account_id: String,
    pub email: String,
    /// RFC 3339, UTC, as all times here.
    pub created_at: String,
    pub last_seen_at: String,
    /// The client's network address when it was opened.
    pub network: Option<String>,
    /// SHA-256 of the stored password hash that it was opened with.
    pub credential_sha256: String,
    /// The password was right; the second-factor code is still missing.
    pub awaits_code: bool,
}

/// The sessions of a source. Every method returns `Database` if the database cannot be used.
#[async_trait]
pub trait SessionTable: Send {
    async fn find(&mut self, token_sha256: &str) -> Result<Option<Session>>;

    /// Returns every session, the most recently seen first.
    async fn all(&mut self) -> Result<Vec<Session>>;

    async fn insert(&mut self, session: &Session) -> Result<()>;

    /// Records when the session was last seen.
    async fn touch(&mut self, token_sha256: &str, now: &str) -> Result<()>;

    /// Ends one session; returns false if there was none.
    async fn remove(&mut self, token_sha256: &str) -> Result<bool>;

    /// Ends every session; returns their number.
    async fn remove_all(&mut self) -> Result<u64>;

    /// Ends every session of an account; returns their number.
    async fn remove_all_of_account(&mut self, account_id: &str) -> Result<u64>;

    /// Ends every session of an account except one; returns their number.
    async fn remove_others_of_account(&mut self, account_id: &str, token_sha256: &str) -> Result<u64>;

    /// Deletes sessions last seen before `idle_since` or created before `created_before`.
    async fn remove_expired(&mut self, idle_since: &str, created_before: &str) -> Result<()>;

    /// Binds a session to the account's new password hash, so that it outlives a change of password.
    async fn set_credential(&mut self, token_sha256: &str, credential_sha256: &str) -> Result<()>;
}
