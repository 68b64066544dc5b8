//! Checks that a line is exactly one record: JSON (RFC 8259) in UTF-8, one object with the schema's columns, in order,
//! each once.
//!
//! Without this check a line could close its table and open another one: a JSON reader would accept that, and the
//! seal would not count its records. No values are built: column names are compared byte by byte with what the writer
//! writes, and only the grammar of the values is checked, in pieces of any size.

use super::layout;

/// Maximum nesting of a value; the writer's limit for embedded JSON is lower.
const MAX_DEPTH: u32 = 128;

pub(super) type CheckResult<T = ()> = Result<T, &'static str>;

const UNEXPECTED_COLUMN: &str = "the schema expects another column here";
const NOT_JSON: &str = "this is not JSON";
const NOT_UTF8: &str = "this is not UTF-8";

/// Checks the records of one table, one after the other.
#[derive(Clone, Default)]
pub(super) struct RecordChecker {
    /// The fixed bytes before each value and after the last one.
    separators: Vec<Vec<u8>>,
    /// Index of the next of them, and how many of its bytes have matched.
    next_separator: usize,
    matched_bytes: usize,
    state: State,
    nesting: Nesting,
    utf8: Utf8Checker,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Separator,
    Value,
    /// The first value of an array, or its end.
    ValueOrEnd,
    /// The first key of an object, or its end.
    KeyOrEnd,
    Key,
    Colon,
    String {
        is_key: bool,
    },
    Escape {
        is_key: bool,
    },
    Hex {
        is_key: bool,
        left: u8,
    },
    Number(Number),
    Literal(&'static [u8]),
    AfterValue,
    /// After the record: a comma may follow.
    End,
    EndWithComma,
}

impl State {
    fn allows_whitespace(self) -> bool {
        matches!(self, Self::Value | Self::ValueOrEnd | Self::KeyOrEnd | Self::Key | Self::Colon | Self::AfterValue)
    }
}

/// The position within a number (RFC 8259, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Minus,
    Zero,
    Digits,
    DecimalPoint,
    Fraction,
    ExponentMark,
    ExponentSign,
    Exponent,
}

impl RecordChecker {
    pub(super) fn for_columns<'a>(columns: impl Iterator<Item = &'a str>) -> Self {
        let mut separators: Vec<Vec<u8>> =
            columns.enumerate().map(|(at, name)| layout::field_prefix(at, name)).collect();
        separators.push(if separators.is_empty() { b"{}".to_vec() } else { b"}".to_vec() });
        Self { separators, ..Self::default() }
    }

    /// Checks the next piece of a record's line.
    #[expect(clippy::needless_bitwise_bool, reason = "a lazy operator branches, and a branch stops the vectors")]
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> CheckResult {
        self.utf8.feed(bytes)?;
        // Nearly always false: then the bytes of strings need no further check.
        let has_controls = bytes.iter().fold(false, |any, &byte| any | (byte < 0x20));
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Separator if self.matched_bytes == 0 && !has_controls => {
                    let rest = self.skip_simple_fields(bytes);
                    if rest.is_empty() || self.state != State::Separator { rest } else { self.check_separator(rest)? }
                }
                State::Separator => self.check_separator(bytes)?,
                State::String { is_key } => self.check_string(bytes, is_key, has_controls)?,
                State::Number(number) => self.check_number(bytes, number)?,
                State::Literal(word) => self.check_literal(bytes, word)?,
                _ => {
                    self.check_byte(bytes[0])?;
                    &bytes[1..]
                }
            };
        }
        Ok(())
    }

    /// Ends the line and returns whether another record must follow.
    pub(super) fn end_line(&mut self) -> CheckResult<bool> {
        let more = match self.state {
            State::End => false,
            State::EndWithComma => true,
            _ => return Err("a record should end here"),
        };
        (self.state, self.next_separator, self.matched_bytes) = (State::Separator, 0, 0);
        Ok(more)
    }

    /// Fast path for fields with complete, simple values, as nearly all are; stops before or within the first other.
    fn skip_simple_fields<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let mut rest = bytes;
        while let Some(after_name) =
            self.separators.get(self.next_separator).and_then(|expected| rest.strip_prefix(&**expected))
        {
            self.next_separator += 1;
            if self.next_separator == self.separators.len() {
                self.state = State::End;
                return after_name;
            }
            let Some(after_value) = skip_simple_value(after_name) else {
                self.state = State::Value;
                return after_name;
            };
            rest = after_value;
        }
        rest
    }

    fn check_separator<'b>(&mut self, bytes: &'b [u8]) -> CheckResult<&'b [u8]> {
        let Some(expected) = self.separators.get(self.next_separator) else { return Err(NOT_JSON) };
        let rest = &expected[self.matched_bytes..];
        let taken = rest.len().min(bytes.len());
        if bytes[..taken] != rest[..taken] {
            return Err(UNEXPECTED_COLUMN);
        }
        if taken < rest.len() {
            self.matched_bytes += taken;
        } else {
            (self.next_separator, self.matched_bytes) = (self.next_separator + 1, 0);
            self.state = if self.next_separator < self.separators.len() { State::Value } else { State::End };
        }
        Ok(&bytes[taken..])
    }

    fn check_string<'b>(&mut self, bytes: &'b [u8], is_key: bool, has_controls: bool) -> CheckResult<&'b [u8]> {
        let end = memchr::memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
        if has_controls && bytes[..end].iter().any(|&byte| byte < 0x20) {
            return Err(NOT_JSON);
        }
        let Some(&special) = bytes.get(end) else { return Ok(&[]) };
        self.state = match special {
            b'\\' => State::Escape { is_key },
            _ if is_key => State::Colon,
            _ => self.state_after_value(),
        };
        Ok(&bytes[end + 1..])
    }

    fn check_number<'b>(&mut self, bytes: &'b [u8], mut number: Number) -> CheckResult<&'b [u8]> {
        for (at, &byte) in bytes.iter().enumerate() {
            number = match number.next(byte) {
                Some(next) => next,
                None if number.is_complete() => {
                    self.state = self.state_after_value();
                    return Ok(&bytes[at..]);
                }
                None => return Err(NOT_JSON),
            };
        }
        self.state = State::Number(number);
        Ok(&[])
    }

    fn check_literal<'b>(&mut self, bytes: &'b [u8], word: &'static [u8]) -> CheckResult<&'b [u8]> {
        let taken = word.len().min(bytes.len());
        if bytes[..taken] != word[..taken] {
            return Err(NOT_JSON);
        }
        self.state = if taken < word.len() { State::Literal(&word[taken..]) } else { self.state_after_value() };
        Ok(&bytes[taken..])
    }

    /// Checks a single byte between names, strings, numbers and literals.
    fn check_byte(&mut self, byte: u8) -> CheckResult {
        // Only JSON embedded from a column may contain space.
        if matches!(byte, b' ' | b'\t') && self.nesting.depth > 0 && self.state.allows_whitespace() {
            return Ok(());
        }
        self.state = match (self.state, byte) {
            (State::ValueOrEnd | State::AfterValue, b']') => self.end_nested(Bracket::Array)?,
            (State::Value | State::ValueOrEnd, _) => self.begin_value(byte)?,
            (State::KeyOrEnd | State::AfterValue, b'}') => self.end_nested(Bracket::Object)?,
            (State::KeyOrEnd | State::Key, b'"') => State::String { is_key: true },
            (State::Colon, b':') => State::Value,
            (State::AfterValue, b',') => match self.nesting.innermost() {
                Bracket::Object => State::Key,
                Bracket::Array => State::Value,
            },
            (State::Escape { is_key }, b'u') => State::Hex { is_key, left: 4 },
            (State::Escape { is_key }, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                State::String { is_key }
            }
            (State::Hex { is_key, left }, _) if byte.is_ascii_hexdigit() => match left {
                1 => State::String { is_key },
                _ => State::Hex { is_key, left: left - 1 },
            },
            (State::End, b',') => State::EndWithComma,
            (State::End | State::EndWithComma, _) => return Err("there is more data after the record"),
            _ => return Err(NOT_JSON),
        };
        Ok(())
    }

    fn begin_value(&mut self, byte: u8) -> CheckResult<State> {
        Ok(match byte {
            b'"' => State::String { is_key: false },
            b'{' => {
                self.nesting.open(Bracket::Object)?;
                State::KeyOrEnd
            }
            b'[' => {
                self.nesting.open(Bracket::Array)?;
                State::ValueOrEnd
            }
            b't' => State::Literal(b"rue"),
            b'f' => State::Literal(b"alse"),
            b'n' => State::Literal(b"ull"),
            b'-' => State::Number(Number::Minus),
            b'0' => State::Number(Number::Zero),
            b'1'..=b'9' => State::Number(Number::Digits),
            _ => return Err(NOT_JSON),
        })
    }

    fn end_nested(&mut self, nest: Bracket) -> CheckResult<State> {
        self.nesting.close(nest)?;
        Ok(self.state_after_value())
    }

    fn state_after_value(&self) -> State {
        if self.nesting.depth == 0 { State::Separator } else { State::AfterValue }
    }
}

/// Returns the bytes after a value without escapes, fraction or nesting; `None` for any other, and where it may go on.
fn skip_simple_value(bytes: &[u8]) -> Option<&[u8]> {
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

impl Number {
    fn next(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Minus, b'0') => Self::Zero,
            (Self::Minus, b'1'..=b'9') | (Self::Digits, b'0'..=b'9') => Self::Digits,
            (Self::Zero | Self::Digits, b'.') => Self::DecimalPoint,
            (Self::DecimalPoint | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Zero | Self::Digits | Self::Fraction, b'e' | b'E') => Self::ExponentMark,
            (Self::ExponentMark, b'+' | b'-') => Self::ExponentSign,
            (Self::ExponentMark | Self::ExponentSign | Self::Exponent, b'0'..=b'9') => Self::Exponent,
            _ => return None,
        })
    }

    fn is_complete(self) -> bool {
        matches!(self, Self::Zero | Self::Digits | Self::Fraction | Self::Exponent)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Array,
    Object,
}

/// The arrays and objects open inside a value: one bit per level.
#[derive(Clone, Default)]
struct Nesting {
    objects: u128,
    depth: u32,
}

impl Nesting {
    fn open(&mut self, nest: Bracket) -> CheckResult {
        if self.depth == MAX_DEPTH {
            return Err("values are nested deeper than the format allows");
        }
        self.objects = self.objects << 1 | u128::from(nest == Bracket::Object);
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self, nest: Bracket) -> CheckResult {
        if self.depth == 0 || self.innermost() != nest {
            return Err(NOT_JSON);
        }
        self.objects >>= 1;
        self.depth -= 1;
        Ok(())
    }

    fn innermost(&self) -> Bracket {
        if self.objects & 1 == 1 { Bracket::Object } else { Bracket::Array }
    }
}

/// Checks UTF-8 in pieces that may be cut anywhere.
#[derive(Clone, Default)]
struct Utf8Checker {
    /// The first bytes of an incomplete character.
    incomplete: Vec<u8>,
}

impl Utf8Checker {
    fn feed(&mut self, mut bytes: &[u8]) -> CheckResult {
        while !self.incomplete.is_empty() {
            let Some((&first, rest)) = bytes.split_first() else { return Ok(()) };
            self.incomplete.push(first);
            bytes = rest;
            match std::str::from_utf8(&self.incomplete) {
                Ok(_) => self.incomplete.clear(),
                Err(error) if error.error_len().is_some() => return Err(NOT_UTF8),
                Err(_) => {}
            }
        }
        match std::str::from_utf8(bytes) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(NOT_UTF8),
            Err(error) => {
                self.incomplete.extend_from_slice(&bytes[error.valid_up_to()..]);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(line: &[u8], pieces: usize) -> CheckResult<bool> {
        let mut checker = RecordChecker::for_columns(["id", "a \"b\""].into_iter());
        for piece in line.chunks(pieces) {
            checker.feed(piece)?;
        }
        checker.end_line()
    }

    /// A record with this value.
    fn record_with(value: &str) -> String {
        format!(r#"{{"id":{value},"a \"b\"":null}}"#)
    }

    #[test]
    fn records_are_accepted_whatever_their_values_and_pieces() {
        for value in [
            "0",
            "-1",
            "12.50",
            "1e9",
            "-0.5E-07",
            "true",
            "false",
            "null",
            r#""""#,
            r#""ä👍\u00e4\n\"""#,
            "{}",
            "[]",
            r#"{"a": [1, {"b":	null}],"c":"d"}"#,
            "[[[]],[{}]]",
        ] {
            let line = record_with(value);
            for pieces in 1..line.len() {
                assert_eq!(check(line.as_bytes(), pieces), Ok(false), "{line} in pieces of {pieces}");
                assert_eq!(check(format!("{line},").as_bytes(), pieces), Ok(true));
            }
        }
    }

    #[test]
    fn what_is_not_one_record_of_the_table_is_refused() {
        for value in [
            "",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "NaN",
            "tru",
            "nulll",
            "True",
            "'a'",
            "\"a",
            "\"\u{1}\"",
            r#""\x""#,
            r#""\u12g4""#,
            "[1,]",
            "[,1]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            "{a:1}",
            "[}",
            "{]",
            "[1}",
            r#"{"a":1]"#,
            " 1",
            "1 ",
            "1,2",
            r#"1}],"users":[{"id":1"#,
            "[1 2]",
        ] {
            assert!(check(record_with(value).as_bytes(), 64).is_err(), "{value}");
        }
        for line in [
            r#"{"id":1}"#,
            r#"{"id":1,"id":2,"a \"b\"":null}"#,
            r#"{"a \"b\"":null,"id":1}"#,
            r#"{"id":1,"a \"b\"":null,"more":1}"#,
            r#"{ "id":1,"a \"b\"":null}"#,
            r#"{"id":1,"a \"b\"":null},,"#,
            r#"{"id":1,"a \"b\"":null}]"#,
            r#"{"id":1,"\u0061 \"b\"":null}"#,
            "{}",
        ] {
            assert!(check(line.as_bytes(), 64).is_err(), "{line}");
        }
        let broken = [record_with("\"").as_bytes(), b"\xc3\"", b"x"].concat();
        assert!(check(&broken, 64).is_err());
        let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
        assert!(check(record_with(&deep).as_bytes(), 64).is_err());
    }

    #[test]
    fn a_table_without_columns_has_empty_records() {
        let mut checker = RecordChecker::for_columns(std::iter::empty());
        checker.feed(b"{},").unwrap();
        assert_eq!(checker.end_line(), Ok(true));
        assert!(checker.feed(b"{\"a\":1}").is_err());
    }

    proptest! {
        /// The checker accepts a value exactly when `serde_json` does.
        #[test]
        fn it_agrees_with_a_parser(value in r#"[\[\]{}:,"\\a0-9eE+.\-tfn u]{0,12}"#, pieces in 1_usize..5) {
            let mut checker = RecordChecker::for_columns(["v"].into_iter());
            let line = format!("{{\"v\":{value}}}");
            let checked = line.as_bytes().chunks(pieces).try_for_each(|piece| checker.feed(piece));
            let taken = checked.and_then(|()| checker.end_line()) == Ok(false);
            // Spaces around the value are valid JSON, but never written; the same goes for repeated or other keys.
            let parsed: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(&line);
            let is_record = parsed.is_ok_and(|record| record.len() == 1 && record.contains_key("v"));
            let is_spaced = value.starts_with(' ') || value.ends_with(' ');
            let is_huge = value.contains(['e', 'E']);
            prop_assert!(taken == is_record || is_spaced || is_huge, "{line}: {taken}");
            prop_assert!(!taken || is_record || is_huge, "{line}");
        }
    }
}
