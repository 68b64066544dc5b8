//! Local accounts, for sources that have no accounts to sign in with.

use async_trait::async_trait;

use super::Result;

#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct LocalAccount {
    pub id: String,
    pub name: String,
    /// An Argon2 PHC string.
    pub password_hash: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC; a disabled account cannot sign in.
    pub disabled_at: Option<String>,
}

/// The accounts of a source, or of none. Every method returns `Database` if the database cannot be used.
#[async_trait]
pub trait AccountTable: Send {
    async fn find(&mut self, id: &str) -> Result<Option<LocalAccount>>;

    /// Names are compared without regard to case.
    async fn find_by_name(&mut self, name: &str) -> Result<Option<LocalAccount>>;

    /// Returns every account, ordered by name.
    async fn all(&mut self) -> Result<Vec<LocalAccount>>;

    async fn exist(&mut self) -> Result<bool>;

    /// Fails if the source has an account of that name.
    async fn insert(&mut self, account: &LocalAccount) -> Result<()>;

    /// Sets an account's password hash; returns false if the account no longer exists.
    async fn set_password(&mut self, id: &str, password_hash: &str) -> Result<bool>;

    /// Disables an account, or enables it again if there is no date.
    async fn set_disabled(&mut self, id: &str, disabled_at: Option<&str>) -> Result<()>;

    async fn remove(&mut self, id: &str) -> Result<()>;

    /// Assigns accounts without a source to this source, except for names that it has already; returns their number.
    async fn adopt(&mut self) -> Result<u64>;
}
