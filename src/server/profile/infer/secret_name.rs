//! Names of secrets inside values.

use super::name::Name;

/// Whether a name inside a value is that of a secret. Ambiguous ones (`key`, `code`) need a value of six bytes or more.
pub fn is_secret_name(name: &str, value: &str) -> bool {
    let name = Name::new(name);
    let is_ambiguous = || name.is_any_of(&["sig", "signature", "key", "auth", "sid", "code", "accesskeyid"]);
    name.secret_word().is_some() || value.len() >= 6 && is_ambiguous()
}
