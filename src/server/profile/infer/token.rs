//! Splits text into tokens and recognises codes and random strings.

/// A stretch of text without spaces and surrounding punctuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
}

/// The tokens of a text, in order.
pub fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let around = |c: char| !c.is_alphanumeric();
    let tokens = text.split(|c: char| c.is_whitespace() || "|;,<>()[]{}\"'".contains(c));
    tokens.map(move |token| Token { text: token.trim_matches(around) }).filter(|token| !token.text.is_empty())
}

impl Token<'_> {
    /// Whether a part mixes letters and digits, or a few letters go with a long number. `lamp_689.pdf` is not a code.
    pub fn is_code(&self) -> bool {
        // A path, a file name or a host name.
        let ends_in_a_word =
            self.text.rsplit_once('.').is_some_and(|(_, end)| end.len() >= 2 && end.chars().all(char::is_alphabetic));
        if self.text.contains(['/', '\\']) || ends_in_a_word {
            return false;
        }
        let parts = self.text.split(|c: char| !c.is_alphanumeric());
        let is_mixed = |part: &str| part.contains(char::is_alphabetic) && part.contains(|c: char| c.is_ascii_digit());
        // `B12` is a seat: too short for a code.
        if self.text.chars().count() < 5 {
            return false;
        }
        let letters = self.text.chars().filter(|c| c.is_alphabetic()).count();
        let is_number = |part: &str| part.len() >= 4 && part.bytes().all(|b| b.is_ascii_digit());
        parts.clone().any(is_mixed) || (1..=4).contains(&letters) && parts.clone().any(is_number)
    }
}

/// Whether the token looks generated: it often changes between upper case, lower case and digits, or is
/// unpronounceable.
pub fn looks_random(token: &str) -> bool {
    let length = token.chars().count();
    if length < 8 {
        return false;
    }
    // Compounds are judged part by part.
    let parts: Vec<&str> =
        token.split(|c: char| "-_./\\:+=~@%&?#!*$,".contains(c)).filter(|part| !part.is_empty()).collect();
    if parts.len() > 1 {
        let odd =
            parts.iter().filter(|part| looks_random(part) || is_irregular(part)).map(|part| part.len()).sum::<usize>();
        return odd * 2 > length || parts.iter().any(|part| looks_random(part));
    }
    let changes = count_class_changes(token);
    if changes > 3.max(length / 5) || changes >= 3 && length >= 16 {
        return true;
    }
    let is_hex = length >= 16 && token.bytes().all(|b| b.is_ascii_hexdigit());
    let has_digit = token.bytes().any(|b| b.is_ascii_digit());
    let has_letter = token.bytes().any(|b| b.is_ascii_alphabetic());
    is_hex && has_digit && has_letter || length >= 10 && is_unpronounceable(token)
}

/// A part that changes between letters and digits, or between cases, at least twice.
fn is_irregular(part: &str) -> bool {
    part.len() >= 3 && count_class_changes(part) >= 2
}

/// Counts the changes between upper case, lower case, digits and other characters. From upper to lower case does not
/// count: words begin like that.
fn count_class_changes(token: &str) -> usize {
    let kind = |c: char| match c {
        c if c.is_uppercase() => 0,
        c if c.is_alphabetic() => 1,
        c if c.is_ascii_digit() => 2,
        _ => 3,
    };
    let kinds: Vec<u8> = token.chars().map(kind).collect();
    kinds.windows(2).filter(|pair| pair[0] != pair[1] && *pair != [0, 1]).count()
}

/// Ten letters or more, with over six consonants in a row or fewer than one vowel in six.
fn is_unpronounceable(token: &str) -> bool {
    let is_vowel = |c: char| "aeiouyäöüáéíóúàèìòùâêîôûãõåæøœ".contains(c.to_lowercase().next().unwrap_or(c));
    let letters: Vec<char> = token.chars().filter(|c| c.is_alphabetic()).collect();
    let longest = letters.split(|c| is_vowel(*c)).map(<[char]>::len).max().unwrap_or_default();
    let vowels = letters.iter().filter(|c| is_vowel(**c)).count();
    letters.len() >= 10 && (longest > 6 || vowels * 6 < letters.len())
}
