//! Decides whether JSON text from a column can be embedded in the file as JSON without loss.
//!
//! A reader keeps only one of several equal keys, rounds numbers to doubles and cannot distinguish SQL's
//! NULL from JSON's `null`. Text that this would change is written as a string instead (the `json`
//! codec). The check is one pass over the text and builds no tree.

use super::exact_number::is_exact_as_double;

/// Maximum nesting. Many readers fail on deeper JSON (Python's `json` near 1,000 levels, others far earlier).
const MAX_DEPTH: u32 = 100;

/// Returns whether the text can be embedded verbatim without loss.
pub fn is_embeddable(text: &str) -> bool {
    let is_one_line = memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_none();
    // Space around the text could not be distinguished from the file's own.
    if !is_one_line || text == "null" || text.starts_with([' ', '\t']) || text.ends_with([' ', '\t']) {
        return false;
    }
    let mut scanner = Scanner { text: text.as_bytes(), position: 0, depth: 0 };
    scanner.value(true).is_some() && {
        scanner.skip_whitespace();
        scanner.position == text.len()
    }
}

struct Scanner<'a> {
    text: &'a [u8],
    position: usize,
    depth: u32,
}

/// Each method returns `None` for text that is not JSON or that a reader would change.
impl<'a> Scanner<'a> {
    fn value(&mut self, is_top_level: bool) -> Option<()> {
        self.skip_whitespace();
        match self.text.get(self.position)? {
            b'{' => self.nested(|scanner| scanner.object(is_top_level)),
            b'[' => self.nested(Self::array),
            b'"' => self.string().map(drop),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => self.number(),
        }
    }

    fn nested(&mut self, inside: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        self.position += 1;
        inside(self)?;
        self.depth -= 1;
        Some(())
    }

    fn object(&mut self, is_top_level: bool) -> Option<()> {
        let mut keys: Vec<&[u8]> = Vec::new();
        if self.consume(b'}') {
            return Some(());
        }
        loop {
            self.skip_whitespace();
            let key = self.string()?;
            // An escaped key could equal an earlier one that is spelled differently.
            if key.contains(&b'\\') {
                return None;
            }
            keys.push(key);
            self.consume(b':').then_some(())?;
            self.value(false)?;
            if self.consume(b'}') {
                break;
            }
            self.consume(b',').then_some(())?;
        }
        let resembles_tag = is_top_level && keys.len() == 1 && keys[0].first() == Some(&b'$');
        keys.sort_unstable();
        let distinct = keys.windows(2).all(|pair| pair[0] != pair[1]);
        (distinct && !resembles_tag).then_some(())
    }

    fn array(&mut self) -> Option<()> {
        if self.consume(b']') {
            return Some(());
        }
        loop {
            self.value(false)?;
            if self.consume(b']') {
                return Some(());
            }
            self.consume(b',').then_some(())?;
        }
    }

    /// Returns the content of a string, with its escapes not decoded.
    fn string(&mut self) -> Option<&'a [u8]> {
        let start = self.position;
        (self.text.get(start) == Some(&b'"')).then_some(())?;
        let mut escapes = false;
        let mut end = start + 1;
        loop {
            match self.text.get(end)? {
                b'"' => break,
                b'\\' => {
                    escapes = true;
                    end += 2;
                }
                0..0x20 => return None,
                _ => end += 1,
            }
        }
        self.position = end + 1;
        let valid = !escapes || serde_json::from_slice::<String>(&self.text[start..=end]).is_ok();
        valid.then(|| &self.text[start + 1..end])
    }

    fn number(&mut self) -> Option<()> {
        let start = self.position;
        let is_number_byte = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
        self.position += self.text[start..].iter().take_while(|b| is_number_byte(b)).count();
        let text = std::str::from_utf8(&self.text[start..self.position]).ok()?;
        // What serde_json accepts is a number by the JSON grammar.
        serde_json::from_str::<f64>(text).ok()?;
        is_exact_as_double(text).then_some(())
    }

    fn literal(&mut self, word: &[u8]) -> Option<()> {
        self.text[self.position..].starts_with(word).then(|| self.position += word.len())
    }

    fn consume(&mut self, byte: u8) -> bool {
        self.skip_whitespace();
        let found = self.text.get(self.position) == Some(&byte);
        self.position += usize::from(found);
        found
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.text.get(self.position), Some(b' ' | b'\t')) {
            self.position += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_embeddable;

    #[test]
    fn ordinary_json_is_embedded() {
        for text in [
            r#"{"a":1,"b":[true,null,"x"],"c":{"a":0.1}}"#,
            "[]",
            "{}",
            "{\"a\": 1.0e5}",
            "\"text\"",
            "9007199254740991",
            "1.10",
            r#"{"$a":1,"$b":2}"#,
            r#"[{"$blob":"nested is no tag"}]"#,
            r#""\u00e9\n""#,
            "0.30000000000000004",
            "1e300",
            "0.0",
        ] {
            assert!(is_embeddable(text), "{text}");
        }
    }

    #[test]
    fn json_that_a_reader_would_change_is_kept_as_text() {
        for text in [
            r#"{"a":1,"a":2}"#,
            "{\"a\":1,\"\\u0061\":2}",
            "9007199254740993",
            "-9223372036854775808",
            "-0",
            "-0.0",
            "1E400",
            "0.1000000000000000055511151231257827",
            "null",
            " null ",
            " {}",
            "[]\t",
            r#"{"$blob":"x"}"#,
            "[1,\n2]",
            "\"\\ud800\"",
        ] {
            assert!(!is_embeddable(text), "{text}");
        }
        assert!(!is_embeddable(&("[".repeat(101) + &"]".repeat(101))));
    }

    #[test]
    fn text_that_is_not_json_is_kept_as_text() {
        for text in ["", "{", "[1,]", "{a:1}", "01", "1.", "tru", "1 2", "'x'", "\"\u{1}\"", "{\"a\"}", "NaN", "[1}"] {
            assert!(!is_embeddable(text), "{text}");
        }
    }
}
