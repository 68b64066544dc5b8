//! What keys of mappings may look like.

/// Readers accept a key on one line up to 1024 characters, as they are written (YAML 1.2.2, 7.4).
pub const MAX_KEY_BYTES: usize = 1000;

/// Whether the name needs no quotes as a key: it is a word, and none that stands for a value
/// (yaml.org/type/bool.html, null.html).
pub fn is_plain_key(name: &str) -> bool {
    let is_word =
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let lower = name.to_ascii_lowercase();
    let is_reserved = matches!(lower.as_str(), "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null");
    is_word && !is_reserved
}
