//! What the values of a column look like, from a sample: nothing of them is kept but the tally.

use crate::server::rows::{RowSink, Stopped, Value};

/// A kind of value that says something about its column, whatever the column is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    PasswordHash,
    Jwt,
    PrivateKey,
    /// A key with a provider's prefix.
    ApiKey,
    /// Long, random, without spaces.
    Random,
    Email,
    Phone,
    IpAddress,
}

/// Tallies the shapes of one table's columns.
#[derive(Debug)]
pub struct Shapes {
    columns: Vec<Tally>,
    at: usize,
}

#[derive(Clone, Debug, Default)]
struct Tally {
    texts: u32,
    shapes: Vec<(Shape, u32)>,
}

impl Shapes {
    #[must_use]
    pub fn of(columns: usize) -> Self {
        Self { columns: vec![Tally::default(); columns], at: 0 }
    }

    /// What most values of a column look like.
    pub fn most(&self, column: usize) -> Option<Shape> {
        let tally = self.columns.get(column)?;
        let most = tally.shapes.iter().max_by_key(|(_, count)| *count)?;
        // One real key among empty words is enough; an e-mail address in a text is not.
        let needed = if most.0 <= Shape::ApiKey { 1 } else { tally.texts.div_ceil(2) };
        (most.1 >= needed).then_some(most.0)
    }
}

impl RowSink for Shapes {
    fn value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let tally = self.columns.get_mut(self.at).ok_or(Stopped)?;
        self.at += 1;
        let Value::Text(bytes) = value else { return Ok(()) };
        let Ok(text) = std::str::from_utf8(&bytes[..bytes.len().min(4096)]) else { return Ok(()) };
        if text.is_empty() {
            return Ok(());
        }
        tally.texts += 1;
        if let Some(shape) = shape(text.trim()) {
            match tally.shapes.iter_mut().find(|(known, _)| *known == shape) {
                Some((_, count)) => *count += 1,
                None => tally.shapes.push((shape, 1)),
            }
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        self.at = 0;
        Ok(())
    }
}

/// Prefixes of hashes (PHC string format, crypt(3)) and of keys as their makers document them.
const HASHES: [&str; 15] = [
    "$2a$",
    "$2b$",
    "$2y$",
    "$argon2",
    "$pbkdf2",
    "$scrypt$",
    "$1$",
    "$5$",
    "$6$",
    "$7$",
    "$y$",
    "$P$",
    "$H$",
    "$S$",
    "pbkdf2_sha256$",
];
const API_KEYS: [&str; 10] =
    ["sk_live_", "sk_test_", "sk-", "ghp_", "gho_", "github_pat_", "xoxb-", "xoxp-", "AKIA", "glpat-"];

fn shape(text: &str) -> Option<Shape> {
    match () {
        () if HASHES.iter().any(|prefix| text.starts_with(prefix)) => Some(Shape::PasswordHash),
        () if text.starts_with("eyJ") && text.matches('.').count() == 2 => Some(Shape::Jwt),
        () if text.starts_with("-----BEGIN") && text.contains("PRIVATE KEY") => Some(Shape::PrivateKey),
        () if API_KEYS.iter().any(|prefix| text.starts_with(prefix)) && !text.contains(' ') => Some(Shape::ApiKey),
        () if is_email(text) => Some(Shape::Email),
        () if text.parse::<std::net::IpAddr>().is_ok() => Some(Shape::IpAddress),
        () if is_phone(text) => Some(Shape::Phone),
        () if is_random(text) => Some(Shape::Random),
        () => None,
    }
}

/// One @ between a local part and a domain with a dot, no space: enough to notice one.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let inside = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\"".contains(c);
    !local.is_empty() && domain.trim_matches('.').contains('.') && text.len() <= 254 && text.chars().all(inside)
}

fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let marked = text.starts_with('+') || text.starts_with('0') || text.contains(['(', ' ', '-']);
    let is_date = text.len() >= 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    (7..=15).contains(&digits)
        && marked
        && !is_date
        && text.chars().all(|c| c.is_ascii_digit() || "+ ()-/.".contains(c))
}

/// At least 32 characters of hexadecimal or base64, digits and letters mixed; a UUID is an id, not a key.
fn is_random(text: &str) -> bool {
    let alphabet = |c: char| c.is_ascii_alphanumeric() || "-_+/=.".contains(c);
    let has = |test: fn(&char) -> bool| text.chars().filter(test).count() >= 4;
    let is_uuid = text.len() == 36 && text.matches('-').count() == 4;
    text.len() >= 32
        && !is_uuid
        && text.chars().all(alphabet)
        && has(char::is_ascii_digit)
        && has(char::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_known_by_their_shape() {
        for (text, expected) in [
            ("$2b$12$abcdefghijklmnopqrstuv", Some(Shape::PasswordHash)),
            ("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", Some(Shape::PasswordHash)),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", Some(Shape::Jwt)),
            ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", Some(Shape::ApiKey)),
            ("ada@example.org", Some(Shape::Email)),
            ("+44 20 7946 0018", Some(Shape::Phone)),
            ("2001:db8::1", Some(Shape::IpAddress)),
            ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", Some(Shape::Random)),
            ("0190b6a4-7c1e-7b7a-8c2e-3f1d5a6b7c8d", None),
            ("2026-11-20", None),
            ("A sentence about nothing in particular.", None),
            ("write to ada@example.org today", None),
        ] {
            assert_eq!(shape(text), expected, "{text}");
        }
    }
}
