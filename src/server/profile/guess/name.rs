//! Splits names of tables and columns into words and looks these up in the word lists.

use super::words;

/// A name as lower-case words without diacritics; `sessionToken`, `Session Token` and `session-token` are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    parts: Vec<String>,
    flat: String,
}

impl Name {
    pub fn new(name: &str) -> Self {
        let snake = snake(name);
        let parts: Vec<String> = snake.split('_').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let flat = parts.concat();
        Self { parts, flat }
    }

    /// The words joined by underscores.
    pub fn snake(&self) -> String {
        self.parts.join("_")
    }

    pub fn is(&self, words: &[&str]) -> bool {
        words.contains(&self.flat.as_str())
    }

    pub fn has_part(&self, words: &[&str]) -> bool {
        self.parts.iter().any(|part| words.contains(&part.as_str()))
    }

    /// Whether the name describes a secret and is not one: `password_changed_at`, `token_count`.
    pub fn is_about_a_secret(&self) -> bool {
        self.parts.len() > 1
            && self.parts.last().is_some_and(|last| words::ABOUT_A_SECRET.all().contains(&last.as_str()))
    }

    /// The word that marks the column as a secret.
    pub fn secret_word(&self) -> Option<&str> {
        if self.is_about_a_secret() || self.is(words::NO_SECRETS.all()) {
            return None;
        }
        let anywhere = words::SECRET_ANYWHERE.all().iter().copied().find(|word| self.flat.contains(word));
        anywhere.or_else(|| self.parts.iter().map(String::as_str).find(|part| is_secret_part(part)))
    }

    /// The word that may mark the column as a secret.
    pub fn doubtful_word(&self) -> Option<&str> {
        if self.is_about_a_secret() || self.is(words::NO_SECRETS.all()) {
            return None;
        }
        let names_another = self.has_part(words::OTHER_CODES.all());
        let is_doubtful = |part: &&str| {
            let is_code = ["code", "codes", "codigo"].iter().any(|word| part.ends_with(word));
            let is_compound = part.len() > 6 && (is_code || part.ends_with("schluessel") || part.ends_with("sleutel"));
            (words::DOUBTFUL_PARTS.all().contains(part) || is_compound) && !(is_code && names_another)
        };
        self.parts.iter().map(String::as_str).find(is_doubtful)
    }

    /// Whether two words or more may mark a secret: `phrase_chiffrement`, `backup_key`.
    pub fn is_doubly_doubtful(&self) -> bool {
        self.parts.iter().filter(|part| words::DOUBTFUL_PARTS.all().contains(&part.as_str())).count() > 1
    }

    /// Whether the rows of a table serve sign-in, confirmation or decryption.
    pub fn keeps_secrets(&self) -> bool {
        if self.has_part(words::SESSIONS_OF_PEOPLE.all()) {
            return false;
        }
        // `secretary` begins with `secret` and is none.
        let begins =
            |word: &&str| self.parts.iter().any(|part| part.starts_with(*word) && !part.starts_with("secretar"));
        let contains = |word: &str| word.len() >= 6 && self.flat.replace("secretar", "").contains(word);
        words::TABLES_OF_SECRETS.all().iter().any(|word| begins(word) || contains(word))
    }

    /// Whether the keys of a table may themselves be credentials.
    pub fn keys_let_in(&self) -> bool {
        if self.has_part(words::SESSIONS_OF_PEOPLE.all()) {
            return false;
        }
        words::TABLES_WHOSE_KEYS_LET_IN.all().iter().any(|word| self.parts.iter().any(|part| part.starts_with(word)))
    }

    /// Whether the column holds digests of public data.
    pub fn is_public_digest(&self) -> bool {
        self.has_part(words::PUBLIC_DIGESTS.all())
    }

    /// Whether a table is about payment cards.
    pub fn keeps_cards(&self) -> bool {
        self.parts.iter().any(|part| words::TABLES_OF_CARDS.all().iter().any(|word| part.starts_with(word)))
    }

    /// Whether the column holds numbers that are not confidential, such as order numbers.
    pub fn is_public_number(&self) -> bool {
        let is_number = |part: &String| part.len() > 4 && (part.ends_with("nr") || part.ends_with("nummer"));
        self.has_part(words::PUBLIC_NUMBERS.all())
            || self.parts.iter().any(is_number)
            || words::PUBLIC_NUMBERS.all().iter().any(|word| word.len() >= 5 && self.flat.ends_with(word))
    }
}

/// Whether a word marks a secret: `zugriffstoken` does, `tokenizer` does not.
fn is_secret_part(part: &str) -> bool {
    words::SECRET_PARTS.all().contains(&part) || part.ends_with("token") || part.starts_with("senha")
}

/// Converts to lower-case words joined by underscores; letters with diacritics become plain ones (`ä` becomes `ae`).
pub fn snake(name: &str) -> String {
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
