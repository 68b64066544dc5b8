//! The person or program on whose behalf a use case runs.

use std::net::IpAddr;

use super::principal::Principal;
use crate::model::access::{Capability, Grant, Scope};
use crate::server::audit::Actor;

/// The caller lacks a required capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the caller lacks a capability")]
pub struct Forbidden;

/// The person or program on whose behalf a use case runs, with what it may do now.
///
/// ```
/// use waybill::model::access::{Capability, Grant, Scope};
/// use waybill::server::identity::Caller;
///
/// let grants = vec![Grant::of_whole_database(Capability::ExportDatabase)];
/// let admin = Caller::account("u1".into(), "ada@example.org".into(), "Admin".into(), grants);
/// let guest = Caller::account("u2".into(), "bob@example.org".into(), "Guest".into(), Vec::new());
/// assert!(admin.require(Capability::ExportDatabase, &Scope::WholeDatabase).is_ok());
/// assert!(guest.require(Capability::ExportDatabase, &Scope::WholeDatabase).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub principal: Principal,
    /// The name in history and audit trail: an e-mail address or local name, or `cli:<system user>`.
    pub name: String,
    pub grants: Vec<Grant>,
    /// The client's address, for requests over the network.
    pub client_ip: Option<IpAddr>,
    /// SHA-256 of the session token, for browsers.
    pub session_token_sha256: Option<String>,
    /// A required second factor is not set up. Until it is, the caller has no grants.
    pub lacks_second_factor: bool,
}

impl Caller {
    /// An account of the source or of Waybill, with the label of its role as shown to users.
    #[must_use]
    pub fn account(id: String, name: String, role: String, grants: Vec<Grant>) -> Self {
        Self::new(Principal::Account { id, role }, name, grants)
    }

    /// A system user who can run the program on the database's machine and read its file may export it, and import into it
    /// with the rights of the role that they name.
    #[must_use]
    pub fn command_line(user: &str) -> Self {
        let grants = [Capability::ExportDatabase, Capability::ImportDatabase].map(Grant::of_whole_database).to_vec();
        Self::new(Principal::CommandLine, format!("cli:{user}"), grants)
    }

    fn new(principal: Principal, name: String, grants: Vec<Grant>) -> Self {
        Self { principal, name, grants, client_ip: None, session_token_sha256: None, lacks_second_factor: false }
    }

    /// The account's id, in the source or among local accounts.
    #[must_use]
    pub fn account_id(&self) -> Option<&str> {
        match &self.principal {
            Principal::Account { id, .. } => Some(id),
            Principal::CommandLine => None,
        }
    }

    /// The label of the role, as shown to users.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        match &self.principal {
            Principal::Account { role, .. } => Some(role),
            Principal::CommandLine => None,
        }
    }

    /// The caller as the audit trail names it.
    #[must_use]
    pub fn actor(&self) -> Actor<'_> {
        Actor { name: &self.name, network: self.client_ip }
    }

    /// Whether an export of this account is the caller's. The name must match too: another source may have another
    /// person under the same id.
    #[must_use]
    pub fn owns(&self, account_id: Option<&str>, requested_by: &str) -> bool {
        account_id.is_some() && account_id == self.account_id() && requested_by == self.name
    }

    /// The ids of the organisations that the caller may export.
    pub fn organizations(&self) -> impl Iterator<Item = &str> {
        self.grants.iter().filter_map(|grant| match (grant.capability, &grant.scope) {
            (Capability::ExportOrganization, Scope::Organization(id)) => Some(id.as_str()),
            _ => None,
        })
    }

    /// Checks that a grant covers the scope. The first call of every use case.
    ///
    /// # Errors
    /// `Forbidden` if none does.
    pub fn require(&self, capability: Capability, scope: &Scope) -> Result<(), Forbidden> {
        if self.grants.iter().any(|grant| grant.covers(capability, scope)) { Ok(()) } else { Err(Forbidden) }
    }
}
