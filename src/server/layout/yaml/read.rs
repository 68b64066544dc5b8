//! Reads what `write` writes, a line at a time. Anything else is an error: other styles, comments, anchors, aliases, tags, documents.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};

use super::plain::{MAX_KEY_BYTES, is_plain_key, is_plain_letter, is_plain_number};

/// Values may be nested as deep as this.
const MAX_DEPTH: u32 = 64;

/// Why YAML is not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Read(#[from] io::Error),
    #[error("line {line}: {what}")]
    Invalid { line: u64, what: &'static str },
}

/// A line of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: u64,
    /// Spaces before its content, a dash counted as one.
    pub indent: usize,
    /// Whether a dash begins an element of a list here.
    pub begins_item: bool,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A key, and the JSON text of its value where that is on its line.
    Entry { key: String, value: Option<String> },
    /// The JSON text of a value without a key.
    Value(String),
}

/// The lines of a document.
pub struct Lines<R> {
    input: R,
    /// A longer line is not kept in memory.
    max_line_bytes: u64,
    number: u64,
    next: Option<Line>,
}

impl<R: BufRead> Lines<R> {
    pub fn new(input: R, max_line_bytes: u64) -> Self {
        Self { input, max_line_bytes, number: 0, next: None }
    }

    /// The number of the last line that was read.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next line, without taking it; nothing at the end.
    ///
    /// # Errors
    /// `Read`; `Invalid` for a line that `write` does not write.
    pub fn peek(&mut self) -> Result<Option<&Line>, Error> {
        if self.next.is_none() {
            self.next = self.read()?;
        }
        Ok(self.next.as_ref())
    }

    /// Takes the next line if it is `wanted`.
    ///
    /// # Errors
    /// As `peek`.
    pub fn next_if(&mut self, wanted: impl FnOnce(&Line) -> bool) -> Result<Option<Line>, Error> {
        let is_wanted = self.peek()?.is_some_and(wanted);
        Ok(self.next.take_if(|_| is_wanted))
    }

    fn invalid(&self, what: &'static str) -> Error {
        Error::Invalid { line: self.number, what }
    }

    fn read(&mut self) -> Result<Option<Line>, Error> {
        let Some(text) = self.read_text()? else { return Ok(None) };
        let number = self.number;
        let spaces = text.bytes().take_while(|byte| *byte == b' ').count();
        let rest = &text[spaces..];
        let (begins_item, indent, rest) = match rest.strip_prefix("- ") {
            Some(item) => (true, spaces + 2, item),
            None => (false, spaces, rest),
        };
        let content = match rest.strip_prefix("? ") {
            Some(key) => self.read_long_entry(indent, key)?,
            None => parse_content(rest).map_err(|what| self.invalid(what))?,
        };
        Ok(Some(Line { number, indent, begins_item, content }))
    }

    /// A key on a line of its own, and its value on the next one.
    fn read_long_entry(&mut self, indent: usize, key: &str) -> Result<Content, Error> {
        let (key, after) = parse_quoted(key).map_err(|what| self.invalid(what))?;
        let next = self.read_text()?.unwrap_or_default();
        let value = next.strip_prefix(&" ".repeat(indent)).and_then(|rest| rest.strip_prefix(':'));
        let (Some(value), "") = (value, after) else { return Err(self.invalid("a key has no value")) };
        Ok(Content::Entry { key, value: entry_value(value).map_err(|what| self.invalid(what))? })
    }

    /// A line without its end.
    fn read_text(&mut self) -> Result<Option<String>, Error> {
        let mut text = Vec::new();
        let read = self.input.by_ref().take(self.max_line_bytes + 1).read_until(b'\n', &mut text)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if text.pop() != Some(b'\n') {
            let is_too_long = read as u64 > self.max_line_bytes;
            return Err(self.invalid(if is_too_long { "too long" } else { "the file ends within a line" }));
        }
        String::from_utf8(text).map(Some).map_err(|_| self.invalid("not UTF-8"))
    }
}

type Parsed<T> = Result<T, &'static str>;

fn parse_content(text: &str) -> Parsed<Content> {
    if text.starts_with('"') {
        let (key, rest) = parse_quoted(text)?;
        if let Some(value) = rest.strip_prefix(':') {
            check_key(text.len() - rest.len())?;
            return Ok(Content::Entry { key, value: entry_value(value)? });
        }
    } else if let Some((word, value)) = text.split_once(':')
        && is_plain_key(word)
    {
        check_key(word.len())?;
        return Ok(Content::Entry { key: word.to_owned(), value: entry_value(value)? });
    }
    read_value(text).map(Content::Value)
}

/// Other readers refuse a key on one line that is longer.
fn check_key(bytes: usize) -> Parsed<()> {
    if bytes > MAX_KEY_BYTES { Err("a key that is too long for one line") } else { Ok(()) }
}

/// What follows a key's colon.
fn entry_value(text: &str) -> Parsed<Option<String>> {
    match text.strip_prefix(' ') {
        Some(value) => read_value(value).map(Some),
        None if text.is_empty() => Ok(None),
        None => Err("a key's colon is followed by a space"),
    }
}

/// Reads a value on one line, and returns it as JSON, with the spaces that it has.
///
/// # Errors
/// What is wrong with it.
pub fn read_value(text: &str) -> Parsed<String> {
    let mut json = String::with_capacity(text.len());
    match push_value(&mut json, text, 0)? {
        "" => Ok(json),
        _ => Err("more than one value on a line"),
    }
}

/// Appends the value that the text begins with, and returns the rest.
fn push_value<'t>(json: &mut String, text: &'t str, depth: u32) -> Parsed<&'t str> {
    if depth > MAX_DEPTH {
        return Err("nested too deep");
    }
    match text.as_bytes().first() {
        Some(b'"') => {
            let (value, rest) = parse_quoted(text)?;
            push_text(json, &value);
            Ok(rest)
        }
        Some(b'[') => {
            json.push('[');
            push_elements(json, &text[1..], ']', |json, text| push_value(json, text, depth + 1))
        }
        Some(b'{') => {
            json.push('{');
            let mut keys = BTreeSet::new();
            push_elements(json, &text[1..], '}', |json, text| {
                let (key, rest) = parse_quoted(text)?;
                check_key(text.len() - rest.len())?;
                push_text(json, &key);
                let rest = push_separator(json, rest, ':').ok_or("a key without a value")?;
                if !keys.insert(key) {
                    return Err("a key twice");
                }
                push_value(json, rest, depth + 1)
            })
        }
        _ => {
            let end = text.find([',', ']', '}']).unwrap_or(text.len());
            let (word, rest) = text.split_at(end);
            let is_plain = matches!(word, "null" | "true" | "false") || is_number(word) && is_plain_number(word);
            if !is_plain {
                return Err("neither a quoted text, a number, true, false, null, a list nor an object");
            }
            json.push_str(word);
            Ok(rest)
        }
    }
}

fn push_elements<'t>(
    json: &mut String,
    text: &'t str,
    end: char,
    mut push: impl FnMut(&mut String, &'t str) -> Parsed<&'t str>,
) -> Parsed<&'t str> {
    if let Some(rest) = text.strip_prefix(end) {
        json.push(end);
        return Ok(rest);
    }
    let mut rest = text;
    loop {
        rest = push(json, rest)?;
        if let Some(after) = rest.strip_prefix(end) {
            json.push(end);
            return Ok(after);
        }
        rest = push_separator(json, rest, ',').ok_or("a list or an object without an end")?;
    }
}

/// A comma or a colon, and one space at most.
fn push_separator<'t>(json: &mut String, text: &'t str, separator: char) -> Option<&'t str> {
    let rest = text.strip_prefix(separator)?;
    json.push(separator);
    Some(match rest.strip_prefix(' ') {
        Some(after) => {
            json.push(' ');
            after
        }
        None => rest,
    })
}

fn push_text(json: &mut String, text: &str) {
    json.push_str(&serde_json::Value::from(text).to_string());
}

/// Whether the text is a number as JSON writes them (RFC 8259, 6).
#[must_use]
pub fn is_number(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    starts && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok_and(|read| read.get() == text)
}

/// The content of the quoted text that this one begins with, and the rest.
fn parse_quoted(text: &str) -> Parsed<(String, &str)> {
    let mut rest = text.strip_prefix('"').ok_or("a key is not quoted")?;
    let mut content = String::new();
    loop {
        let special = rest.find(['"', '\\']).ok_or("a text without an end")?;
        let (plain, after) = rest.split_at(special);
        if !plain.chars().all(is_plain_letter) {
            return Err("a text with a character that is written with an escape");
        }
        content.push_str(plain);
        let Some(escape) = after.strip_prefix('\\') else { return Ok((content, &after[1..])) };
        let (letter, after) = parse_escape(escape).ok_or("an unknown escape")?;
        content.push(letter);
        rest = after;
    }
}

fn parse_escape(text: &str) -> Option<(char, &str)> {
    let letter = text.chars().next()?;
    let rest = &text[letter.len_utf8()..];
    let digits = match letter {
        '"' | '\\' => return Some((letter, rest)),
        'n' => return Some(('\n', rest)),
        'r' => return Some(('\r', rest)),
        't' => return Some(('\t', rest)),
        'x' => 2,
        'u' => 4,
        _ => return None,
    };
    let hex = rest.get(..digits).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some((char::from_u32(u32::from_str_radix(hex, 16).ok()?)?, &rest[digits..]))
}
