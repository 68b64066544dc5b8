//! Infers the class of a column from its name, table, type, comment and sampled values (`docs/trust.md`, "A guess
//! errs towards home").
//!
//! Flow: `value` recognises the kind of each sampled value and `sample` counts the kinds; `name` splits names and looks
//! them up in the lists of `words`, in six languages; this module derives the class. A column is exported only if it is
//! recognised as harmless: a plain column that is missing gets noticed, an exported secret does not.

mod json;
mod name;
mod person;
mod sample;
mod text;
mod value;
mod words;

use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::redaction::Classification;
use crate::server::rows::Table;
use name::Name;
use person::{FREE_TEXT, PERSONAL, SENSITIVE, about_a_person, contains_word};
pub use sample::Sample;
use sample::Tally;
pub use words::STORED_PASSWORDS;

/// A guessed class with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reasoned {
    pub class: Classification,
    pub reason: String,
}

impl Reasoned {
    fn new(class: Classification, reason: impl Into<String>) -> Self {
        Self { class, reason: reason.into() }
    }

    fn secret(reason: impl Into<String>) -> Self {
        Self::new(Classification::Secret, reason)
    }
}

/// Guesses by name, type and comment alone.
pub fn by_name(table: &Table, column: &ColumnSchema) -> Reasoned {
    guess(table, column, None)
}

/// Guesses with the help of sampled values.
pub fn by_values(table: &Table, at: usize, sample: &Sample) -> Reasoned {
    guess(table, &table.columns[at], sample.tally(at))
}

fn guess(table: &Table, column: &ColumnSchema, tally: Option<&Tally>) -> Reasoned {
    let (name, home) = (Name::new(&column.name), Name::new(&table.name));
    let guessed = secret(column, &name, tally)
        .or_else(|| stays_home(table, column, &name, &home, tally))
        .or_else(|| comment_about_a_person(column))
        .or_else(|| about_a_person(table, column, &name, tally));
    guessed.unwrap_or_else(|| {
        let reason = if is_key(table, column, &name) { "a key" } else { "nothing points at a person" };
        Reasoned::new(Classification::Plain, reason)
    })
}

/// Secret by name, by comment, or because of a single sampled value.
fn secret(column: &ColumnSchema, name: &Name, tally: Option<&Tally>) -> Option<Reasoned> {
    let by_name = name.secret_word().filter(|word| match column.codec {
        Codec::Boolean | Codec::Date | Codec::Time | Codec::Timestamp | Codec::Double => false,
        // Numbers under these words are counts and rates, such as tokens and hash rates; other numbers may be codes.
        Codec::Integer | Codec::Decimal => {
            !["token", "tokens", "jeton", "jetons", "hash", "salt", "secret", "remember", "sessionid"].contains(word)
        }
        _ => true,
    });
    if let Some(word) = by_name {
        return Some(named(Classification::Secret, word));
    }
    let comment = column.comment.as_deref().map(Name::new);
    if let Some(word) = comment.as_ref().and_then(Name::secret_word) {
        return Some(Reasoned::secret(format!("its comment says \"{word}\"")));
    }
    tally?.secret.map(Reasoned::secret)
}

fn comment_about_a_person(column: &ColumnSchema) -> Option<Reasoned> {
    let comment = Name::new(column.comment.as_deref()?);
    let classes = [(Classification::Sensitive, &SENSITIVE[..]), (Classification::Personal, &PERSONAL[..])];
    classes.into_iter().find_map(|(class, words)| {
        let word = words.iter().find(|word| contains_word(&comment.snake(), word))?;
        Some(Reasoned::new(class, format!("its comment says \"{word}\"")))
    })
}

/// Secret, unless recognised as harmless.
fn stays_home(
    table: &Table,
    column: &ColumnSchema,
    name: &Name,
    home: &Name,
    tally: Option<&Tally>,
) -> Option<Reasoned> {
    let tally = tally.filter(|tally| tally.values + tally.binaries > 0);
    let is_free_text = name.is(&FREE_TEXT) && !home.keeps_secrets();
    let is_doubtful =
        name.doubtful_word().is_some() || name.is(words::GENERIC.all()) && !(is_free_text && tally.is_none());
    match column.codec {
        Codec::Boolean | Codec::Date | Codec::Time | Codec::Timestamp | Codec::Double => return None,
        Codec::Integer | Codec::Decimal => {
            let is_key = is_key(table, column, name);
            let of_secrets = home.keeps_secrets() || home.keeps_cards() && !name.is_public_number();
            return (of_secrets && is_doubtful && !is_key).then(|| Reasoned::secret(IN_A_TABLE_OF_SECRETS));
        }
        Codec::Base64 => return Some(Reasoned::secret("binary: nobody can see what it holds")),
        _ => {}
    }
    if is_key(table, column, name) && tally.is_none_or(|tally| tally.binaries == 0) {
        let reason = "keys of a table of sessions or tokens: whoever holds one may be let in";
        return key_lets_in(table, column, name, home, tally).then(|| Reasoned::secret(reason));
    }
    match tally {
        Some(tally) => by_what_was_seen(name, home, is_doubtful, tally),
        None if column.codec == Codec::Json => Some(Reasoned::secret("JSON, and no value to look at")),
        None if is_doubtful => Some(Reasoned::secret("its name may be a secret's, and there is no value to look at")),
        None if home.keeps_secrets() && !name.is_about_a_secret() => {
            Some(Reasoned::secret("no value to look at in a table that may keep secrets"))
        }
        None => None,
    }
}

const IN_A_TABLE_OF_SECRETS: &str = "codes in a table that may keep secrets";

/// Whether the key itself may be a credential: in a cookie, or in a link.
fn key_lets_in(table: &Table, column: &ColumnSchema, name: &Name, home: &Name, tally: Option<&Tally>) -> bool {
    let is_of_a_list = tally.is_some_and(|tally| {
        tally.mostly(tally.emails) || tally.opaque + tally.uuids + tally.codes == 0 && tally.repeats()
    });
    if is_of_a_list {
        return false;
    }
    if let Some(target) = column.references.as_deref().and_then(|field| field.rsplit_once('.')) {
        return Name::new(target.0).keys_let_in();
    }
    let are_uuids =
        column.native_type.eq_ignore_ascii_case("uuid") || tally.is_some_and(|tally| tally.mostly(tally.uuids));
    // Where another column is the token, `id` is an ordinary key.
    let is_plain = name.is(&["id", "pk", "uuid"]);
    let has_token = table.columns.iter().any(|other| Name::new(&other.name).secret_word().is_some());
    let is_primary = table.primary_key == [column.name.as_str()];
    // The code of a gift card may be its primary key.
    let is_code = home.keeps_secrets() && name.doubtful_word().is_some();
    is_primary && (is_code || home.keys_let_in() && (are_uuids || !(is_plain && has_token)))
}

fn by_what_was_seen(name: &Name, home: &Name, is_doubtful: bool, tally: &Tally) -> Option<Reasoned> {
    let of_secrets = home.keeps_secrets();
    let is_known = name.is_public_number() && !of_secrets;
    let doubt = |reason: &str| Some(Reasoned::secret(reason));
    let is_list = tally.repeats() && !(of_secrets && is_doubtful);
    let is_digest = name.is_public_digest() && !of_secrets && tally.hexadecimal == tally.opaque;
    if tally.binaries > 0 {
        doubt("binary values: nobody can see what they hold")
    } else if tally.beside_secret > 0 {
        Some(Reasoned::secret("values stand beside names of secrets"))
    } else if of_secrets && name.has_part(words::ANSWERS.all()) {
        Some(Reasoned::secret("answers in a table of security questions"))
    } else if tally.mostly(tally.cards) {
        Some(Reasoned::secret("values look like numbers of payment cards"))
    } else if name.is(words::GENERIC.all()) && tally.uuids > 0 {
        doubt("UUIDs among other values: they may be keys")
    } else if (tally.tokens > 0 || tally.opaque > 0 && !is_known) && !is_digest {
        doubt("opaque text: it may be a token, a key or a digest")
    } else if tally.mostly(tally.uuids) && (of_secrets || !name.has_part(&["id", "uuid", "guid", "oid"])) {
        doubt("UUIDs that are no keys: they may be what lets somebody in")
    } else if tally.mostly(tally.digits + tally.cards) && !is_known && (!is_list || is_doubtful || home.keeps_cards()) {
        doubt("digits alone: they may be codes")
    } else if tally.mostly(tally.whole_numbers) && !is_known && (home.keeps_cards() || is_doubtful && !is_list) {
        doubt("numbers alone: they may be codes")
    } else if (of_secrets && is_doubtful || name.is_doubly_doubtful()) && !is_list && !is_known {
        doubt("its name may be a secret's")
    } else if tally.mostly(tally.codes)
        && !is_known
        && !is_list
        && !is_digest
        && (of_secrets || tally.alike * 10 < tally.codes * 9)
    {
        doubt("letters and digits without a pattern: they may be codes")
    } else if (is_doubtful || of_secrets) && tally.like_passwords > 0 && !is_list && !is_known {
        doubt("some values look like passwords")
    } else {
        None
    }
}

fn named(class: Classification, word: &str) -> Reasoned {
    Reasoned::new(class, format!("its name says \"{word}\""))
}

fn is_key(table: &Table, column: &ColumnSchema, name: &Name) -> bool {
    let snake = name.snake();
    // `magic_id` and `access_id` are keys only if the database declares them as such.
    let by_name = (snake == "id" || snake.ends_with("_id") || snake == "uuid") && name.doubtful_word().is_none();
    by_name || column.references.is_some() || table.primary_key == [column.name.as_str()]
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
        let table = Table { name: table.into(), columns: vec![], primary_key: vec![], parents: vec![], comment: None };
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
