//! Long texts, unescaped piece by piece, so that one of 100 MB is not held once more while it is read.

/// JSON of more bytes is read in pieces of about as many.
pub const PIECE_BYTES: usize = 1 << 20;

/// The content of a JSON string, in pieces. Ends with the first piece that is none, and knows of it.
pub struct TextPieces<'j> {
    rest: &'j str,
    piece_bytes: usize,
    is_valid: bool,
}

impl<'j> TextPieces<'j> {
    /// `json` is a string with its quotation marks.
    pub fn new(json: &'j str, piece_bytes: usize) -> Self {
        let content = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
        Self { rest: content.unwrap_or_default(), piece_bytes, is_valid: content.is_some() }
    }

    /// Whether all pieces so far were the content of a JSON string.
    pub fn is_valid(&self) -> bool {
        self.is_valid
    }
}

impl Iterator for TextPieces<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.rest.is_empty() || !self.is_valid {
            return None;
        }
        let (piece, rest) = self.rest.split_at(end_of_piece(self.rest, self.piece_bytes));
        self.rest = rest;
        let text = serde_json::from_str(&format!("\"{piece}\"")).ok();
        self.is_valid = text.is_some();
        text
    }
}

/// The end of a piece of at least `length` bytes, or the end of the content: inside no character, no escape (RFC 8259, section 7), and no
/// pair of escapes that is one character.
fn end_of_piece(content: &str, length: usize) -> usize {
    let bytes = content.as_bytes();
    let mut end = 0;
    while end < length.min(bytes.len()) {
        end += match &bytes[end..] {
            [b'\\', b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', ..] => 12,
            [b'\\', b'u', ..] => 6,
            [b'\\', ..] => 2,
            _ => 1,
        };
    }
    let end = end.min(bytes.len());
    (end..bytes.len()).find(|end| content.is_char_boundary(*end)).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str, piece_bytes: usize) -> Option<String> {
        let mut pieces = TextPieces::new(json, piece_bytes);
        let text = pieces.by_ref().collect();
        pieces.is_valid().then_some(text)
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_make_up_the_text(text in any::<String>(), piece_bytes in 1..20_usize, escapes_all in any::<bool>()) {
            let escape = |unit: u16| format!("\\u{unit:04x}");
            let json = if escapes_all {
                format!("\"{}\"", text.encode_utf16().map(escape).collect::<String>())
            } else {
                serde_json::to_string(&text).unwrap()
            };
            prop_assert_eq!(read(&json, piece_bytes), Some(text));
        }

        #[test]
        fn what_serde_refuses_is_refused_in_pieces(content in "[\\\\\"uUdD89aA0bnx🦀é]{0,24}", piece_bytes in 1..20_usize) {
            let json = format!("\"{content}\"");
            prop_assert_eq!(read(&json, piece_bytes), serde_json::from_str(&json).ok());
        }
    }
}
