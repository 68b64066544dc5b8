//! The fast path for values that need no state.

/// Returns the bytes after a value without escapes, fraction or nesting; `None` for any other, and where it may go on.
#[inline]
pub(super) fn skip_simple_value(bytes: &[u8]) -> Option<&[u8]> {
    match bytes.first()? {
        b'"' => {
            let end = 1 + memchr::memchr2(b'"', b'\\', &bytes[1..])?;
            (bytes[end] == b'"').then(|| &bytes[end + 1..])
        }
        b'1'..=b'9' => {
            let end = bytes.iter().position(|byte| !byte.is_ascii_digit())?;
            matches!(bytes[end], b',' | b'}').then(|| &bytes[end..])
        }
        b'n' => bytes.strip_prefix(b"null"),
        b't' => bytes.strip_prefix(b"true"),
        b'f' => bytes.strip_prefix(b"false"),
        _ => None,
    }
}
