//! Recognises columns that may hold secrets, and those that certainly do not.

use super::inference::{Inference, from_name_word, is_key};
use super::name::Name;
use super::pattern_counts::PatternCounts;
use super::person_words::FREE_TEXT_WORDS;
use super::secret_values::secret_by_values;
use super::words;
use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::classification::Classification;
use crate::server::rows::Table;

/// Secret by name, by comment, or because of a single sampled value.
pub fn infer_secret(column: &ColumnSchema, name: &Name, counts: Option<&PatternCounts>) -> Option<Inference> {
    let by_name = name.secret_word().filter(|word| match column.codec {
        Codec::Boolean | Codec::Date | Codec::Time | Codec::Timestamp | Codec::Double => false,
        // Numbers under these words are counts and rates, such as tokens and hash rates; other numbers may be codes.
        Codec::Integer | Codec::Decimal => {
            !["token", "tokens", "jeton", "jetons", "hash", "salt", "secret", "remember", "sessionid"].contains(word)
        }
        _ => true,
    });
    if let Some(word) = by_name {
        return Some(from_name_word(Classification::Secret, word));
    }
    let comment = column.comment.as_deref().map(Name::new);
    if let Some(word) = comment.as_ref().and_then(Name::secret_word) {
        return Some(Inference::secret(format!("its comment says \"{word}\"")));
    }
    counts?.secret.map(Inference::secret)
}

/// Secret, unless recognised as harmless.
pub fn secret_unless_harmless(
    table: &Table,
    column: &ColumnSchema,
    name: &Name,
    table_name: &Name,
    counts: Option<&PatternCounts>,
) -> Option<Inference> {
    let counts = counts.filter(|counts| counts.values + counts.binaries > 0);
    let is_free_text = name.is_any_of(&FREE_TEXT_WORDS) && !table_name.is_secrets_table();
    let is_suspicious = name.suspicious_word().is_some()
        || name.is_any_of(words::GENERIC_NAMES.all()) && !(is_free_text && counts.is_none());
    match column.codec {
        Codec::Boolean | Codec::Date | Codec::Time | Codec::Timestamp | Codec::Double => return None,
        Codec::Integer | Codec::Decimal => {
            let is_key = is_key(table, column, name);
            let is_secrets_table =
                table_name.is_secrets_table() || table_name.is_cards_table() && !name.is_public_number();
            return (is_secrets_table && is_suspicious && !is_key).then(|| Inference::secret(SECRETS_TABLE_REASON));
        }
        Codec::Base64 => return Some(Inference::secret("binary data: its content cannot be inspected")),
        _ => {}
    }
    if is_key(table, column, name) && counts.is_none_or(|counts| counts.binaries == 0) {
        let reason = "keys of a table of sessions or tokens: a key may be enough to sign in";
        return is_credential_key(table, column, name, table_name, counts).then(|| Inference::secret(reason));
    }
    match counts {
        Some(counts) => secret_by_values(name, table_name, is_suspicious, counts),
        None if column.codec == Codec::Json => Some(Inference::secret("JSON without a value to inspect")),
        None if is_suspicious => {
            Some(Inference::secret("its name may mean a secret, and there is no value to inspect"))
        }
        None if table_name.is_secrets_table() && !name.describes_secret() => {
            Some(Inference::secret("no value to inspect, in a table that may hold secrets"))
        }
        None => None,
    }
}

const SECRETS_TABLE_REASON: &str = "codes in a table that may hold secrets";

/// Whether the key itself may be a credential: in a cookie, or in a link.
fn is_credential_key(
    table: &Table,
    column: &ColumnSchema,
    name: &Name,
    table_name: &Name,
    counts: Option<&PatternCounts>,
) -> bool {
    let is_ordinary_key = counts.is_some_and(|counts| {
        counts.is_dominant(counts.emails) || counts.opaque + counts.uuids + counts.codes == 0 && counts.is_enumeration()
    });
    if is_ordinary_key {
        return false;
    }
    if let Some(target) = &column.references {
        return Name::new(target.table.as_str()).has_credential_keys();
    }
    let are_uuids = column.native_type.eq_ignore_ascii_case("uuid")
        || counts.is_some_and(|counts| counts.is_dominant(counts.uuids));
    // Where another column is the token, `id` is an ordinary key.
    let is_plain = name.is_any_of(&["id", "pk", "uuid"]);
    let has_token = table.columns.iter().any(|other| Name::new(&other.name).secret_word().is_some());
    let is_primary = table.primary_key == [column.name.as_str()];
    // The code of a gift card may be its primary key.
    let is_code = table_name.is_secrets_table() && name.suspicious_word().is_some();
    is_primary && (is_code || table_name.has_credential_keys() && (are_uuids || !(is_plain && has_token)))
}
