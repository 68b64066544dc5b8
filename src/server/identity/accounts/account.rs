//! What is known of an account.

use super::super::caller::Caller;
use crate::server::state::accounts::LocalAccount;

/// The stored data that a sign-in is checked against.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub account_id: String,
    /// As stored, not as typed.
    pub name: String,
    pub password_hash: Option<String>,
    /// Neither disabled nor suspended.
    pub is_active: bool,
    /// The application asks this account for a second factor that Waybill cannot check.
    pub has_application_second_factor: bool,
}

/// An account with its current role and grants.
pub struct Account {
    pub credentials: Credentials,
    pub caller: Caller,
}

impl From<LocalAccount> for Credentials {
    fn from(local: LocalAccount) -> Self {
        Self {
            account_id: local.id,
            name: local.name,
            password_hash: Some(local.password_hash),
            is_active: local.disabled_at.is_none(),
            has_application_second_factor: false,
        }
    }
}
