//! Infers the class of a column from its name, table, type, comment and sampled values (`docs/trust.md`, "Without
//! a profile").
//!
//! Flow: `value` recognises the kind of each sampled value (with `format` and `check_digit`) and `sample` counts the kinds
//! as `pattern_counts`; `name` splits names and looks them up in the lists of `words`, in six languages; `secret` and
//! `person` derive the class. A column is exported only if it is recognised as harmless: a plain column that is missing
//! gets noticed, an exported secret does not.

mod check_digit;
mod format;
mod inference;
mod json;
mod name;
mod pattern_counts;
mod person;
mod person_words;
mod sample;
mod secret;
mod secret_inside;
mod secret_name;
mod secret_shape;
mod secret_values;
mod token;
mod value;
mod words;

use crate::model::catalog::ColumnSchema;
use crate::model::classification::Classification;
use crate::server::rows::Table;
pub use inference::Inference;
use inference::is_key;
use name::Name;
use pattern_counts::PatternCounts;
use person::{contains_word, infer_personal};
use person_words::{PERSONAL_WORDS, SENSITIVE_WORDS};
pub use sample::ColumnSampler;
use secret::{infer_secret, secret_unless_harmless};
pub use words::PASSWORD_COLUMNS;

/// Guesses by name, type and comment alone.
pub fn by_name(table: &Table, column: &ColumnSchema) -> Inference {
    infer(table, column, None)
}

/// Guesses with the help of sampled values.
pub fn by_values(table: &Table, index: usize, sample: &ColumnSampler) -> Inference {
    infer(table, &table.columns[index], sample.pattern_counts(index))
}

fn infer(table: &Table, column: &ColumnSchema, counts: Option<&PatternCounts>) -> Inference {
    let (name, table_name) = (Name::new(&column.name), Name::new(table.name.as_str()));
    let inference = infer_secret(column, &name, counts)
        .or_else(|| secret_unless_harmless(table, column, &name, &table_name, counts))
        .or_else(|| infer_from_comment(column))
        .or_else(|| infer_personal(table, column, &name, counts));
    inference.unwrap_or_else(|| {
        let reason = if is_key(table, column, &name) { "a key" } else { "nothing points at a person" };
        Inference::new(Classification::Plain, reason)
    })
}

fn infer_from_comment(column: &ColumnSchema) -> Option<Inference> {
    let comment = Name::new(column.comment.as_deref()?);
    let classes = [(Classification::Sensitive, &SENSITIVE_WORDS[..]), (Classification::Personal, &PERSONAL_WORDS[..])];
    classes.into_iter().find_map(|(class, words)| {
        let word = words.iter().find(|word| contains_word(&comment.to_snake_case(), word))?;
        Some(Inference::new(class, format!("its comment says \"{word}\"")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::Codec;

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
        let table = Table {
            name: table.into(),
            columns: vec![],
            primary_key: vec![],
            foreign_keys: vec![],
            indexed: vec![],
            comment: None,
        };
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
