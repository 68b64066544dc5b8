//! Capabilities and grants, and the signed-in user and their account as pages show them.

use serde::{Deserialize, Serialize};

use super::selection::{ScopeKind, Selection};

/// Something a role may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Preview, run and download exports of the whole database, and see their history.
    ExportDatabase,
    /// Run and download exports of organisations that the caller owns. Comes with ownership; no role gives it.
    ExportOrganization,
    /// Run and download exports of one's own data. Comes with an account; no role gives it.
    ExportOwnData,
    /// Put the records of a file into the database.
    ImportDatabase,
    /// Put the records of an archive into one's own data. Comes with an account; no role gives it.
    ImportOwnData,
}

/// The part of the data that a grant is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    WholeDatabase,
    /// The organisation with this id.
    Organization(String),
    /// What belongs to the person whose account has this id.
    Person(String),
}

/// A capability and the data it is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grant {
    pub capability: Capability,
    pub scope: Scope,
}

impl Grant {
    #[must_use]
    pub fn of_whole_database(capability: Capability) -> Self {
        Self { capability, scope: Scope::WholeDatabase }
    }

    #[must_use]
    pub fn of_organization(id: String) -> Self {
        Self { capability: Capability::ExportOrganization, scope: Scope::Organization(id) }
    }

    #[must_use]
    pub fn of_person(id: String) -> Self {
        Self { capability: Capability::ExportOwnData, scope: Scope::Person(id) }
    }

    #[must_use]
    pub fn to_import_own_data(id: String) -> Self {
        Self { capability: Capability::ImportOwnData, scope: Scope::Person(id) }
    }

    /// What a caller needs to export the selection, and to have to do with such an export.
    ///
    /// ```
    /// use waybill::model::access::Grant;
    /// use waybill::model::selection::Selection;
    ///
    /// let own = Selection::of_organization("o1".into());
    /// assert_eq!(Grant::to_export(&own), Grant::of_organization("o1".into()));
    /// ```
    #[must_use]
    pub fn to_export(selection: &Selection) -> Self {
        match selection.scope() {
            Some((ScopeKind::Organization, id)) => Self::of_organization(id.to_owned()),
            Some((ScopeKind::Person, id)) => Self::of_person(id.to_owned()),
            None => Self::of_whole_database(Capability::ExportDatabase),
        }
    }

    /// Whether the grant allows this for all data of the scope.
    #[must_use]
    pub fn covers(&self, capability: Capability, scope: &Scope) -> bool {
        self.capability == capability && self.scope == *scope
    }
}

/// The signed-in user, as far as a page needs to know them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    pub email: String,
    /// The role's name for people, such as "System admin".
    pub role: String,
    pub capabilities: Vec<Capability>,
    /// The roles that may export the database, to show to users who may not.
    pub exporting_roles: Vec<String>,
    /// The database that this installation exports.
    pub source: SourceLabel,
}

impl Viewer {
    #[must_use]
    pub fn has_capability(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}

/// A user's view of their own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Whether it is one of Waybill's own accounts, whose password can be changed here.
    pub is_local: bool,
    pub second_factor: SecondFactorView,
    pub is_second_factor_required: bool,
    /// Signed-in browsers, including this one.
    pub sessions: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecondFactorView {
    Off,
    /// Set up, but waiting for the first code.
    Pending(TotpSecret),
    On {
        recovery_codes_left: u32,
    },
}

/// The secret for an authenticator app, in three forms.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpSecret {
    /// `otpauth://totp/…`
    pub uri: String,
    /// The secret in Base32, for typing.
    pub base32: String,
    /// `uri` as a QR code, in SVG.
    pub qr_svg: String,
}

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret")
    }
}

/// The display names of a source, without path or host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLabel {
    pub profile: String,
    pub engine: String,
    pub engine_version: String,
}
