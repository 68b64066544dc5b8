//! Recognises secrets by what the sampled values of a column have in common.

use super::inference::Inference;
use super::name::Name;
use super::pattern_counts::PatternCounts;
use super::words;

/// Secret, unless the values are public or those of an enumeration.
pub fn secret_by_values(
    name: &Name,
    table_name: &Name,
    is_suspicious: bool,
    counts: &PatternCounts,
) -> Option<Inference> {
    let is_secrets_table = table_name.is_secrets_table();
    let is_public = name.is_public_number() && !is_secrets_table;
    let secret = |reason: &str| Some(Inference::secret(reason));
    let is_enumeration = counts.is_enumeration() && !(is_secrets_table && is_suspicious);
    let is_digest = name.is_public_digest() && !is_secrets_table && counts.hexadecimal == counts.opaque;
    if counts.binaries > 0 {
        secret("binary values: their content cannot be inspected")
    } else if counts.beside_secret_name > 0 {
        Some(Inference::secret("values are in rows that name a secret"))
    } else if is_secrets_table && name.has_word(words::ANSWER_WORDS.all()) {
        Some(Inference::secret("answers in a table of security questions"))
    } else if counts.is_dominant(counts.cards) {
        Some(Inference::secret("values look like payment card numbers"))
    } else if name.is_any_of(words::GENERIC_NAMES.all()) && counts.uuids > 0 {
        secret("UUIDs among other values: they may be keys")
    } else if (counts.tokens > 0 || counts.opaque > 0 && !is_public) && !is_digest {
        secret("opaque text: it may be a token, a key or a digest")
    } else if counts.is_dominant(counts.uuids) && (is_secrets_table || !name.has_word(&["id", "uuid", "guid", "oid"])) {
        secret("UUIDs that are not keys: they may be credentials")
    } else if counts.is_dominant(counts.digits + counts.cards)
        && !is_public
        && (!is_enumeration || is_suspicious || table_name.is_cards_table())
    {
        secret("digits only: they may be codes")
    } else if counts.is_dominant(counts.whole_numbers)
        && !is_public
        && (table_name.is_cards_table() || is_suspicious && !is_enumeration)
    {
        secret("numbers only: they may be codes")
    } else if (is_secrets_table && is_suspicious || name.has_two_suspicious_words()) && !is_enumeration && !is_public {
        secret("its name may be a secret's")
    } else if counts.is_dominant(counts.codes)
        && !is_public
        && !is_enumeration
        && !is_digest
        && (is_secrets_table || counts.same_prefix * 10 < counts.codes * 9)
    {
        secret("letters and digits without a pattern: they may be codes")
    } else if (is_suspicious || is_secrets_table) && counts.password_like > 0 && !is_enumeration && !is_public {
        secret("some values look like passwords")
    } else {
        None
    }
}
