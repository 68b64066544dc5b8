//! Splits names of tables and columns into words and looks these up in the word lists.

use super::words;

/// A name as lower-case words without diacritics; `sessionToken`, `Session Token` and `session-token` are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    words: Vec<String>,
    joined: String,
}

impl Name {
    pub fn new(name: &str) -> Self {
        let snake = to_snake_case(name);
        let words: Vec<String> = snake.split('_').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let joined = words.concat();
        Self { words, joined }
    }

    /// The words joined by underscores.
    pub fn to_snake_case(&self) -> String {
        self.words.join("_")
    }

    pub fn is_any_of(&self, words: &[&str]) -> bool {
        words.contains(&self.joined.as_str())
    }

    pub fn has_word(&self, words: &[&str]) -> bool {
        self.words.iter().any(|part| words.contains(&part.as_str()))
    }

    /// Whether the name describes a secret and is not one: `password_changed_at`, `token_count`.
    pub fn describes_secret(&self) -> bool {
        self.words.len() > 1
            && self.words.last().is_some_and(|last| words::SECRET_DESCRIPTORS.all().contains(&last.as_str()))
    }

    /// The word that marks the column as a secret.
    pub fn secret_word(&self) -> Option<&str> {
        if self.describes_secret() || self.is_any_of(words::HARMLESS_NAMES.all()) {
            return None;
        }
        let anywhere = words::SECRET_SUBSTRINGS.all().iter().copied().find(|word| self.joined.contains(word));
        anywhere.or_else(|| self.words.iter().map(String::as_str).find(|part| is_secret_word(part)))
    }

    /// The word that may mark the column as a secret.
    pub fn suspicious_word(&self) -> Option<&str> {
        if self.describes_secret() || self.is_any_of(words::HARMLESS_NAMES.all()) {
            return None;
        }
        let is_public_code = self.has_word(words::PUBLIC_CODES.all());
        let is_suspicious = |part: &&str| {
            let is_code = ["code", "codes", "codigo"].iter().any(|word| part.ends_with(word));
            let is_compound = part.len() > 6 && (is_code || part.ends_with("schluessel") || part.ends_with("sleutel"));
            (words::SUSPICIOUS_WORDS.all().contains(part) || is_compound) && !(is_code && is_public_code)
        };
        self.words.iter().map(String::as_str).find(is_suspicious)
    }

    /// Whether two words or more may mark a secret: `phrase_chiffrement`, `backup_key`.
    pub fn has_two_suspicious_words(&self) -> bool {
        self.words.iter().filter(|part| words::SUSPICIOUS_WORDS.all().contains(&part.as_str())).count() > 1
    }

    /// Whether the rows of a table serve sign-in, confirmation or decryption.
    pub fn is_secrets_table(&self) -> bool {
        if self.has_word(words::EVENT_SESSION_WORDS.all()) {
            return false;
        }
        // `secretary` begins with `secret` and is none.
        let begins =
            |word: &&str| self.words.iter().any(|part| part.starts_with(*word) && !part.starts_with("secretar"));
        let contains = |word: &str| word.len() >= 6 && self.joined.replace("secretar", "").contains(word);
        words::SECRETS_TABLES.all().iter().any(|word| begins(word) || contains(word))
    }

    /// Whether the keys of a table may themselves be credentials.
    pub fn has_credential_keys(&self) -> bool {
        if self.has_word(words::EVENT_SESSION_WORDS.all()) {
            return false;
        }
        words::CREDENTIAL_KEY_TABLES.all().iter().any(|word| self.words.iter().any(|part| part.starts_with(word)))
    }

    /// Whether the column holds digests of public data.
    pub fn is_public_digest(&self) -> bool {
        self.has_word(words::PUBLIC_DIGESTS.all())
    }

    /// Whether a table is about payment cards.
    pub fn is_cards_table(&self) -> bool {
        self.words.iter().any(|part| words::CARDS_TABLES.all().iter().any(|word| part.starts_with(word)))
    }

    /// Whether the column holds numbers that are not confidential, such as order numbers.
    pub fn is_public_number(&self) -> bool {
        let is_number = |part: &String| part.len() > 4 && (part.ends_with("nr") || part.ends_with("nummer"));
        self.has_word(words::PUBLIC_NUMBERS.all())
            || self.words.iter().any(is_number)
            || words::PUBLIC_NUMBERS.all().iter().any(|word| word.len() >= 5 && self.joined.ends_with(word))
    }
}

/// Whether a word marks a secret: `zugriffstoken` does, `tokenizer` does not.
fn is_secret_word(part: &str) -> bool {
    words::SECRET_WORDS.all().contains(&part) || part.ends_with("token") || part.starts_with("senha")
}

/// Converts to lower-case words joined by underscores; letters with diacritics become plain ones (`ä` becomes `ae`).
pub fn to_snake_case(name: &str) -> String {
    let mut out = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()) {
            out.push('_');
        }
        let small = c.to_lowercase().next().unwrap_or(c);
        match small {
            'ä' => out.push_str("ae"),
            'ö' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'ß' => out.push_str("ss"),
            'á' | 'à' | 'â' | 'ã' | 'å' => out.push('a'),
            'é' | 'è' | 'ê' | 'ë' => out.push('e'),
            'í' | 'ì' | 'î' | 'ï' => out.push('i'),
            'ó' | 'ò' | 'ô' | 'õ' => out.push('o'),
            'ú' | 'ù' | 'û' => out.push('u'),
            'ç' => out.push('c'),
            'ñ' => out.push('n'),
            c if c.is_alphanumeric() => out.push(c),
            _ => out.push('_'),
        }
        before = c;
    }
    out
}
