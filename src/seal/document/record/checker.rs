//! Checks that a line is exactly one record: JSON (RFC 8259) in UTF-8, one object with the schema's columns, in order,
//! each once.
//!
//! Without this check a line could close its table and open another one: a JSON reader would accept that, and the
//! seal would not count its records. No values are built: column names are compared byte by byte with what the writer
//! writes, and only the grammar of the values is checked, in pieces of any size.

use super::check_result::{CheckResult, NOT_JSON};
use super::nesting::{Bracket, Nesting};
use super::number::Number;
use super::simple_value::skip_simple_value;
use super::state::State;
use super::utf8::Utf8Checker;
use crate::seal::document::layout;

const UNEXPECTED_COLUMN: &str = "the schema expects another column here";

/// Checks the records of one table, one after the other.
#[derive(Clone, Default)]
pub struct RecordChecker {
    /// The fixed bytes before each value and after the last one.
    separators: Vec<Vec<u8>>,
    /// Index of the next of them, and how many of its bytes have matched.
    next_separator: usize,
    matched_bytes: usize,
    state: State,
    nesting: Nesting,
    utf8: Utf8Checker,
}

impl RecordChecker {
    pub fn for_columns<'a>(columns: impl Iterator<Item = &'a str>) -> Self {
        let mut separators: Vec<Vec<u8>> =
            columns.enumerate().map(|(at, name)| layout::field_prefix(at, name)).collect();
        separators.push(layout::record_suffix(separators.len()));
        Self { separators, ..Self::default() }
    }

    /// Checks the next piece of a record's line.
    #[expect(clippy::needless_bitwise_bool, reason = "a lazy operator branches, and a branch stops the vectors")]
    pub fn feed(&mut self, mut bytes: &[u8]) -> CheckResult {
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
    pub fn end_line(&mut self) -> CheckResult<bool> {
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
        if matches!(byte, b' ' | b'\t') && !self.nesting.is_empty() && self.state.allows_whitespace() {
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
        if self.nesting.is_empty() { State::Separator } else { State::AfterValue }
    }
}
