//! What happens to each class of columns, and to which columns it can.

use serde::Deserialize;

use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::classification::Classification;
use crate::model::redaction::Treatment;

/// The treatment of each class.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Treatments {
    pub plain: Treatment,
    pub personal: Treatment,
    pub sensitive: Treatment,
    pub secret: Treatment,
}

/// Secrets are omitted, all other classes are kept.
impl Default for Treatments {
    fn default() -> Self {
        let keep = Treatment::Keep;
        Self { plain: keep, personal: keep, sensitive: keep, secret: Treatment::Omit }
    }
}

impl Treatments {
    pub fn for_class(self, class: Classification) -> Treatment {
        match class {
            Classification::Plain => self.plain,
            Classification::Personal => self.personal,
            Classification::Sensitive => self.sensitive,
            Classification::Secret => self.secret,
        }
    }
}

/// Shorter text columns have no room for distinct pseudonyms.
const MIN_PSEUDONYM_LENGTH: usize = 12;

/// Whether the values of a column can be masked or pseudonymised. They cannot if the type has rules of its own
/// (enum, range, boolean), in JSON, whose keys reveal as much as its values, in generated columns and in short
/// text columns: such a column is omitted instead.
pub fn is_replaceable(column: &ColumnSchema) -> bool {
    let irreplaceable = matches!(column.codec, Codec::Native | Codec::Boolean | Codec::Time | Codec::Json);
    !irreplaceable && !column.generated && column.max_chars().is_none_or(|longest| longest >= MIN_PSEUDONYM_LENGTH)
}
