//! The person or program on whose behalf a use case runs.

use std::net::IpAddr;

use crate::model::access::Capability;
use crate::server::audit::Actor;

/// The caller lacks a required capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the caller lacks a capability")]
pub struct Forbidden;

/// The person or program on whose behalf a use case runs, with its capabilities now.
///
/// ```
/// use waybill::model::access::Capability;
/// use waybill::server::identity::Caller;
///
/// let admin = Caller::web("u1".into(), "ada@example.org".into(), "Admin".into(), vec![Capability::ExportDatabase]);
/// let guest = Caller::web("u2".into(), "bob@example.org".into(), "Guest".into(), Vec::new());
/// assert!(admin.require(Capability::ExportDatabase).is_ok());
/// assert!(guest.require(Capability::ExportDatabase).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account's id, in the source or among local accounts; `None` for the command line.
    pub account_id: Option<String>,
    /// The name in history and audit trail: an e-mail address or local name, or `cli:<system user>`.
    pub name: String,
    /// The label of the role, as shown to users.
    pub role: Option<String>,
    pub capabilities: Vec<Capability>,
    /// The client's address, for requests over the network.
    pub client_ip: Option<IpAddr>,
    /// SHA-256 of the session token, for browsers.
    pub session_token_sha256: Option<String>,
    /// A required second factor is not set up. Until it is, the caller has no capabilities.
    pub lacks_second_factor: bool,
}

impl Caller {
    #[must_use]
    pub fn web(account_id: String, email: String, role: String, capabilities: Vec<Capability>) -> Self {
        Self {
            account_id: Some(account_id),
            name: email,
            role: Some(role),
            capabilities,
            client_ip: None,
            session_token_sha256: None,
            lacks_second_factor: false,
        }
    }

    /// A system user who can run the program on the database's machine and read its file may export it.
    #[must_use]
    pub fn command_line(user: &str) -> Self {
        let capabilities = vec![Capability::ExportDatabase];
        let name = format!("cli:{user}");
        Self {
            account_id: None,
            name,
            role: None,
            capabilities,
            client_ip: None,
            session_token_sha256: None,
            lacks_second_factor: false,
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
        account_id.is_some() && account_id == self.account_id.as_deref() && requested_by == self.name
    }

    /// Checks a capability. The first call of every use case.
    ///
    /// # Errors
    /// `Forbidden` if the caller lacks the capability.
    pub fn require(&self, capability: Capability) -> Result<(), Forbidden> {
        if self.capabilities.contains(&capability) { Ok(()) } else { Err(Forbidden) }
    }
}
