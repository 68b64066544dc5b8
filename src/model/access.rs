//! Who may do what.

use serde::{Deserialize, Serialize};

/// Something a role may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Preview, run, download and look back on exports of the whole database.
    ExportDatabase,
}

/// The signed-in person, as far as a page needs to know them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    pub email: String,
    /// The role's name for people, such as "System admin".
    pub role: String,
    pub capabilities: Vec<Capability>,
    /// The roles that may export, for whoever may not.
    pub exporting_roles: Vec<String>,
    /// The database that this console is attached to.
    pub source: SourceLabel,
}

impl Viewer {
    #[must_use]
    pub fn may(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}

/// What people see of their own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Whether it is one of Waybill's own, whose password is changed here.
    pub is_local: bool,
    pub second_factor: SecondFactorView,
    pub is_second_factor_required: bool,
    /// Browsers that are signed in, this one included.
    pub sessions: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecondFactorView {
    Off,
    /// Waiting for a first code.
    Begun(SharedSecret),
    On {
        recovery_codes_left: u32,
    },
}

/// What an authenticator app is given.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedSecret {
    /// `otpauth://totp/…`
    pub uri: String,
    /// The same to type, in Base32.
    pub letters: String,
    /// The address as a QR code, in SVG.
    pub picture: String,
}

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedSecret")
    }
}

/// A source's names, fit for people: no path, no host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLabel {
    pub profile: String,
    pub engine: String,
    pub engine_version: String,
}

/// Where a page may send somebody after sign-in: a path of this site, or else the start page.
///
/// Guards against open redirects (CWE-601): only a single leading slash, no backslash, no control
/// character and no scheme pass.
#[must_use]
pub fn safe_return_path(asked: &str) -> &str {
    let local = asked.starts_with('/') && !asked.starts_with("//");
    let plain = !asked.chars().any(|c| c == '\\' || c.is_control());
    if local && plain && !asked.starts_with("/login") { asked } else { "/admin" }
}

#[cfg(test)]
mod tests {
    use super::safe_return_path;

    #[test]
    fn a_return_path_stays_on_this_site() {
        for good in ["/admin", "/admin/developer-tools/export?run=1#top"] {
            assert_eq!(safe_return_path(good), good);
        }
        for bad in ["", "//evil.test", "https://evil.test", "/\\evil.test", "/a\nb", "admin", "/login?next=/login"] {
            assert_eq!(safe_return_path(bad), "/admin", "{bad:?}");
        }
    }
}
