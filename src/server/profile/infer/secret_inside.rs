//! Recognises secrets inside longer texts: headers, URLs, assignments, codes.

use super::format::is_user_agent;
use super::secret_name::is_secret_name;
use super::token::{Token, looks_random, tokens};
use super::words;

/// Recognises secrets inside longer texts.
pub fn secret_inside(text: &str) -> Option<&'static str> {
    if has_authorization_header(text) {
        return Some("values contain an Authorization header");
    }
    if has_credentials_in_url(text) {
        return Some("values are URLs with a password or a key");
    }
    if has_secret_assignment(text) || reveals_code(text) {
        return Some("values contain a named password or key");
    }
    let words: Vec<Token<'_>> = tokens(text).collect();
    let long_and_random = |token: &Token<'_>| token.text.len() >= 20 && looks_random(token.text);
    // `classify_tokens` judges a single token.
    (words.len() > 1 && !is_user_agent(text) && words.iter().any(long_and_random))
        .then_some("values contain long random strings")
}

fn has_authorization_header(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let after = |word: &str| {
        let at = lower.find(word)?;
        text.get(at + word.len()..)
    };
    ["bearer ", "authorization: basic ", "authorization: token "]
        .into_iter()
        .any(|word| after(word).is_some_and(|rest| rest.bytes().take_while(u8::is_ascii_graphic).count() >= 8))
}

/// A URL with a user's password, a secret parameter, or a random path that only its holder can know.
fn has_credentials_in_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    if scheme.is_empty() || scheme.len() > 40 || scheme.contains(char::is_whitespace) {
        return false;
    }
    let rest = rest.split(char::is_whitespace).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    if user.is_some_and(|user| user.split_once(':').is_some_and(|(_, password)| !password.is_empty())) {
        return true;
    }
    let (path, query) = path.split_once(['?', '#']).unwrap_or((path, ""));
    let parameter = |pair: &str| {
        pair.split_once('=')
            .is_some_and(|(name, value)| !value.is_empty() && is_secret_name(name, value) || looks_random(value))
    };
    let part = |part: &str| part.len() >= 8 && looks_random(part);
    query.split(['&', ';', '#']).any(parameter) || !is_image_path(path) && path.split('/').any(part)
}

/// Images often have random names and are no secrets.
fn is_image_path(path: &str) -> bool {
    [".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".avif"].iter().any(|end| path.ends_with(end))
}

/// `password=…`, `pwd: …`, `<pass>…</pass>`.
fn has_secret_assignment(text: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(['=', ':', '>']).any(|(at, sign)| {
        let before = text[..at].trim_end().trim_end_matches(['"', '\'']);
        let name = before.rsplit(|c: char| !is_name(c)).next().unwrap_or_default();
        let after = text[at + 1..].trim_start_matches(['"', '\'', ' ']);
        let value: &str = after.split(|c: char| c.is_whitespace() || ";,&\"'<".contains(c)).next().unwrap_or_default();
        let is_set = value.len() >= 3
            && !["true", "false", "null", "none", "yes", "no"].contains(&value.to_lowercase().as_str());
        let is_tag = sign != ">" || before.get(..before.len() - name.len()).is_some_and(|rest| rest.ends_with('<'));
        // In prose, a colon stands between two words.
        let is_sentence = sign == ":" && value.chars().all(char::is_alphabetic);
        // `root:toor`
        let is_root = sign == ":" && ["root", "admin", "sa"].contains(&name) && text[at + 1..].starts_with(value);
        is_set && is_tag && (!is_sentence && is_secret_name(name, value) || is_root)
    })
}

/// "The PIN is 50219", "door code 5673": a word for a secret, soon followed by what looks like one.
fn reveals_code(text: &str) -> bool {
    let words: Vec<Token<'_>> = tokens(text).collect();
    let looks_like_code = |word: &&Token<'_>| {
        let is_number = (4..=8).contains(&word.text.len()) && word.text.bytes().all(|b| b.is_ascii_digit());
        is_number || word.text.len() >= 6 && word.is_code()
    };
    words.iter().enumerate().any(|(at, word)| {
        let before = at.checked_sub(1).map(|before| words[before].text.to_lowercase()).unwrap_or_default();
        let reach = match word.text.to_lowercase().as_str() {
            "code" | "codigo" | "código" if !words::PUBLIC_CODES.all().contains(&before.as_str()) => 1,
            "pin" | "puk" | "passwort" | "password" | "kennwort" | "wachtwoord" | "contraseña" | "senha" | "mdp" => 3,
            _ => 0,
        };
        words[at + 1..].iter().take(reach).any(|word| looks_like_code(&word))
    })
}
