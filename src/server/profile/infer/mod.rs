//! Infers the class of a column from its name, table, type, comment and sampled values (`docs/trust.md`, "Without
//! a profile").
//!
//! Flow: `value` recognises the kind of each sampled value (with `secret_*`, `format` and `check_digit`) and `sample` counts the kinds; `name` splits names and looks
//! them up in the lists of `words`, in six languages; this module derives the class. A column is exported only if it is
//! recognised as harmless: a plain column that is missing gets noticed, an exported secret does not.

mod check_digit;
mod format;
mod inference;
mod json;
mod name;
mod person;
mod sample;
mod secret_inside;
mod secret_name;
mod secret_shape;
mod token;
mod value;
mod words;

use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::classification::Classification;
use crate::server::rows::Table;
pub use inference::Inference;
use inference::{from_name_word, is_key};
use name::Name;
use person::{FREE_TEXT_WORDS, PERSONAL_WORDS, SENSITIVE_WORDS, contains_word, infer_personal};
pub use sample::ColumnSampler;
use sample::PatternCounts;
pub use words::PASSWORD_COLUMNS;

/// Guesses by name, type and comment alone.
pub fn by_name(table: &Table, column: &ColumnSchema) -> Inference {
    infer(table, column, None)
}

/// Guesses with the help of sampled values.
pub fn by_values(table: &Table, index: usize, sample: &ColumnSampler) -> Inference {
    infer(table, &table.columns[index], sample.pattern_counts(index))
}

fn infer(table: &Table, column: &ColumnSchema, tally: Option<&PatternCounts>) -> Inference {
    let (name, table_name) = (Name::new(&column.name), Name::new(table.name.as_str()));
    let inference = infer_secret(column, &name, tally)
        .or_else(|| secret_unless_harmless(table, column, &name, &table_name, tally))
        .or_else(|| infer_from_comment(column))
        .or_else(|| infer_personal(table, column, &name, tally));
    inference.unwrap_or_else(|| {
        let reason = if is_key(table, column, &name) { "a key" } else { "nothing points at a person" };
        Inference::new(Classification::Plain, reason)
    })
}

/// Secret by name, by comment, or because of a single sampled value.
fn infer_secret(column: &ColumnSchema, name: &Name, tally: Option<&PatternCounts>) -> Option<Inference> {
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
    tally?.secret.map(Inference::secret)
}

fn infer_from_comment(column: &ColumnSchema) -> Option<Inference> {
    let comment = Name::new(column.comment.as_deref()?);
    let classes = [(Classification::Sensitive, &SENSITIVE_WORDS[..]), (Classification::Personal, &PERSONAL_WORDS[..])];
    classes.into_iter().find_map(|(class, words)| {
        let word = words.iter().find(|word| contains_word(&comment.to_snake_case(), word))?;
        Some(Inference::new(class, format!("its comment says \"{word}\"")))
    })
}

/// Secret, unless recognised as harmless.
fn secret_unless_harmless(
    table: &Table,
    column: &ColumnSchema,
    name: &Name,
    table_name: &Name,
    tally: Option<&PatternCounts>,
) -> Option<Inference> {
    let tally = tally.filter(|tally| tally.values + tally.binaries > 0);
    let is_free_text = name.is_any_of(&FREE_TEXT_WORDS) && !table_name.is_secrets_table();
    let is_suspicious = name.suspicious_word().is_some()
        || name.is_any_of(words::GENERIC_NAMES.all()) && !(is_free_text && tally.is_none());
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
    if is_key(table, column, name) && tally.is_none_or(|tally| tally.binaries == 0) {
        let reason = "keys of a table of sessions or tokens: a key may be enough to sign in";
        return is_credential_key(table, column, name, table_name, tally).then(|| Inference::secret(reason));
    }
    match tally {
        Some(tally) => secret_by_values(name, table_name, is_suspicious, tally),
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
    tally: Option<&PatternCounts>,
) -> bool {
    let is_ordinary_key = tally.is_some_and(|tally| {
        tally.is_dominant(tally.emails) || tally.opaque + tally.uuids + tally.codes == 0 && tally.is_enumeration()
    });
    if is_ordinary_key {
        return false;
    }
    if let Some(target) = &column.references {
        return Name::new(target.table.as_str()).has_credential_keys();
    }
    let are_uuids =
        column.native_type.eq_ignore_ascii_case("uuid") || tally.is_some_and(|tally| tally.is_dominant(tally.uuids));
    // Where another column is the token, `id` is an ordinary key.
    let is_plain = name.is_any_of(&["id", "pk", "uuid"]);
    let has_token = table.columns.iter().any(|other| Name::new(&other.name).secret_word().is_some());
    let is_primary = table.primary_key == [column.name.as_str()];
    // The code of a gift card may be its primary key.
    let is_code = table_name.is_secrets_table() && name.suspicious_word().is_some();
    is_primary && (is_code || table_name.has_credential_keys() && (are_uuids || !(is_plain && has_token)))
}

fn secret_by_values(name: &Name, table_name: &Name, is_suspicious: bool, tally: &PatternCounts) -> Option<Inference> {
    let is_secrets_table = table_name.is_secrets_table();
    let is_public = name.is_public_number() && !is_secrets_table;
    let secret = |reason: &str| Some(Inference::secret(reason));
    let is_enumeration = tally.is_enumeration() && !(is_secrets_table && is_suspicious);
    let is_digest = name.is_public_digest() && !is_secrets_table && tally.hexadecimal == tally.opaque;
    if tally.binaries > 0 {
        secret("binary values: their content cannot be inspected")
    } else if tally.beside_secret_name > 0 {
        Some(Inference::secret("values are in rows that name a secret"))
    } else if is_secrets_table && name.has_word(words::ANSWER_WORDS.all()) {
        Some(Inference::secret("answers in a table of security questions"))
    } else if tally.is_dominant(tally.cards) {
        Some(Inference::secret("values look like payment card numbers"))
    } else if name.is_any_of(words::GENERIC_NAMES.all()) && tally.uuids > 0 {
        secret("UUIDs among other values: they may be keys")
    } else if (tally.tokens > 0 || tally.opaque > 0 && !is_public) && !is_digest {
        secret("opaque text: it may be a token, a key or a digest")
    } else if tally.is_dominant(tally.uuids) && (is_secrets_table || !name.has_word(&["id", "uuid", "guid", "oid"])) {
        secret("UUIDs that are not keys: they may be credentials")
    } else if tally.is_dominant(tally.digits + tally.cards)
        && !is_public
        && (!is_enumeration || is_suspicious || table_name.is_cards_table())
    {
        secret("digits only: they may be codes")
    } else if tally.is_dominant(tally.whole_numbers)
        && !is_public
        && (table_name.is_cards_table() || is_suspicious && !is_enumeration)
    {
        secret("numbers only: they may be codes")
    } else if (is_secrets_table && is_suspicious || name.has_two_suspicious_words()) && !is_enumeration && !is_public {
        secret("its name may be a secret's")
    } else if tally.is_dominant(tally.codes)
        && !is_public
        && !is_enumeration
        && !is_digest
        && (is_secrets_table || tally.same_prefix * 10 < tally.codes * 9)
    {
        secret("letters and digits without a pattern: they may be codes")
    } else if (is_suspicious || is_secrets_table) && tally.password_like > 0 && !is_enumeration && !is_public {
        secret("some values look like passwords")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(table: &str, column: &str, codec: Codec) -> Classification {
        let column = ColumnSchema {
            name: column.into(),
            native_type: "text".into(),
            codec,
            nullable: true,
            generated: false,
            computed_from: vec![],
            identity: None,
            references: None,
            comment: None,
        };
        let table =
            Table { name: table.into(), columns: vec![], primary_key: vec![], foreign_keys: vec![], comment: None };
        by_name(&table, &column).class
    }

    #[test]
    fn names_give_classes_away() {
        use Classification::{Personal, Plain, Secret, Sensitive};
        for (table, column, class) in [
            ("users", "password", Secret),
            ("users", "passwordHash", Secret),
            ("users", "encrypted_password", Secret),
            ("accounts", "refreshToken", Secret),
            ("two_factor", "backup_codes", Secret),
            ("api_keys", "key_hash", Secret),
            ("push_subscriptions", "p256dh", Secret),
            ("ai_request_logs", "tokens_used", Plain),
            ("users", "email", Personal),
            ("users", "name", Personal),
            ("companies", "name", Plain),
            ("messages", "content", Personal),
            ("participants", "care_notes", Sensitive),
            ("patients", "diagnosis", Sensitive),
            ("orders", "id", Plain),
            ("users", "accesstoken", Secret),
            ("users", "userpassword", Secret),
            ("users", "pass", Secret),
            ("flights", "passengers", Plain),
            ("orders", "contact_id", Plain),
            ("visits", "device_id", Personal),
            ("orders", "shopping_cart", Plain),
            ("orders", "total", Plain),
        ] {
            assert_eq!(guessed(table, column, Codec::Text), class, "{table}.{column}");
        }
        assert_eq!(guessed("users", "password_reset_at", Codec::Timestamp), Plain);
    }

    /// H2 of the review: names alone, without sampled values.
    #[test]
    fn the_names_that_once_let_secrets_out_keep_them_home() {
        let names = [
            ("users", "pin"),
            ("users", "pw"),
            ("benutzer", "passwort"),
            ("usuarios", "senha"),
            ("cards", "cvc"),
            ("cards", "pan"),
            ("cards", "card_number"),
            ("cards", "security_code"),
            ("wallets", "seed"),
            ("wallets", "mnemonic"),
            ("networks", "psk"),
            ("hosts", "pem"),
            ("tenants", "master_key"),
            ("api_keys", "key"),
            ("api_keys", "value"),
            ("users", "reset_code"),
            ("users", "verification_code"),
            ("users", "magic_link"),
            ("grants", "code"),
            ("grants", "authorization_code"),
            ("accounts", "refresh"),
            ("sources", "dsn"),
            ("sources", "connection_string"),
            ("hooks", "webhook_url"),
            ("push_subscriptions", "auth"),
            ("django_session", "session_data"),
            ("users", "security_answer"),
            ("verifications", "identifier"),
            ("verifications", "value"),
            ("users", "passwordDigest"),
            ("Konten", "Zugangsschlüssel"),
        ];
        let leaves = |(table, column): &(&str, &str)| guessed(table, column, Codec::Text) != Classification::Secret;
        assert_eq!(names.into_iter().filter(leaves).collect::<Vec<_>>(), []);
        assert_eq!(guessed("integrations", "config", Codec::Json), Classification::Secret);
        assert_eq!(guessed("tenants", "wrapped", Codec::Base64), Classification::Secret);
    }
}
