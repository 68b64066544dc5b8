//! The person or program on whose behalf a use case runs.

use std::net::IpAddr;

use crate::model::access::Capability;

/// The caller may not do this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the caller lacks a capability")]
pub struct Refused;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account in the source; none for the command line.
    pub account_id: Option<String>,
    /// The name in history and audit: an e-mail address, or `cli:<user of the system>`.
    pub name: String,
    /// The role's name for people.
    pub role: Option<String>,
    pub capabilities: Vec<Capability>,
    /// Where the request comes from, if it comes over the network.
    pub network: Option<IpAddr>,
    /// Digest of the session's token, for a browser.
    pub session: Option<String>,
    /// They may do nothing before they have set up a second factor.
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
            network: None,
            session: None,
            lacks_second_factor: false,
        }
    }

    /// Whoever can run the program on the database's own machine and read its file may export it.
    #[must_use]
    pub fn command_line(user: &str) -> Self {
        let capabilities = vec![Capability::ExportDatabase];
        let name = format!("cli:{user}");
        Self {
            account_id: None,
            name,
            role: None,
            capabilities,
            network: None,
            session: None,
            lacks_second_factor: false,
        }
    }

    /// The first line of every use case.
    ///
    /// # Errors
    /// When the caller may not.
    pub fn require(&self, capability: Capability) -> Result<(), Refused> {
        if self.capabilities.contains(&capability) { Ok(()) } else { Err(Refused) }
    }
}
