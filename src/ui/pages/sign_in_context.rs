//! What the sign-in and setup pages know of the accounts.

/// Provided by the server before it renders one of these pages.
#[derive(Clone, Debug, Default)]
pub struct SignInContext {
    /// Waybill manages the accounts, and there is none yet.
    pub needs_account: bool,
    /// Waybill manages the accounts; otherwise they are the application's.
    pub is_local: bool,
    /// The name typed in the last attempt, to fill the form in again.
    pub name: String,
}
