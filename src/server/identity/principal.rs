//! Who a caller is.

use crate::model::channel::Channel;

/// Who a caller is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A signed-in user.
    Account {
        /// In the source or among local accounts.
        id: String,
        /// The label of the role, as shown to users.
        role: String,
    },
    /// A system user of the machine.
    CommandLine,
}

impl Principal {
    /// The way in which this principal's requests come.
    #[must_use]
    pub fn channel(&self) -> Channel {
        match self {
            Self::Account { .. } => Channel::Page,
            Self::CommandLine => Channel::CommandLine,
        }
    }
}
