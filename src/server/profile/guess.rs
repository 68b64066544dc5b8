//! What a column probably holds, by its name, type, comment and the shape of its values. Secrets are
//! guessed generously: a plain column that stays home is noticed, a secret that leaves is not.

use super::shape::{Shape, Shapes};
use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::redaction::Classification;
use crate::server::rows::Table;

/// A class with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reasoned {
    pub class: Classification,
    pub reason: String,
}

impl Reasoned {
    fn new(class: Classification, reason: impl Into<String>) -> Self {
        Self { class, reason: reason.into() }
    }
}

const SECRET: [&str; 34] = [
    "pass",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "private_key",
    "access_key",
    "auth_key",
    "signing_key",
    "encryption_key",
    "session_key",
    "session_id",
    "hash",
    "salt",
    "otp",
    "totp",
    "mfa",
    "2fa",
    "two_factor",
    "backup_code",
    "recovery_code",
    "credential",
    "cookie",
    "jwt",
    "bearer",
    "cvv",
    "pin_code",
    "nonce",
    "verifier",
    "p256dh",
];
/// Names that only look like secrets: amounts and kinds of tokens, fingerprints of texts.
const NOT_SECRET: [&str; 9] = [
    "tokens_used",
    "max_tokens",
    "token_type",
    "token_count",
    "prompt_tokens",
    "total_tokens",
    "completion_tokens",
    "baseline_max_tokens",
    "password_changed_at",
];
const SENSITIVE: [&str; 25] = [
    "health",
    "medical",
    "diagnos",
    "disab",
    "allerg",
    "medication",
    "treatment",
    "symptom",
    "religio",
    "ethnic",
    "race",
    "political",
    "sexual",
    "gender",
    "genetic",
    "biometric",
    "criminal",
    "conviction",
    "incident",
    "salary",
    "income",
    "narrative",
    "care_notes",
    "ndis",
    "ssn",
];
const PERSONAL: [&str; 42] = [
    "email",
    "e_mail",
    "phone",
    "mobile",
    "fax",
    "first_name",
    "last_name",
    "full_name",
    "given_name",
    "family_name",
    "middle_name",
    "display_name",
    "user_name",
    "username",
    "nickname",
    "surname",
    "maiden",
    "contact",
    "address",
    "street",
    "city",
    "zip",
    "postal",
    "postcode",
    "birth",
    "dob",
    "nationality",
    "ip_addr",
    "user_agent",
    "avatar",
    "photo",
    "picture",
    "image_url",
    "latitude",
    "longitude",
    "location",
    "passport",
    "iban",
    "bank",
    "license",
    "reporter",
    "device_id",
];
/// Free text in which people are named.
const FREE_TEXT: [&str; 11] =
    ["note", "message", "comment", "body", "content", "bio", "description", "transcript", "reason", "remark", "answer"];
/// Tables whose `name` is a person's.
const PEOPLE: [&str; 15] = [
    "user",
    "people",
    "person",
    "contact",
    "customer",
    "member",
    "employee",
    "participant",
    "profile",
    "patient",
    "client",
    "account",
    "author",
    "student",
    "staff",
];

/// A guess by name, type and comment alone.
pub fn by_name(table: &Table, column: &ColumnSchema) -> Reasoned {
    guess(table, column, None)
}

/// A guess with the shape of sampled values in hand.
pub fn by_values(table: &Table, at: usize, shapes: &Shapes) -> Reasoned {
    guess(table, &table.columns[at], shapes.most(at))
}

fn guess(table: &Table, column: &ColumnSchema, shape: Option<Shape>) -> Reasoned {
    let name = snake(&column.name);
    let guessed = secret(table, column, &name, shape)
        .or_else(|| from_comment(column))
        .or_else(|| about_a_person(table, column, &name, shape));
    guessed.unwrap_or_else(|| {
        let reason = if is_key(table, column) { "a key" } else { "nothing points at a person" };
        Reasoned::new(Classification::Plain, reason)
    })
}

fn secret(table: &Table, column: &ColumnSchema, name: &str, shape: Option<Shape>) -> Option<Reasoned> {
    let can_be_secret = !matches!(column.codec, Codec::Boolean | Codec::Date | Codec::Timestamp | Codec::Double);
    if can_be_secret && !NOT_SECRET.contains(&name) {
        // A long word counts wherever it stands: some databases fold `accessToken` to `accesstoken`.
        let says = |word: &&&str| contains_word(name, word) || (word.len() >= 5 && name.contains(**word));
        if let Some(word) = SECRET.iter().find(says) {
            return Some(named(Classification::Secret, word));
        }
    }
    let keeps_sessions = ["session", "token"].iter().any(|word| snake(&table.name).contains(word));
    let reason = match shape? {
        Shape::PasswordHash => "values look like password hashes",
        Shape::Jwt => "values look like JSON web tokens",
        Shape::PrivateKey => "values look like private keys",
        Shape::ApiKey => "values look like API keys",
        // An opaque id is a secret only where the id itself is what its holder shows.
        Shape::Random if keeps_sessions && table.primary_key.contains(&column.name) => {
            "long, random keys of a table of sessions"
        }
        Shape::Random if !is_key(table, column) => "values are long and random, as tokens are",
        _ => return None,
    };
    Some(Reasoned::new(Classification::Secret, reason))
}

fn from_comment(column: &ColumnSchema) -> Option<Reasoned> {
    let comment = snake(&column.comment.as_deref()?.to_lowercase());
    let classes = [
        (Classification::Secret, &SECRET[..]),
        (Classification::Sensitive, &SENSITIVE[..]),
        (Classification::Personal, &PERSONAL[..]),
    ];
    classes.into_iter().find_map(|(class, words)| {
        let word = words.iter().find(|word| contains_word(&comment, word))?;
        Some(Reasoned::new(class, format!("its comment says \"{word}\"")))
    })
}

fn about_a_person(table: &Table, column: &ColumnSchema, name: &str, shape: Option<Shape>) -> Option<Reasoned> {
    let says = |words: &[&'static str]| words.iter().find(|word| contains_word(name, word)).copied();
    let is_key = is_key(table, column);
    // `contact_id` says which contact, and nothing about it; a key that is an e-mail address does.
    let refers = is_key && (name.ends_with("id") || name.ends_with("uuid")) && name != "device_id";
    let says_something =
        !refers && matches!(column.codec, Codec::Text | Codec::Json | Codec::Dynamic | Codec::Date | Codec::Native);
    if let Some(word) = says(&SENSITIVE).filter(|_| says_something) {
        return Some(named(Classification::Sensitive, word));
    }
    let looks = match shape {
        Some(Shape::Email) => Some("values look like e-mail addresses"),
        Some(Shape::Phone) => Some("values look like phone numbers"),
        Some(Shape::IpAddress) => Some("values look like IP addresses"),
        _ => None,
    };
    if let Some(reason) = looks {
        return Some(Reasoned::new(Classification::Personal, reason));
    }
    if let Some(word) = says(&PERSONAL).filter(|_| !refers) {
        return Some(named(Classification::Personal, word));
    }
    if name == "name" && PEOPLE.iter().any(|people| snake(&table.name).contains(people)) {
        return Some(Reasoned::new(Classification::Personal, "a name in a table of people"));
    }
    let word = says(&FREE_TEXT).filter(|_| says_something)?;
    Some(Reasoned::new(Classification::Personal, format!("free text (\"{word}\") may name people")))
}

fn named(class: Classification, word: &str) -> Reasoned {
    Reasoned::new(class, format!("its name says \"{word}\""))
}

fn is_key(table: &Table, column: &ColumnSchema) -> bool {
    let name = snake(&column.name);
    let by_name = name == "id" || name.ends_with("_id") || name == "uuid";
    by_name || column.references.is_some() || table.primary_key == [column.name.as_str()]
}

/// `sessionToken`, `Session Token` and `session-token` are all `session_token`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            out.push('_');
        }
        out.extend(if c.is_alphanumeric() { c.to_lowercase().next() } else { Some('_') });
        before = c;
    }
    out
}

/// The word at the beginning of a part of the name: `pin_code` is none in `shopping_code`.
fn contains_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(at, _)| {
        let begins = at == 0 || name.as_bytes()[at - 1] == b'_';
        // Short words must be whole: "race" is not in "races_won_trace".
        let ends = name.as_bytes().get(at + word.len()).is_none_or(|next| *next == b'_' || *next == b's');
        begins && (ends || word.len() >= 5)
    })
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
}
